"""What the benchmarks share: their reports, drawing, and how a command ends."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def check_writable(path: Path) -> None:
    """Sees whether a file can be written, and leaves the one that is there as it is.

    To be asked first: after minutes of measuring would be too late to tell. Makes its folder.

    Raises:
        ModelsError: it cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_fifo():  # whoever reads one would be told that all is read
            path.open("ab").close()
        if path.is_file() or not path.exists():
            # A new one is made beside, and replaces it.
            tempfile.TemporaryFile(dir=Path(os.path.realpath(path)).parent).close()
    except OSError as error:
        raise ModelsError(
            f"{path}: cannot be written ({error.strerror or error}); name another place for it"
        ) from None


def places(folder: Path, name: str) -> tuple[Path, Path]:
    """Where a report of this name and the picture of it go, both of which can be written.

    Raises:
        ModelsError: one of them cannot; see `check_writable`.
    """
    report, picture = folder / f"{name}.json", folder / f"{name}.png"
    check_writable(report)
    check_writable(picture)
    return report, picture


@contextmanager
def kept(path: Path) -> Iterator[None]:
    """Has whoever interrupts what comes after a file was written know that it is there."""
    try:
        yield
    except KeyboardInterrupt:
        raise commands.Interrupted(f"interrupted, only {path} was written") from None


def write_report(path: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """Writes measured figures as JSON, headed by the machine and the revision of the sources.

    Args:
        path: of the report; its folder is made if need be.
        figures: with a "machine" of their own where they tell how busy it was before.

    Returns:
        What was written.

    Raises:
        OSError: it cannot be written; what was there is there still.
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


def read_report(
    path: Path, use: Callable[[dict[str, Any]], object] = lambda report: None
) -> dict[str, Any]:
    """A report that was written before.

    Args:
        path: of the report.
        use: what it is for; that it can be done shows that it is such a report, and whole.

    Raises:
        ModelsError: there is none, it is of no use, or was made with --quick; says how to get it.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
        quick = report.get("quick", False)
        use(report)
    except OSError:
        raise _useless(path, "cannot be read") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        # What exactly is wrong with it is one thing to the user.
        raise _useless(path, "is another report, or a damaged one") from None
    if quick:
        raise _useless(path, "was made with --quick, and its figures mean nothing")
    return report


def _useless(path: Path, why: str) -> ModelsError:
    """With how to make the report anew."""
    remedy = _REMEDIES.get(path.stem, "run python -m benchmarks.{path.stem}")
    return ModelsError(f"{path}: {why}; {remedy.format(path=path)}")


def measured_on(report: dict[str, Any]) -> str:
    """The machine of a report, in a sentence."""
    return f"Measured on {machine_line(report['machine'])}."


def sources(report: dict[str, Any]) -> str:
    """Which sources a report is of, as a part of a sentence."""
    # The first reports did not name them yet.
    revision = report.get("revision", "of before")
    changed = ", with changes that it does not name" if revision.endswith("-dirty") else ""
    return f"sources {revision}{changed}"


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
