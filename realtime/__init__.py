"""Cut people out of a webcam or a video and put something else behind them, with no green screen.

    import realtime

    realtime.process_file("in.mp4", "out.mp4", background="blur")

    with realtime.Matting() as matting:
        alpha = matting(image)

The parts load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from realtime._version import __version__

if TYPE_CHECKING:
    from realtime.errors import (
        BackgroundError,
        DeviceError,
        Interrupted,
        ModelError,
        OutputError,
        RealtimeError,
        SettingsError,
        SourceError,
    )
    from realtime.inference.matting import Matting
    from realtime.jobs import process_demo, process_file
    from realtime.live import run_live
    from realtime.stats import Progress, StageTime, Summary

# Before onnxruntime is imported: from 1.29 on it tells its maker of the machine and the networks.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOME = {
    "BackgroundError": "errors",
    "DeviceError": "errors",
    "Interrupted": "errors",
    "Matting": "inference.matting",
    "ModelError": "errors",
    "OutputError": "errors",
    "Progress": "stats",
    "RealtimeError": "errors",
    "SettingsError": "errors",
    "SourceError": "errors",
    "StageTime": "stats",
    "Summary": "stats",
    "process_demo": "jobs",
    "process_file": "jobs",
    "run_live": "live",
}

__all__ = [
    "BackgroundError",
    "DeviceError",
    "Interrupted",
    "Matting",
    "ModelError",
    "OutputError",
    "Progress",
    "RealtimeError",
    "SettingsError",
    "SourceError",
    "StageTime",
    "Summary",
    "__version__",
    "process_demo",
    "process_file",
    "run_live",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
