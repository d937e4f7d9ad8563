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
from realtime.errors import OutputError, RealtimeError, SourceError
from realtime.interrupts import INTERRUPTED
from realtime.new_files import check_new, same_file, target_of, write_whole
from realtime.progress import complain, say
from realtime.settings import OPTIONS, DeviceName

if TYPE_CHECKING:
    from realtime.bench.runner import Plan

# Names by the number of lines, and what stands behind them in 16:9.
_NAMED = {f"{lines}p": (lines * 16 // 9 // 2 * 2, lines) for lines in (360, 720, 1080, 1440, 2160)}
_NAMED["4k"] = _NAMED["2160p"]

_DEVICES = get_args(DeviceName)

# What a live run takes.
_FPS = OPTIONS["fps"]


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
        size = Size().convert(text, None, None)
    except click.BadParameter:
        known = ", ".join(_NAMED)
        raise ValueError(
            f"{text!r} is not a size; write {known}, or two even numbers as 1280x720"
        ) from None
    from realtime.bench.material import check_size

    try:
        check_size(*size)
    except SourceError as error:
        raise ValueError(str(error)) from None
    return size


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
    number = re.fullmatch(r"\d{1,3}(\.\d+)?", text)
    if number is None or not _FPS.minimum <= float(text) <= _FPS.maximum:
        raise ValueError(
            f"{text!r} is not a frame rate; write {_FPS.minimum:g} to {_FPS.maximum:g}"
        )
    return float(text)


def _apart(
    ctx: click.Context, param: click.Parameter, rates: tuple[float, ...]
) -> tuple[float, ...]:
    """Sees that no two rates go by one name in a report, where the later would be lost."""
    named: dict[str, float] = {}
    for rate in rates:
        other = named.setdefault(f"{rate:g}", rate)
        if other != rate:
            raise click.BadParameter(f"{other} and {rate} are too alike; leave out one of them")
    return rates


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
    default=3.0,
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
    callback=_apart,
    default="30",
    show_default=True,
    help="Of the live runs; several with commas.",
)
@click.option(
    "--repeats", type=click.IntRange(1, 100), default=5, show_default=True, help="Rounds."
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

    written: list[str] = []
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
        _check_files(json_file, html_file, input, overwrite=overwrite)
        _measure(Plan(**options), compare, json_file, html_file, quiet, written)
    except RealtimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        files = f"only {' and '.join(written)}" if written else "nothing"
        print(f"Error: interrupted, {files} was written", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _measure(
    plan: Plan,
    compare: str | None,
    json_file: str | None,
    html_file: str | None,
    quiet: bool,
    written: list[str],
) -> None:
    """Measures, tells, writes; `written` gets the name of each file that is there as a whole."""
    from realtime.bench import comparison, earlier, page, report
    from realtime.bench.runner import run

    before = None if compare is None else earlier.read(compare)
    measured = run(plan, _silent if quiet else complain)
    # First: whatever may fail afterwards, the program knows it, and the user has read it.
    _remember(measured, quiet=quiet)
    say(report.text(measured))
    failed = False
    for file, render in ((json_file, _as_json), (html_file, page.render)):
        if file is None:
            continue
        try:
            _write(file, render(measured))
            written.append(file)
        except OSError as error:
            # What is left to do is worth no less.
            failed = True
            complain(f"Error: {file}: cannot be written: {error.strerror}; choose another place")
    if before is not None:
        say("\n" + comparison.text(before, measured))
    if failed:
        sys.exit(1)


def _remember(measured: dict[str, Any], *, quiet: bool) -> None:
    from realtime import holding
    from realtime.bench.report import held_of

    try:
        kept = holding.remember(held_of(measured))
    except OSError as error:
        complain(f"what this machine holds could not be kept: {error.strerror}")
    else:
        if not quiet:
            complain(f"kept in {kept}")


def _check_files(
    json_file: str | None, html_file: str | None, video: str | None, *, overwrite: bool
) -> None:
    """Sees whether both can be written.

    Raises:
        OutputError: one cannot, or would take the place of the other, or of the video.
    """
    files = [file for file in (json_file, html_file) if file is not None and not _is_special(file)]
    for file in files:
        check_new(Path(file), overwrite=overwrite)
        if video is not None and same_file(file, video):
            raise OutputError(f"{file}: is the video itself; choose another name")
    places = {os.path.normcase(os.path.realpath(file)) for file in files}
    if len(files) > len(places) or (len(files) == 2 and same_file(*files)):
        raise OutputError(f"{files[0]}: is both --json and --html; name two files")


def _is_special(file: str) -> bool:
    """Whether there is something to write into, such as a pipe, which nothing replaces."""
    return os.path.exists(file) and not (os.path.isfile(file) or os.path.isdir(file))


def _as_json(measured: dict[str, Any]) -> str:
    return json.dumps(measured, indent=1, allow_nan=False) + "\n"


def _write(file: str, content: str) -> None:
    """Writes a file that is there as a whole or not at all.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    # The names of a user's files may be no Unicode.
    data = content.encode(errors="backslashreplace")
    if _is_special(file):
        Path(file).write_bytes(data)
    else:
        write_whole(target_of(Path(file)), data)


def _silent(line: str) -> None:
    """Does not say it."""
