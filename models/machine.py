"""Where a measurement was taken."""

import json
import os
import platform
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

    Returns what was written.
    """
    report = {"machine": machine()} | figures
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {key.strip(): value.strip() for key, value in fields.items()}
    flags = [flag for flag in ("avx2", "avx512_vnni", "avx_vnni") if flag in names.get("flags", "")]
    return f"{names.get('model name', 'unknown')} ({', '.join(flags)})"
