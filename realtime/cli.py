"""The command line: a thin skin over `realtime.jobs`."""

from __future__ import annotations

import functools
import json
import math
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from realtime import progress
from realtime._version import __version__
from realtime.errors import Interrupted, RealtimeError
from realtime.stats import Summary

if TYPE_CHECKING:
    from realtime.inference import Device

_LONGEST_SECONDS = 1e7  # four months

_INTERRUPTED = 130  # what shells expect after Ctrl-C

# Where the shared libraries come from that OpenCV's wheel expects of the system.
_LIBRARY_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
}


class Time(click.ParamType[float]):
    """Seconds, as 90, 1:30 or 0:01:30.5."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", value):
            self.fail(f"{value!r} is not a time; write 90, 1:30 or 0:01:30.5", param, ctx)
        seconds = 0.0
        for part in value.split(":"):
            seconds = seconds * 60 + float(part)
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


def _options(default_background: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that every job takes."""
    options = [
        click.option(
            "--background",
            default=default_background,
            show_default=True,
            metavar="WHAT",
            help="blur, blur:5% of the height, #00b140, transparent, demo, or a picture or video.",
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
        click.option("--quiet", is_flag=True, help="Say nothing but errors."),
        click.option("--json", "as_json", is_flag=True, help="Say it in JSON lines on stdout."),
        click.option("-y", "--overwrite", is_flag=True, help="Overwrite an existing output."),
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)

    return decorate


def _run(job: Callable[..., Summary], *, quiet: bool, as_json: bool, **arguments: Any) -> None:
    """Runs a job, tells how it goes, and exits with what became of it."""
    reporter = progress.choose(quiet=quiet, as_json=as_json)
    try:
        with reporter:
            summary = job(**arguments, on_progress=reporter.progress)
    except RealtimeError as error:
        reporter.error(str(error))
        sys.exit(1)
    except Interrupted as interrupted:
        reporter.summary(interrupted.summary)
        sys.exit(_INTERRUPTED)
    except KeyboardInterrupt:
        reporter.error("interrupted, nothing was written")
        sys.exit(_INTERRUPTED)
    reporter.summary(summary)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="realtime")
def cli() -> None:
    """Cuts people out of a webcam or a video and puts something else behind them."""


@cli.command(
    epilog="""\b
Examples:
  realtime file talk.mp4 out.mp4                              blur the room
  realtime file talk.mp4 out.mp4 --background beach.jpg
  realtime file talk.mp4 out.mov --background transparent     ProRes 4444 for an editor
  realtime file talk.mp4 out.mp4 --start 1:30 --duration 20
"""
)
@click.argument("input", metavar="IN")
@click.argument("output", metavar="OUT")
@click.option("--start", type=Time(), default=0.0, metavar="T", help="Begin at this time.")
@click.option("--duration", type=Time(), metavar="T", help="Process only so much.")
@_options("blur")
def file(**arguments: Any) -> None:
    """Replace the background of the video IN and write OUT, with its timing and its sound."""
    from realtime.jobs import process_file

    _run(process_file, **arguments)


@cli.command(
    epilog="""\b
Examples:
  realtime live --background office.jpg                       a window; Q or Escape ends it
  realtime live --output null --seconds 10                    how fast is it here?
  realtime live --output take.mkv --size 1920x1080 --fps 25
"""
)
@click.option("--camera", default="demo", show_default=True, help="Where pictures come from: demo.")
@click.option(
    "--output",
    default="window",
    show_default=True,
    metavar="window|null|FILE",
    help="Where they go.",
)
@click.option("--size", type=Size(), default="1280x720", show_default=True, help="Of the pictures.")
@click.option("--fps", type=Number(1, 240), default=30, show_default=True, help="Rate.")
@click.option("--seconds", type=Number(0, min_open=True), help="End after so long.")
@_options("blur")
def live(size: tuple[int, int], **arguments: Any) -> None:
    """Replace the background of a camera's pictures as they come."""
    from realtime.jobs import run_live

    _run(run_live, width=size[0], height=size[1], **arguments)


@cli.command(
    epilog="""\b
Examples:
  realtime demo
  realtime demo out.mp4 --seconds 3 --background blur
"""
)
@click.argument("output", metavar="[OUT.mp4]", default="demo.mp4")
@click.option(
    "--seconds",
    type=Number(0, min_open=True),
    default=8.0,
    show_default=True,
    help="Length.",
)
@_options("demo")
def demo(**arguments: Any) -> None:
    """Show what it does, on a moving picture that comes with the program."""
    from realtime.jobs import process_demo

    _run(process_demo, **arguments)


@cli.command(
    epilog="""\b
Examples:
  realtime models
  realtime models selfie.onnx --device cpu
"""
)
@click.argument("names", metavar="[NAME|FILE.onnx]...", nargs=-1)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@click.option("--json", "as_json", is_flag=True, help="Say it in JSON lines.")
def models(names: tuple[str, ...], device: Device, as_json: bool) -> None:
    """List networks: size, cost measured here, licence, checksum. By default the embedded ones."""
    from realtime.inference.catalogue import embedded_names, inspect

    for name in names or embedded_names():
        try:
            info = inspect(name, device)
        except RealtimeError as error:
            print(f"Error: {error}", file=sys.stderr)
            sys.exit(1)
        if as_json:
            print(json.dumps(asdict(info)))
        else:
            print(
                f"{info.name}: {info.width}×{info.height} · {info.bytes / 1e3:.0f} kB · "
                f"{info.milliseconds:.2f} ms on {info.provider} · "
                f"licence {info.licence or 'not stated'} · sha256 {info.sha256}"
            )


def _explain(error: ImportError) -> str | None:
    """What to install when a shared library of the system is missing."""
    for library, package in _LIBRARY_PACKAGES.items():
        if library in str(error):
            return (
                f"OpenCV needs {library}, which this system lacks; install it with "
                f"'apt install {package}' (Debian, Ubuntu) or your system's like"
            )
    return None


def main() -> None:
    """Entry point of the `realtime` command."""
    # A service manager's stop is as good a reason to finish the file as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("Error: interrupted, nothing was written", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except ImportError as error:
        explanation = _explain(error)
        if explanation is None:
            raise
        print(f"Error: {explanation}", file=sys.stderr)
        sys.exit(1)
