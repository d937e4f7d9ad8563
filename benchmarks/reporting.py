"""What the benchmarks share: their reports, drawing, and how a command ends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models import command as commands
from models.errors import ModelsError
from models.machine import write_report as headed
from realtime.bench.report import lasting, machine_line
from realtime.errors import RealtimeError
from realtime.machine import machine

# How to get those reports that no benchmark of their name writes.
_REMEDIES = {
    "bench": "run realtime bench --model default,fast --fps 30,60 --json {path}",
    "peers": "run python -m benchmarks.peers --clip VIDEO",
    "quality": "run python -m benchmarks.quality --peers FOLDER --gestures VIDEO...",
    "bench_before": "it is of the first version that was measured, and comes with the sources",
}


def run_command(command: Callable[[], int]) -> int:
    """Runs a command line's body as those of `models` are; also says what `realtime` raises."""
    return commands.run_command(command, RealtimeError)


def write_report(path: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """Writes measured figures as JSON, headed by the machine and the revision of the sources.

    Args:
        path: of the report; its folder is made if need be.
        figures: with a "machine" of their own where they tell how busy it was before.

    Returns:
        What was written.
    """
    # By now the machine is busy with what is measured.
    return headed(path, {"machine": lasting(machine())} | _revision() | figures)


def _revision() -> dict[str, str]:
    """Which sources were measured, as Git calls them; nothing where they are not Git's."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"revision": found.stdout.strip()}


def read_report(path: Path) -> dict[str, Any]:
    """A report that was written before.

    Raises:
        ModelsError: there is none; says how to get it.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError:
        remedy = _REMEDIES.get(path.stem, "run python -m benchmarks.{path.stem}")
        raise ModelsError(f"{path}: cannot be read; {remedy.format(path=path)}") from None
    return report


def measured_on(report: dict[str, Any]) -> str:
    """The machine of a report, in a sentence."""
    return f"Measured on {machine_line(report['machine'])}."


def pyplot() -> Any:
    """Matplotlib's, drawing into files; only who draws needs it.

    Raises:
        ModelsError: matplotlib is missing.
    """
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError:
        raise ModelsError("matplotlib is missing; pip install '.[train]' to draw") from None
    return plt
