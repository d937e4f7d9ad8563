"""The figures of a live run as a file: a line of JSON each second, and a last one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realtime.closing import Closing
from realtime.errors import OutputError
from realtime.stats import Figures, Summary

_INTERVAL = 1.0

# Bytes that are enough to know a log by.
_LONGEST_LINE = 1000


class StatsLog(Closing):
    """Writes lines with their `event`, as `--json` does: "stats" each second, then "summary".

    A disk that fills up in the middle ends the log, not the run. A context manager.

    Args:
        path: the file; an earlier log is replaced.
        clock: seconds.
        overwrite: whether something else may be replaced as well.

    Raises:
        OutputError: the file cannot be opened, or holds something else.
    """

    def __init__(
        self,
        path: str | Path,
        clock: Callable[[], float] = time.monotonic,
        *,
        overwrite: bool = False,
    ) -> None:
        self._clock = clock
        self._due = clock() + _INTERVAL
        self._note = ""
        self._path = path
        try:
            if not overwrite and _holds_something_else(path):
                raise OutputError(
                    f"{path}: exists and holds no figures; add -y to overwrite it, or choose "
                    "another file for them"
                )
            self._file = open(path, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{path}: cannot be written ({_reason(error)}); choose another file for the figures"
            ) from None

    def tick(self, figures: Callable[[], Figures]) -> None:
        """Writes the figures of this moment when a second has gone by; to be called often."""
        now = self._clock()
        if now >= self._due:
            self._due += _INTERVAL
            if self._due <= now:  # after a pause, missed lines are not made up for
                self._due = now + _INTERVAL
            self._write("stats", figures().as_dict())

    def summary(self, summary: Summary) -> None:
        """Writes what the whole run did."""
        self._write("summary", summary.as_dict())

    def notes(self) -> tuple[str, ...]:
        """What the user should know about the log, one sentence each."""
        return (self._note,) if self._note else ()

    def close(self) -> None:
        self._end()

    def _write(self, event: str, values: dict[str, Any]) -> None:
        if self._file.closed:
            return
        try:
            self._file.write(
                json.dumps({"event": event, "unix_time": time.time(), **values}) + "\n"
            )
        except OSError as error:
            self._note = f"{self._path}: the figures break off: {_reason(error)}"
            self._end()

    def _end(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self._note = f"{self._path}: the figures break off: {_reason(error)}"


def _holds_something_else(path: str | Path) -> bool:
    """Whether a file has contents, and they are no log of ours."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        first = file.readline(_LONGEST_LINE)
    return bool(first) and not first.startswith(b'{"event": ')


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
