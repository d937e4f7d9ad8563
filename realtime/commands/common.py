"""What the commands share: kinds of values, options, and telling how a job goes."""

from __future__ import annotations

import functools
import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from realtime import progress
from realtime.cores import keep_opencv_to_its_caller
from realtime.errors import Interrupted, RealtimeError
from realtime.interrupts import INTERRUPTED, ignore_from_now_on
from realtime.stats import Summary

_LONGEST_SECONDS = 1e7  # four months

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class Time(click.ParamType[float]):
    """Seconds, as 90, 1:30 or 0:01:30.5."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        if not re.fullmatch(r"(\d+:){0,2}(\d+(\.\d*)?|\.\d+)", value):
            self.fail(f"{value!r} is not a time; write 90, 1:30 or 0:01:30.5", param, ctx)
        parts = [float(part) for part in value.split(":")]
        if any(part >= 60 for part in parts[1:]):
            self.fail(f"{value!r} is not a time: minutes and seconds go up to 59", param, ctx)
        seconds = 0.0
        for part in parts:
            seconds = seconds * 60 + part
        if seconds > _LONGEST_SECONDS:
            self.fail(f"{value!r} is longer than any video", param, ctx)
        return seconds


class Number(click.FloatRange):
    """A finite number in a range; click's own lets NaN and infinity pass."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number to count with", param, ctx)
        return number


class Size(click.ParamType[tuple[int, int]]):
    """Width and height, as 1280x720; both even, as 4:2:0 video is."""

    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", value)
        if match is None or int(match[1]) % 2 or int(match[2]) % 2:
            self.fail(f"{value!r} is not a size; write two even numbers, as 1280x720", param, ctx)
        return int(match[1]), int(match[2])


def job_options(default_background: str) -> Decorator:
    """The options of every job that makes a file."""
    options = [
        click.option(
            "--background",
            default=default_background,
            show_default=True,
            metavar="WHAT",
            help="blur, blur:5% of the height, #00b140, green, transparent, demo, or a picture, a "
            "video, or a folder of pictures.",
        ),
        click.option(
            "--background-fit",
            type=click.Choice(["cover", "fit"]),
            default="cover",
            show_default=True,
            help="Fill the frame with the picture, or show all of it.",
        ),
        click.option(
            "--model",
            default="default",
            show_default=True,
            metavar="NAME|FILE.onnx",
            help="The network that finds people.",
        ),
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "cuda"]),
            default="auto",
            show_default=True,
            help="What computes; auto takes CUDA where it works.",
        ),
    ]

    return stack_options([*options, *TELLING])


def stack_options(options: Sequence[Decorator]) -> Decorator:
    """One decorator for many, which the help then lists in this order."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)

    return decorate


OVERWRITE = click.option("-y", "--overwrite", is_flag=True, help="Overwrite an existing output.")

TELLING: Sequence[Decorator] = (
    click.option("--quiet", is_flag=True, help="Say nothing but errors."),
    click.option("--json", "as_json", is_flag=True, help="Say it in JSON lines on stdout."),
    OVERWRITE,
)


def run_job(
    job: Callable[..., Summary],
    *,
    quiet: bool,
    as_json: bool,
    **arguments: Any,
) -> None:
    """Runs a job, tells how it goes, and exits with what became of it.

    Args:
        job: what to run.
        quiet: whether to say nothing but errors.
        as_json: whether to say it in JSON lines.
        arguments: of the job.
    """
    reporter = progress.choose(quiet=quiet, as_json=as_json)
    keep_opencv_to_its_caller()
    try:
        with reporter:
            summary = job(**arguments, on_progress=reporter.progress, report=reporter.note)
    except RealtimeError as error:
        reporter.error(str(error))
        sys.exit(1)
    except Interrupted as interrupted:
        ignore_from_now_on()
        _tell(reporter, interrupted.summary)
        sys.exit(1 if interrupted.summary.failures else INTERRUPTED)
    except KeyboardInterrupt:
        reporter.error("interrupted, nothing was written")
        sys.exit(INTERRUPTED)
    _tell(reporter, summary)
    if summary.failures:
        sys.exit(1)


def _tell(reporter: progress.Quiet, summary: Summary) -> None:
    reporter.summary(summary)
    for failure in summary.failures:
        reporter.error(failure)
