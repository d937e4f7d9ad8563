"""Which cameras there are, what each can do, and why one cannot be used."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2  # noqa: F401 - before PyAV, see realtime.media

# isort: split
import av

from realtime.capture.modes import Mode
from realtime.errors import SourceError

if sys.platform == "linux":
    from realtime.capture import v4l2

# What FFmpeg calls the cameras of each system.
SYSTEM_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}

# What stands in the way of every program alike.
_PLAIN_REASONS = (
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.EBUSY,
    errno.ENODEV,
    errno.ENXIO,
)

# Gone meanwhile, a node that nothing is plugged in behind, another kind of device: no camera.
_NO_CAMERA = (
    errno.ENOENT,
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOTTY,
    errno.EISDIR,
    errno.EINVAL,
)

_DEVICES = Path("/dev")
_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Camera:
    """A device that pictures can be captured from.

    Attributes:
        id: what `--camera` takes: a number where there is one, otherwise the path or name.
        name: what people call it.
        path: on Linux, of the device; elsewhere what FFmpeg opens.
        bus: where it is plugged in; empty where the system does not say.
        modes: what it can deliver; empty where the system does not say, as on macOS and Windows.
        virtual: whether it is a virtual camera, which shows what another program sends.
        problem: why it cannot be used now, in one line with the remedy; None where it can.
    """

    id: str
    name: str
    path: str
    bus: str = ""
    modes: tuple[Mode, ...] = ()
    virtual: bool = False
    problem: str | None = None


def list_cameras() -> tuple[Camera, ...]:
    """The cameras of this computer, those that cannot be opened included. Opens no stream."""
    return tuple(_list(with_modes=True))


def without_modes() -> str:
    """What there is to say of a camera's formats where it has no modes, in one line."""
    if sys.platform == "linux":
        return "does not tell its formats; its driver chooses one when it is opened"
    return (
        "formats cannot be asked for on this system; --size and --fps choose one when it is opened"
    )


def _list(*, with_modes: bool = False) -> Iterable[Camera]:
    if sys.platform == "linux":
        return _list_linux(with_modes=with_modes)
    return _list_elsewhere()


def _list_elsewhere() -> tuple[Camera, ...]:
    system = SYSTEM_FORMATS.get(sys.platform)
    try:
        devices = av.device.enumerate_input_devices(system) if system is not None else []
    except (av.error.FFmpegError, OSError):
        # DirectShow's word for there being none.
        return ()
    # A microphone is listed as well; some systems leave the kind out.
    cameras = [each for each in devices if not each.media_types or "video" in each.media_types]
    return tuple(
        Camera(str(index), device.description or device.name, device.name)
        for index, device in enumerate(cameras)
    )


def find_camera(camera: str) -> Camera:
    """The camera that was named by number, path, or a part of its name.

    Raises:
        SourceError: there is none, it is no camera, or it must not be opened.
    """
    if sys.platform == "linux" and (camera.isdecimal() or "/" in camera):
        path = f"{_DEVICES}/video{camera}" if camera.isdecimal() else camera
        try:
            return _look_at(path, camera)
        except OSError as error:
            problem = _explain(path, camera, error)
        except _NoCaptureError as error:
            problem = f"camera {camera}: {path} {error}"
        raise SourceError(_or_another(problem, path))
    cameras = tuple(_list())
    for each in cameras:
        if camera in (each.id, each.path) or camera.lower() in each.name.lower():
            if each.problem is not None:
                raise SourceError(each.problem)
            return each
    raise SourceError(_or_another(f"camera {camera}: there is no such camera"))


def find_again(lost: Camera) -> Camera:
    """The same camera after it was plugged in again, maybe as another device.

    At its old path any of its name is taken for it; at another path only one in its old port, since
    a second one of the same make shows another room.

    Raises:
        SourceError: it is not back yet.
    """
    if sys.platform != "linux":
        return lost
    with contextlib.suppress(OSError, _NoCaptureError):
        camera = _look_at(lost.path, lost.id)
        if camera.name == lost.name:
            return camera
    for camera in _list_linux():
        if (camera.name, camera.bus, camera.problem) == (lost.name, lost.bus, None):
            return camera
    raise SourceError(f"{lost.name} ({lost.path}) is unplugged: waiting for it to return")


def modes_of(camera: Camera, wanted: tuple[int, int]) -> tuple[Mode, ...]:
    """What a camera can deliver, with the wanted size if it takes any; empty where unknown."""
    if sys.platform != "linux":
        return ()
    try:
        fd = v4l2.open_device(camera.path)
    except OSError:
        return ()
    try:
        return tuple(v4l2.modes(fd, wanted))
    except OSError:
        return ()
    finally:
        os.close(fd)


class OddCameraError(SourceError):
    """FFmpeg cannot read a camera, for a reason that OpenCV may not mind."""


def cannot_open(camera: Camera, error: OSError) -> SourceError:
    """Explains why the system refuses to open or to read a camera."""
    if sys.platform != "linux":
        return OddCameraError(
            f"camera {camera.id}: {camera.name} cannot be opened: {error.strerror}; close other "
            "programs that use it, and allow it in the system's privacy settings"
        )
    if error.errno in _PLAIN_REASONS:
        return SourceError(_or_another(_explain(camera.path, camera.id, error), camera.path))
    return OddCameraError(_explain(camera.path, camera.id, error))


def broke(camera: Camera, error: OSError) -> SourceError:
    """Explains why a camera that was open cannot be read any more."""
    if error.errno in (errno.ENODEV, errno.ENXIO):
        return SourceError(f"{camera.name} ({camera.path}) was unplugged; plug it in again")
    return SourceError(f"{camera.name} ({camera.path}) broke: {error.strerror}; plug it in anew")


def holders(path: str) -> list[str]:
    """Other programs that have a device open, such as "zoom (process 1234)".

    Only those of the same user show, unless this is root.
    """
    try:
        device = os.stat(path).st_rdev
    except OSError:
        return []
    found = []
    for process in _PROCESSES.iterdir() if _PROCESSES.is_dir() else ():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            if any(_is_device(handle, device) for handle in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                found.append(f"{name} (process {process.name})")
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return found


def _is_device(handle: Path, device: int) -> bool:
    try:
        # A look at the name first: asking about the file itself may hang on a dead network drive.
        if not str(handle.readlink()).startswith(str(_DEVICES)):
            return False
        status = handle.stat()
    except OSError:
        return False
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == device


class _NoCaptureError(Exception):
    """A video device that pictures cannot be captured from; says so."""


def _list_linux(*, with_modes: bool = False) -> Iterable[Camera]:
    nodes = [node for node in _DEVICES.glob("video*") if re.fullmatch(r"video\d+", node.name)]
    for node in sorted(nodes, key=lambda node: int(node.name[5:])):
        path, number = str(node), node.name[5:]
        # A node for metadata, a decoder, a virtual camera that nobody feeds: no camera.
        with contextlib.suppress(_NoCaptureError):
            try:
                yield _look_at(path, number, with_modes=with_modes)
            except OSError as error:
                if error.errno not in _NO_CAMERA:
                    problem = _explain(path, number, error)
                    yield Camera(number, _name_of(path), path, problem=problem)


def _look_at(path: str, camera: str, *, with_modes: bool = False) -> Camera:
    """Asks one device who it is.

    Raises:
        OSError: it cannot be asked.
        _NoCaptureError: it is something else.
    """
    fd = v4l2.open_device(path)
    try:
        able = v4l2.capabilities(fd)
        virtual = able.driver == "v4l2 loopback"
        if not able.captures:
            raise _NoCaptureError(
                f"({able.name}) is a virtual camera that no program sends to; start that program"
                if virtual
                else f"({able.name}) does not capture"
            )
        modes = tuple(v4l2.modes(fd)) if with_modes else ()
    finally:
        os.close(fd)
    return Camera(camera, able.name, path, able.bus, modes, virtual)


def _name_of(path: str) -> str:
    """A device's name without opening it."""
    try:
        node = Path(path).resolve().name
        return Path(f"/sys/class/video4linux/{node}/name").read_text().strip() or path
    except OSError:
        return path


def _explain(path: str, camera: str, error: OSError) -> str:
    """One line on why a device cannot be used, with what to do."""
    match error.errno:
        case errno.ENOENT:
            problem = f"there is no {path}"
        case errno.EACCES | errno.EPERM:
            problem = (
                f"no permission for {path}; run 'sudo usermod -aG {_group_of(path)} $USER' and "
                "log in again"
            )
        case errno.EBUSY:
            by = " and ".join(holders(path))
            problem = f"{path} is in use" + (
                f" by {by}; close it" if by else "; close the program that uses it"
            )
        case errno.ENODEV | errno.ENXIO:
            problem = f"{path} is unplugged; plug it in again"
        case errno.ENOTTY | errno.EISDIR | errno.EINVAL:
            problem = f"{path} is no camera"
        case _:
            problem = f"{path} fails: {error.strerror}; plug it in anew"
    return f"camera {camera}: {problem}"


def _group_of(path: str) -> str:
    import grp  # not on Windows

    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "video"


def _or_another(problem: str, path: str | None = None) -> str:
    """A problem with its end: the cameras that can be taken in place of the one at `path`."""
    others = [each for each in _list() if each.path != path and each.problem is None]
    if others:
        remedy = "choose --camera " + " or ".join(f"{each.id} ({each.name})" for each in others)
    else:
        remedy = "use --camera demo: no other camera is plugged in"
    return f"{problem}{', or' if ';' in problem else ';'} {remedy}"
