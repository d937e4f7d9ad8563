"""How a run tells the user where it is: a bar, plain lines, JSON lines, or nothing."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self, TextIO

from realtime.closing import Closing
from realtime.stats import Progress, Summary

if TYPE_CHECKING:
    import rich.progress

# A log file wants few lines, and a reader of JSON fewer than the pipeline offers.
_LINE_INTERVAL = 5.0
_JSON_INTERVAL = 0.5


class Quiet(Closing):
    """Says nothing. The base of the others; a context manager around the run."""

    def progress(self, progress: Progress) -> None:
        """The run has come this far."""

    def note(self, line: str) -> None:
        """Something happened during the run that is worth a line; from any thread."""

    def summary(self, summary: Summary) -> None:
        """The run has ended."""

    def error(self, message: str) -> None:
        """The run has failed."""
        _say(f"Error: {message}", sys.stderr)

    def close(self) -> None:
        """Nothing to clear away."""


class Lines(Quiet):
    """A line now and then, for logs; progress goes to stderr, the last word to stdout."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def progress(self, progress: Progress) -> None:
        now = self._clock()
        if now - self._last >= _LINE_INTERVAL:
            self._last = now
            _say(describe(progress), sys.stderr)

    def note(self, line: str) -> None:
        _say(line, sys.stderr)

    def summary(self, summary: Summary) -> None:
        for note in summary.notes:
            _say(f"note: {note}", sys.stderr)
        say(str(summary))


class Bar(Lines):
    """A bar that fills, for terminals; where the end is unknown, a spinner."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task("starting", total=None)
        return self

    def progress(self, progress: Progress) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                description=describe(progress),
                completed=progress.frames,
                total=progress.expected,
            )

    def note(self, line: str) -> None:
        if self._bar is not None:
            # Above the bar, which would else be torn.
            self._bar.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


class JsonLines(Quiet):
    """One JSON object a line on stdout, each with its `event`: progress, note, summary or error."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def progress(self, progress: Progress) -> None:
        now = self._clock()
        if now - self._last >= _JSON_INTERVAL:
            self._last = now
            self._print("progress", {**asdict(progress), "eta": progress.eta})

    def note(self, line: str) -> None:
        self._print("note", {"message": line})

    def summary(self, summary: Summary) -> None:
        self._print("summary", summary.as_dict())

    def error(self, message: str) -> None:
        super().error(message)
        self._print("error", {"message": message})

    def _print(self, event: str, values: dict[str, Any]) -> None:
        say(json.dumps({"event": event, **values}))


def say(line: str) -> None:
    """Prints a line to stdout; where that fails, as on a full disk, the run goes on unheard."""
    _say(line, sys.stdout)


def complain(line: str) -> None:
    """The same to stderr, for what is not the answer: how it goes, and what goes wrong."""
    _say(line, sys.stderr)


def _say(line: str, stream: TextIO) -> None:
    try:
        # With its end in one piece: two threads' lines would else come as one, and an empty one.
        print(f"{line}\n", end="", file=stream, flush=True)
    except OSError:
        deafen(stream)


def deafen(stream: TextIO) -> None:
    """Sends what a stream still holds, and all to come, nowhere.

    For one that cannot be written to: Python would try again at its end, and complain then.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def describe(progress: Progress) -> str:
    """One line: frames, fps, times real time, time to go."""
    of = "" if progress.expected is None else f"/{progress.expected}"
    parts = [
        f"{progress.frames}{of} frames",
        f"{progress.fps:.1f} fps",
        f"×{progress.speed:.2f} real time",
    ]
    if progress.eta is not None:
        minutes, seconds = divmod(round(progress.eta), 60)
        parts.append(f"{minutes}:{seconds:02} to go")
    if progress.dropped:
        parts.append(f"{progress.dropped} dropped")
    return " · ".join(parts)


def choose(*, quiet: bool, as_json: bool) -> Quiet:
    """The way to tell it that fits the options and the terminal."""
    if as_json:
        return JsonLines()
    if quiet:
        return Quiet()
    return Bar() if sys.stderr.isatty() else Lines()
