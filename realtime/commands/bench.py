"""`realtime bench`: how fast it is here, and what this machine can hold."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from realtime.commands.common import OVERWRITE, Number, Size
from realtime.errors import RealtimeError, SourceError
from realtime.interrupts import INTERRUPTED
from realtime.new_files import check_new
from realtime.progress import complain, say
from realtime.settings import DeviceName

if TYPE_CHECKING:
    from realtime.bench.runner import Plan

# Names by the number of lines, and what stands behind them in 16:9.
_NAMED = {f"{lines}p": (lines * 16 // 9 // 2 * 2, lines) for lines in (360, 720, 1080, 1440, 2160)}
_NAMED["4k"] = _NAMED["2160p"]

_DEVICES = get_args(DeviceName)


class _List(click.ParamType[tuple[Any, ...]]):
    """Values with commas between them.

    Args:
        name: for the help.
        one: makes a value of a text; raises ValueError with the remedy where it is none.
    """

    def __init__(self, name: str, one: Callable[[str], Any]) -> None:
        self.name = name
        self._one = one

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        found = []
        for text in value.split(","):
            try:
                found.append(self._one(text.strip()))
            except ValueError as error:
                self.fail(str(error), param, ctx)
        return tuple(dict.fromkeys(found))


def _size(text: str) -> tuple[int, int]:
    if text.lower() in _NAMED:
        return _NAMED[text.lower()]
    try:
        return Size().convert(text, None, None)
    except click.BadParameter:
        known = ", ".join(_NAMED)
        raise ValueError(
            f"{text!r} is not a size; write {known}, or two even numbers as 1280x720"
        ) from None


def _model(text: str) -> str:
    if not text:
        raise ValueError("a model has no name; write names with commas between them")
    from realtime.inference.model import EMBEDDED

    if text not in ("default", *EMBEDDED) and not os.path.exists(text):
        known = ", ".join(("default", *EMBEDDED))
        raise ValueError(f"{text}: no such model; choose {known} or an ONNX file")
    return text


def _device(text: str) -> str:
    if text not in _DEVICES:
        raise ValueError(f"{text!r} is not a device; choose from {', '.join(_DEVICES)}")
    return text


def _threads(text: str) -> int | None:
    if text == "auto":
        return None
    if not re.fullmatch(r"\d{1,3}", text) or int(text) < 1:
        raise ValueError(f"{text!r} is not a number of threads; write 1 or more, or auto")
    return int(text)


def _rate(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", text) or float(text) < 1:
        raise ValueError(f"{text!r} is not a frame rate; write 1 to 999")
    return float(text)


@click.command(
    epilog="""\b
Examples:
  realtime bench
  realtime bench --size 1080p --fps 30,60 --json now.json --html now.html
  realtime bench --model fast,fast-float --threads 1,2 --device cpu
  realtime bench --compare before.json       faster, slower, or within the noise?
  realtime bench talk.mp4 --seconds 10
"""
)
@click.argument("input", metavar="[INPUT]", required=False)
@click.option(
    "--seconds",
    type=Number(0.5, 600),
    default=5.0,
    show_default=True,
    help="How long each measurement takes, about.",
)
@click.option(
    "--size",
    "sizes",
    type=_List("sizes", _size),
    help="Of the demo, as 720p or 1280x720; several with commas.  [default: 720p,1080p]",
)
@click.option(
    "--model",
    "models",
    type=_List("models", _model),
    default="default",
    show_default=True,
    help="Networks by name or file; several with commas.",
)
@click.option(
    "--device",
    "devices",
    type=_List("devices", _device),
    default="auto",
    show_default=True,
    help="auto, cpu or cuda; several with commas.",
)
@click.option(
    "--threads",
    type=_List("threads", _threads),
    default="auto",
    show_default=True,
    help="Of the network; several with commas; auto is what it takes by itself.",
)
@click.option(
    "--fps",
    "rates",
    type=_List("rates", _rate),
    default="30",
    show_default=True,
    help="Of the live runs; several with commas.",
)
@click.option(
    "--repeats", type=click.IntRange(1, 100), default=3, show_default=True, help="Rounds."
)
@click.option("--compare", metavar="FILE", help="Compare with this earlier --json report.")
@click.option("--json", "json_file", metavar="FILE", help="Write the figures there.")
@click.option("--html", "html_file", metavar="FILE", help="Write a page with plots there.")
@click.option("--quiet", is_flag=True, help="Say nothing but the outcome.")
@OVERWRITE
def bench(
    input: str | None,
    sizes: tuple[tuple[int, int], ...] | None,
    compare: str | None,
    json_file: str | None,
    html_file: str | None,
    quiet: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Measure how fast it is here, on the embedded demo or on the video INPUT.

    Close other programs first. What the machine holds live is kept for the program itself.
    """
    from realtime.bench.runner import Plan

    try:
        if input is not None:
            if sizes is not None:
                raise SourceError(
                    "a video is measured at its own size; leave out --size or the video"
                )
            options["input"] = input
        elif sizes is not None:
            options["sizes"] = sizes
        # Before minutes of work.
        for file in (json_file, html_file):
            if file is not None and not _is_special(file):
                check_new(Path(file), overwrite=overwrite)
        _measure(Plan(**options), compare, json_file, html_file, quiet)
    except RealtimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Error: interrupted, nothing was written", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _measure(
    plan: Plan, compare: str | None, json_file: str | None, html_file: str | None, quiet: bool
) -> None:
    from realtime import holding
    from realtime.bench import page, report
    from realtime.bench.runner import run

    earlier = None if compare is None else report.read(compare)
    measured = run(plan, _silent if quiet else complain)
    # First: whatever may fail afterwards, it is said.
    say(report.text(measured))
    if json_file is not None:
        _write(json_file, json.dumps(measured, indent=1, allow_nan=False) + "\n")
    if html_file is not None:
        _write(html_file, page.render(measured))
    if earlier is not None:
        say("\n" + report.comparison(earlier, measured))
    try:
        kept = holding.remember(report.held_of(measured))
    except OSError as error:
        complain(f"what this machine holds could not be kept: {error.strerror}")
    else:
        if not quiet:
            complain(f"kept in {kept}")


def _is_special(file: str) -> bool:
    """Whether there is something to write into, such as a pipe, which nothing replaces."""
    return os.path.exists(file) and not (os.path.isfile(file) or os.path.isdir(file))


def _write(file: str, content: str) -> None:
    try:
        Path(file).write_text(content, "utf-8")
    except OSError as error:
        raise RealtimeError(f"{file}: cannot be written: {error.strerror}") from None


def _silent(line: str) -> None:
    """Does not say it."""
