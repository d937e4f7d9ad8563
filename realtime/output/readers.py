"""How many programs read a virtual camera of v4l2loopback, on Linux."""

from __future__ import annotations

import errno
import os
import select
import struct
import sys
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path

from realtime.closing import Closing
from realtime.errors import OutputError

if sys.platform == "linux":
    import fcntl

    from realtime.capture import v4l2

# linux/videodev2.h: VIDIOC_SUBSCRIBE_EVENT takes type, id, flags and five reserved words,
# VIDIOC_DQEVENT gives 136 bytes: the type, four unused, and what it says.
_SUBSCRIBE = 0x4020565A
_SUBSCRIPTION = struct.Struct("=III20x")
_SEND_INITIAL = 1
_DEQUEUE = 0x80885659
_EVENT_SIZE = 136

# v4l2loopback.h of 0.13 and later: V4L2_EVENT_PRI_CLIENT_USAGE, which says how many programs
# stream from the device.
_CLIENT_USAGE = 0x08000000 + 0x08E00000 + 1


class Readers(Closing):
    """Counts the programs that read a device. A context manager."""

    @abstractmethod
    def __call__(self) -> int:
        """How many there are now.

        Raises:
            OutputError: the system does not say.
        """


class UsageEvents(Readers):
    """Asks the driver, 0.13 and later, which counts programs that stream.

    Args:
        path: of the device.

    Raises:
        OSError: the driver is older, or the device cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._device = v4l2.open_device(path)
        self._count = 0
        try:
            fcntl.ioctl(
                self._device, _SUBSCRIBE, _SUBSCRIPTION.pack(_CLIENT_USAGE, 0, _SEND_INITIAL)
            )
        except OSError:
            os.close(self._device)
            raise
        self._poll = select.poll()
        self._poll.register(self._device, select.POLLPRI)

    def __call__(self) -> int:
        while self._poll.poll(0):
            event = bytearray(_EVENT_SIZE)
            try:
                fcntl.ioctl(self._device, _DEQUEUE, event)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EAGAIN):
                    break
                if error.errno in (errno.ENODEV, errno.ENXIO):
                    return 0  # it is gone, and whoever sends to it will tell
                raise _cannot_count(self._path, error) from error
            kind, count = struct.unpack_from("=I4xI", event)
            if kind == _CLIENT_USAGE:
                self._count = count
        return self._count

    def close(self) -> None:
        if self._device >= 0:
            os.close(self._device)
            self._device = -1


def holders(path: str, proc: Path = Path("/proc")) -> int:
    """How many other programs have a file open, of those that this user may look into."""
    own = str(os.getpid())
    return sum(
        _holds(process, path)
        for process in proc.iterdir()
        if process.name.isdigit() and process.name != own
    )


def _holds(process: Path, path: str) -> bool:
    # Programs end while one looks, and most belong to others.
    with suppress(OSError), os.scandir(process / "fd") as handles:
        for handle in handles:
            with suppress(OSError):
                if os.readlink(handle.path) == path:
                    return True
    return False


class Holders(Readers):
    """Counts whoever has the device open, for drivers that do not tell."""

    def __init__(self, path: str) -> None:
        self._path = os.path.realpath(path)

    def __call__(self) -> int:
        try:
            return holders(self._path)
        except OSError as error:
            raise _cannot_count(self._path, error) from error

    def close(self) -> None:
        """Nothing is held."""


def _cannot_count(path: str, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: cannot tell who watches it ({error.strerror}); leave --on-demand out"
    )


def readers_of(path: str) -> Readers:
    """The best way to count the readers of a device."""
    try:
        return UsageEvents(path)
    except OSError:
        return Holders(path)
