"""An earlier report, read back: before minutes of work it is known whether it can be used."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from realtime.bench import comparison
from realtime.bench.report import heading
from realtime.errors import RealtimeError

KIND = "realtime bench"


def read(path: Path | str) -> dict[str, Any]:
    """A report that was written before, and that a new one can be compared with.

    Raises:
        RealtimeError: it cannot be read, or is not such a report.
    """
    try:
        report: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
        _check(report)
    except OSError as error:
        raise RealtimeError(
            f"{path}: cannot be read: {error.strerror}; name a report that --json wrote"
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        # What exactly is wrong with it is one thing to the user.
        raise RealtimeError(
            f"{path}: is no report of realtime bench, or a damaged one; write one anew with --json"
        ) from None
    return report


def _check(report: dict[str, Any]) -> None:
    """Raises any of the errors that `read` expects where the report is of no use."""
    if report["kind"] != KIND:
        raise ValueError(report["kind"])
    for run in report["runs"]:
        heading(run)
        for metric in run["metrics"].values():
            _check_numbers(metric["rounds"])
    # And what it is for: it stumbles over a wrong machine or plan, or numbers out of all bounds.
    comparison.text(report, report)


def _check_numbers(values: list[Any]) -> None:
    # JSON's true is an int to Python.
    if not values or any(isinstance(value, bool) or not math.isfinite(value) for value in values):
        raise ValueError(values)
