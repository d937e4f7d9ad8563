"""Where a measurement was taken."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path

from realtime import checksums
from realtime._version import __version__
from realtime.cores import usable_cores

_PACKAGES = ("onnxruntime-gpu", "onnxruntime", "opencv-python", "av", "numpy")

# What decides how fast eight-bit networks are; the last two are ARM's.
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")

_CPUINFO = Path("/proc/cpuinfo")

# ARM has no name there but numbers, which differ among the cores of one machine, and often a board.
_NUMBERS = ("CPU implementer", "CPU part", "Model")


def machine() -> dict[str, str | int | float]:
    """CPU, cores, memory, system, versions of what does the work, and how busy it is just now."""
    # Here, since it takes long to load, and a run that looks up what is held does without.
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | int | float] = {
        "cpu": _cpu_name(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "realtime": __version__,
    }
    memory = _memory()
    if memory is not None:
        found["memory_gb"] = round(memory / 1e9, 1)
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if hasattr(os, "getloadavg"):
        found["load"] = round(os.getloadavg()[0], 2)
    return found


def identity() -> str:
    """What has to be the same for figures to be still true: processor, cores, networks."""
    files = "".join(f"{path}{digest}" for path, digest in checksums.recorded().items())
    networks = hashlib.sha256(files.encode()).hexdigest()[:8]
    return f"{_cpu_name()}, {usable_cores()} cores, realtime {__version__} with {networks}"


def cache_folder() -> Path:
    """Where programs of this user keep what can be made again; it need not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else _home() / "AppData" / "Local") / "realtime" / "Cache"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "realtime"
    base = os.environ.get("XDG_CACHE_HOME")
    # The standard says that a relative path there is to be ignored.
    folder = Path(base) if base and os.path.isabs(base) else _home() / ".cache"
    return folder / "realtime"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # In a container a user may have none: then in here nothing is found, nor can it be kept.
        return Path(os.devnull)


def _memory() -> int | None:
    """Bytes of memory, None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _cpu_name() -> str:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine() or "unknown"
    pairs = [
        (key.strip(), value.strip())
        for key, _, value in (line.partition(":") for line in lines)
        if value
    ]
    fields = dict(pairs)
    present = {*fields.get("flags", "").split(), *fields.get("Features", "").split()}
    flags = ", ".join(flag for flag in _FLAGS if flag in present)
    numbers = dict.fromkeys(value for key, value in pairs if key in _NUMBERS)
    name = " ".join((fields.get("model name") or platform.machine() or "unknown", *numbers))
    return f"{name} ({flags})" if flags else name
