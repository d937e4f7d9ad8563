"""Looks at everything that a run needs, and names the fix of what is wrong.

Each look imports what it looks at by itself: a part that cannot even be loaded is one of the things
to tell.
"""

from __future__ import annotations

import math
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from realtime import checksums
from realtime._version import __version__
from realtime.errors import RealtimeError
from realtime.settings import Settings

if TYPE_CHECKING:
    from realtime.capture.modes import Mode

Status = Literal["ok", "warning", "failed"]

_DISTRIBUTION = "realtime-matting"
_REINSTALL = f"pip install --force-reinstall {_DISTRIBUTION}"

# What each encoder is for.
_ENCODERS = {
    "libx264": "mp4, mov, mkv",
    "libvpx-vp9": "webm, and transparency in webm and mkv",
    "prores_aw": "transparency in mov",
    "aac": "sound",
    "libopus": "sound in webm",
}

# Where the shared libraries come from that OpenCV's wheel expects of the system.
_LIBRARY_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
}

# What to do about the reasons for which networks run on the CPU, or on CUDA in a slower way; those
# that are not listed are no fault.
_CUDA_FIXES = {
    "this onnxruntime is a CPU build": "pip uninstall onnxruntime, then "
    f"pip install --force-reinstall '{_DISTRIBUTION}[cuda]'",
    "no NVIDIA driver": "install NVIDIA's driver; 'nvidia-smi' shows whether it works",
    "the NVIDIA driver does not answer": "restart; if 'nvidia-smi' fails after it, install the "
    "driver again",
    "onnxruntime could not load": f"pip install '{_DISTRIBUTION}[cuda]'",
    "CUDA works, but not": "close what else uses the GPU; or install NVIDIA's newest driver, and "
    f"pip install --upgrade '{_DISTRIBUTION}[cuda]'",
    "CUDA failed": "install NVIDIA's newest driver; until then --device cpu says that it is meant",
}

_EXCLUSIVE_CAPS = Path("/sys/module/v4l2loopback/parameters/exclusive_caps")
_RELOAD = (
    "sudo modprobe -r v4l2loopback && "
    'sudo modprobe v4l2loopback exclusive_caps=1 card_label="realtime"'
)

# An hour of 720p takes about this much.
_FEW_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """What one look found.

    Attributes:
        name: what was looked at.
        status: "ok"; "warning" where something that one may want does not work; "failed" where
            nothing works.
        found: what is there.
        fix: what to do; empty where nothing needs to be done.
    """

    name: str
    status: Status
    found: str
    fix: str = ""


def diagnose() -> Iterator[Check]:
    """Looks at everything, one after another; nothing that is wrong ends it."""
    for name, bad, look in _LOOKS:
        try:
            yield from look()
        except RealtimeError as error:
            found, _, fix = str(error).partition("; ")
            yield Check(name, bad, found, fix)
        except ImportError as error:
            yield Check(name, bad, _line(error), explain_missing(error) or _REINSTALL)
        except Exception as error:  # noqa: BLE001 - whatever stands in the way is what to tell
            yield Check(name, bad, f"{type(error).__name__}: {_line(error)}", _REINSTALL)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def explain_missing(error: ImportError) -> str | None:
    """What to install when a shared library of the system is missing."""
    for library, package in _LIBRARY_PACKAGES.items():
        if library in str(error):
            return (
                f"OpenCV needs {library}, which this system lacks; install it with "
                f"'apt install {package}' (Debian, Ubuntu) or your system's like"
            )
    return None


def _program() -> Iterator[Check]:
    system = f"{platform.system()} {platform.machine()}"
    yield Check("realtime", "ok", f"{__version__}, Python {platform.python_version()}, {system}")


def _packages() -> Iterator[Check]:
    """Versions, against those that the installed program asks for."""
    for line in metadata.requires(_DISTRIBUTION) or ():
        requirement, _, condition = (part.strip() for part in line.partition(";"))
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if "extra" in condition or name.startswith("onnxruntime"):
            continue  # not for running it, or one of two builds, which have a look of their own
        version = _version(name)
        if version is None:
            yield Check(name, "failed", "not installed", f"pip install '{requirement}'")
        elif all(_fulfils(version, bound) for bound in re.findall(r"[<>=!~]+[\d.]+", requirement)):
            yield Check(name, "ok", version)
        else:
            yield Check(name, "failed", f"{version} does not do", f"pip install '{requirement}'")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _fulfils(version: str, bound: str) -> bool:
    """Whether a version keeps to one bound: ">=18.1" or "<19"."""
    match = re.fullmatch(r"(>=|<)([\d.]+)", bound)
    if match is None:
        raise ValueError(f"a bound of an unknown kind: {bound}")
    have, limit = _numbers(version), _numbers(match[2])
    return have >= limit if match[1] == ">=" else have < limit


def _numbers(version: str) -> list[int]:
    """The numbers of a version for comparing, without zeros at the end: 18.0 is 18."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def _files() -> Iterator[Check]:
    expected, present = checksums.recorded(), checksums.computed()
    wrong = [path for path, digest in expected.items() if present.get(path) != digest]
    if wrong:
        yield Check("files", "failed", f"missing or damaged: {', '.join(wrong)}", _REINSTALL)
    else:
        yield Check("files", "ok", f"{len(expected)} networks and pictures as they should be")


def _windows() -> Iterator[Check]:
    import cv2

    toolkit = re.search(r"^\s*GUI:\s*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    if toolkit is None or toolkit[1] == "NONE":
        yield Check(
            "windows",
            "warning",
            "this build of OpenCV cannot open any",
            "pip uninstall opencv-python-headless, then pip install --force-reinstall "
            "--no-deps opencv-python",
        )
    else:
        yield Check("windows", "ok", toolkit[1])


def _runtime() -> Iterator[Check]:
    builds = [name for name in ("onnxruntime", "onnxruntime-gpu") if _version(name)]
    if len(builds) > 1:
        yield Check(
            "onnxruntime",
            "warning",
            "two builds are installed, and one overwrote the other",
            f"pip uninstall onnxruntime onnxruntime-gpu, then {_REINSTALL}",
        )
    else:
        import onnxruntime

        yield Check("onnxruntime", "ok", f"{onnxruntime.__version__} ({', '.join(builds)})")


def _provider() -> Iterator[Check]:
    """What really computes: runs the network."""
    from realtime.inference.matting import Matting

    with Matting() as matting:
        provider, why = matting.provider, matting.provider_reason
    found = f"{provider} ({why})"
    fixes = [fix for reason, fix in _CUDA_FIXES.items() if why.startswith(reason)]
    if fixes and has_nvidia_card():
        yield Check("provider", "warning", found, fixes[0])
    else:
        yield Check("provider", "ok", found)


def has_nvidia_card(devices: Path = Path("/sys/bus/pci/devices")) -> bool:
    """Whether there is a graphics card by NVIDIA, with a driver or without; as far as one can tell.

    Args:
        devices: where Linux lists what is plugged in.
    """
    if shutil.which("nvidia-smi"):
        return True
    for vendor in devices.glob("*/vendor"):
        kind = vendor.with_name("class").read_text()
        if vendor.read_text().strip() == "0x10de" and kind.startswith("0x03"):
            return True
    return False


def _encoders() -> Iterator[Check]:
    import av

    def there(name: str) -> bool:
        try:
            av.Codec(name, "w")
        except ValueError:
            return False
        return True

    missing = [f"{name} (for {use})" for name, use in _ENCODERS.items() if not there(name)]
    if missing:
        fix = "pip install --force-reinstall --no-deps --only-binary av av"
        yield Check("encoders", "warning", f"not in this build of PyAV: {', '.join(missing)}", fix)
    else:
        yield Check("encoders", "ok", ", ".join(_ENCODERS))


def _cameras() -> Iterator[Check]:
    from realtime.capture.devices import holders, list_cameras

    cameras = [camera for camera in list_cameras() if not camera.virtual]
    for camera in cameras:
        name = f"camera {camera.id}"
        if camera.problem is not None:
            found, _, fix = camera.problem.partition("; ")
            yield Check(name, "warning", found, fix)
        elif users := " and ".join(holders(camera.path)):
            # It can be asked all the same; only streaming is for one program at a time.
            found = f"{camera.name} is in use by {users}"
            yield Check(name, "warning", found, f"close {users} before using it here")
        else:
            yield Check(name, "ok", f"{camera.name}: {_formats(camera.modes)}")
    if not cameras:
        yield Check("camera", "warning", "none", "plug one in; --camera demo works without")


def _formats(modes: tuple[Mode, ...]) -> str:
    """What the camera is opened with by default, and its largest pictures."""
    from realtime.capture.devices import without_modes
    from realtime.capture.modes import choose

    usual = Settings()
    chosen = choose(modes, usual.width, usual.height, usual.fps)
    if chosen is None:
        return without_modes()
    largest = max(modes, key=lambda mode: (mode.width * mode.height, max(mode.rates, default=0)))
    return f"{_described(chosen, usual.fps)}; at most {_described(largest, math.inf)}"


def _described(mode: Mode, fps: float) -> str:
    rate = mode.rate_for(fps)
    at = "" if rate is None else f" at {float(rate):.4g} fps"
    return f"{mode.width}×{mode.height}{at} as {mode.pixels}"


def _virtual_camera() -> Iterator[Check]:
    name = "virtual camera"
    if sys.platform != "linux":
        import pyvirtualcam

        try:
            with pyvirtualcam.Camera(640, 360, 30) as camera:
                yield Check(name, "ok", camera.device)
        except RuntimeError as error:
            from realtime.output.loopback import how_to_get_one

            yield Check(name, "warning", _line(error), how_to_get_one())
        return

    from realtime.output import loopback

    node = loopback.first_usable()
    flags = f"exclusive_caps={_text(_EXCLUSIVE_CAPS)}"
    if loopback.lists_everywhere(node):
        yield Check(name, "ok", f"{node.path} ({node.card}), {flags}")
    else:
        found = f"{node.path} ({node.card}), {flags}: browsers will not list it"
        yield Check(name, "warning", found, _RELOAD)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return "unknown"


def _screen() -> Iterator[Check]:
    from realtime.output.window import require_screen

    require_screen()
    yield Check("screen", "ok", os.environ.get("DISPLAY", "there"))


def _space() -> Iterator[Check]:
    free = shutil.disk_usage(".").free
    found = f"{free / (1 << 30):.1f} GB free in {os.getcwd()}"
    if free < _FEW_BYTES:
        yield Check("space", "warning", found, "make room before recording, or record elsewhere")
    else:
        yield Check("space", "ok", found)


# Name, what it means that the look itself fails, and the look.
_LOOKS: tuple[tuple[str, Status, Callable[[], Iterator[Check]]], ...] = (
    ("realtime", "failed", _program),
    ("packages", "failed", _packages),
    ("files", "failed", _files),
    ("onnxruntime", "failed", _runtime),
    ("provider", "failed", _provider),
    ("windows", "failed", _windows),
    ("screen", "warning", _screen),
    ("camera", "warning", _cameras),
    ("virtual camera", "warning", _virtual_camera),
    ("encoders", "warning", _encoders),
    ("space", "warning", _space),
)
