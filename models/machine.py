"""Where a measurement was taken."""

import json
import os
import platform
import uuid
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "onnxruntime-gpu", "onnxruntime", "onnx", "opencv-python", "numpy")


def machine() -> dict[str, str | int]:
    """CPU model, number of cores, system and versions of what did the work."""
    found: dict[str, str | int] = {
        "cpu": _cpu_name(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_report(path: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """Writes measured figures as JSON, headed by the machine; makes the folder if need be.

    The file is there as a whole, or as it was: what was measured before outlives a full disk.

    Returns:
        What was written.

    Raises:
        OSError: it cannot be written; names it.
    """
    report = {"machine": machine()} | figures
    text = json.dumps(report, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, text)
    except OSError as error:
        # What a full disk raises names no file, or the one beside, of which nobody knows.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    return report


def _write_whole(path: Path, text: str) -> None:
    if path.exists() and not path.is_file():
        # Something to write into, such as a pipe: nothing may take its place.
        path.write_text(text, encoding="utf-8")
        return
    # A link stays one.
    target = Path(os.path.realpath(path))
    part = target.with_name(f"{uuid.uuid4().hex[:8]}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {key.strip(): value.strip() for key, value in fields.items()}
    flags = [flag for flag in ("avx2", "avx512_vnni", "avx_vnni") if flag in names.get("flags", "")]
    return f"{names.get('model name', 'unknown')} ({', '.join(flags)})"
