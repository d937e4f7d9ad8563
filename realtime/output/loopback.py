"""Virtual cameras on Linux: v4l2loopback's devices, what state they are in, and how to get one."""

from __future__ import annotations

import errno
import os
import platform
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import OutputError

if sys.platform == "linux":
    import fcntl

    from realtime.capture import v4l2

_DRIVER = "v4l2 loopback"

# VIDIOC_STREAMON and V4L2_BUF_TYPE_VIDEO_OUTPUT of linux/videodev2.h.
_STREAMON = 0x40045612
_OUTPUT = struct.pack("i", 2)

_MODPROBE = 'sudo modprobe v4l2loopback exclusive_caps=1 card_label="realtime"'

# How to install the kernel module, by the ID or ID_LIKE of /etc/os-release.
_PACKAGES = {
    "debian": "sudo apt install v4l2loopback-dkms",
    "ubuntu": "sudo apt install v4l2loopback-dkms",
    "fedora": "sudo dnf install akmod-v4l2loopback (from RPM Fusion)",
    "arch": "sudo pacman -S v4l2loopback-dkms",
    "suse": "sudo zypper install v4l2loopback-kmp-default",
    "opensuse": "sudo zypper install v4l2loopback-kmp-default",
}


@dataclass(frozen=True, slots=True)
class VideoNode:
    """A video device as its driver describes it.

    Attributes:
        path: such as /dev/video10.
        driver: name of the driver.
        card: name of the device, as programs list it.
        captures: whether programs see a camera there at this moment.
        outputs: whether something can be written to it at this moment.
    """

    path: str
    driver: str
    card: str
    captures: bool
    outputs: bool

    @property
    def is_loopback(self) -> bool:
        return self.driver == _DRIVER


def query(path: str) -> VideoNode:
    """Asks a device what it is.

    Raises:
        OSError: it cannot be opened, or is no video device.
    """
    device = v4l2.open_device(path)
    try:
        able = v4l2.capabilities(device)
    finally:
        os.close(device)
    return VideoNode(path, able.driver, able.name, able.captures, able.outputs)


def nodes(folder: Path = Path("/dev")) -> list[VideoNode]:
    """Every video device that lets itself be asked, by number."""
    found = []
    for path in sorted(folder.glob("video[0-9]*"), key=lambda node: (len(node.name), node.name)):
        with suppress(OSError):
            found.append(query(str(path)))
    return found


def heal(path: str) -> None:
    """Makes a v4l2loopback device usable again that its last writer left useless.

    Up to 0.12 with exclusive_caps=1, a writer that used write() alone leaves the device with
    neither capture nor output (v4l2loopback issue 470). Asking it to stream sets it right, whatever
    it answers. Any other device is left alone: on one in use this would disturb its writer.
    """
    with suppress(OSError):
        node = query(path)
        if not node.is_loopback or node.captures or node.outputs:
            return
        device = v4l2.open_device(path)
        try:
            with suppress(OSError):
                fcntl.ioctl(device, _STREAMON, _OUTPUT)
        finally:
            os.close(device)


def usable(path: str) -> VideoNode:
    """The virtual camera at `path`, ready to be written to.

    Raises:
        OutputError: it is missing, something else, busy, or not permitted; with what to do.
    """
    heal(path)
    try:
        node = query(path)
    except FileNotFoundError:
        present = [node.path for node in nodes() if node.is_loopback]
        instead = f"choose {' or '.join(present)}" if present else how_to_get_one()
        raise OutputError(f"{path}: no such device; {instead}") from None
    except PermissionError:
        raise OutputError(
            f"{path}: not permitted; run 'sudo usermod -aG video $USER' and log in again"
        ) from None
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise OutputError(f"{path}: {_BUSY}") from None
        raise OutputError(
            f"{path}: not a video device ({error.strerror}); {how_to_get_one()}"
        ) from None
    if not node.is_loopback:
        raise OutputError(
            f"{path}: is {node.card} ({node.driver}) and not a virtual camera; "
            "choose --output virtual"
        )
    if not node.outputs:
        raise OutputError(f"{path}: {_BUSY}")
    return node


_BUSY = "another program is sending to this virtual camera; end it, or choose another device"


def first_usable(found: Sequence[VideoNode] | None = None) -> VideoNode:
    """The first virtual camera that can be written to.

    Args:
        found: devices to choose from; by default those of this system.

    Raises:
        OutputError: there is none; the message says how to get one, or what keeps those there are.
    """
    loopbacks = [node for node in (nodes() if found is None else found) if node.is_loopback]
    obstacles = []
    for node in loopbacks:
        try:
            return usable(node.path)
        except OutputError as error:
            obstacles.append(error)
    if obstacles:
        raise obstacles[0]
    forbidden = _forbidden()
    if forbidden:
        raise OutputError(
            f"{forbidden}: not permitted; run 'sudo usermod -aG video $USER' and log in again"
        )
    raise OutputError(f"no virtual camera here; {how_to_get_one()}")


def _forbidden(folder: Path = Path("/dev"), system: Path = Path("/sys")) -> str | None:
    """A virtual camera that may not be opened, which `nodes` therefore cannot tell."""
    for entry in sorted((system / "devices/virtual/video4linux").glob("video*")):
        path = folder / entry.name
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            return str(path)
    return None


def lists_everywhere(node: VideoNode) -> bool:
    """Whether browsers and meeting programs will list it: only what is nothing but a camera.

    Without exclusive_caps=1 a device says that it is both at once, and those pass it over.
    """
    return not (node.captures and node.outputs)


def how_to_get_one(root: Path = Path("/")) -> str:
    """What to do on this system to have a virtual camera, as the end of a message."""
    system = platform.system()
    if system != "Linux":
        return "install OBS Studio, start its virtual camera once, stop it, and try again"
    if _has_module(root):
        return f"load it with '{_MODPROBE}'"
    return f"install it with '{_package(root)}', then '{_MODPROBE}'"


def _has_module(root: Path) -> bool:
    if (root / "sys/module/v4l2loopback").exists():
        return True
    listed = root / "lib/modules" / platform.release() / "modules.dep"
    with suppress(OSError):
        return "/v4l2loopback.ko" in listed.read_text(errors="replace")
    return False


def _package(root: Path) -> str:
    families: list[str] = []
    with suppress(OSError):
        for line in (root / "etc/os-release").read_text(errors="replace").splitlines():
            key, _, value = line.partition("=")
            if key in ("ID", "ID_LIKE"):
                families += value.strip("\"'").split()
    for family in families:
        if family in _PACKAGES:
            return _PACKAGES[family]
    return "your system's package manager (the package is called v4l2loopback)"
