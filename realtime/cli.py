"""The command line: a thin skin over `realtime.jobs`; what is longer is in `realtime.commands`."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from realtime._version import __version__
from realtime.commands.common import Number, Time, job_options, run_job
from realtime.cores import keep_numpy_to_its_caller
from realtime.errors import RealtimeError
from realtime.interrupts import INTERRUPTED, take_for_ctrl_c
from realtime.progress import deafen
from realtime.worker import PREFIX

if TYPE_CHECKING:
    from realtime.inference.session import Device


# As a pipe or a file that cannot be written to does.
_STDOUT_FAILS = (errno.EPIPE, errno.ENOSPC, errno.EIO)

# In modules of their own, by these names.
_ELSEWHERE = ("bench", "cameras", "config", "doctor", "live")


class _Commands(click.Group):
    """Commands of which those elsewhere are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted((*super().list_commands(ctx), *_ELSEWHERE))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"realtime.commands.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
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
@job_options("blur")
def file(**arguments: Any) -> None:
    """Replace the background of the video IN and write OUT, with its timing and its sound."""
    from realtime.jobs import process_file

    run_job(process_file, **arguments)


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
@job_options("demo")
def demo(**arguments: Any) -> None:
    """Show what it does, on a moving picture that comes with the program."""
    from realtime.jobs import process_demo

    run_job(process_demo, **arguments)


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
    from realtime.inference.catalogue import inspect
    from realtime.inference.model import EMBEDDED

    for name in names or EMBEDDED:
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


def main() -> None:
    """Runs the command that the arguments name; exits with what became of it."""
    try:
        _main()
    except SystemExit as end:
        _leave(end.code)
        raise
    _leave(0)


def _leave(status: object) -> None:
    """Exits at once where a driver or a server holds a thread of ours.

    The interpreter's own end would take away what the thread works with, and crash.
    """
    if any(thread.daemon and thread.name.startswith(PREFIX) for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status if isinstance(status, int) else 0)


def _main() -> None:
    # Closed by whoever started this: what would be said there is said to nobody.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    # A Windows code page lacks some of what is said: it is spelt out then, as it is on stderr.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    keep_numpy_to_its_caller()
    # A service manager's stop is as good a reason to finish the file as Ctrl-C.
    take_for_ctrl_c()
    try:
        cli(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("Error: interrupted, nothing was written", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except OSError as error:
        # What else can fail like this is told as an error of our own.
        if error.filename is not None or error.errno not in _STDOUT_FAILS:
            raise
        deafen(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            print(f"Error: stdout: {error.strerror}; send it elsewhere", file=sys.stderr)
        sys.exit(1)
    except ImportError as error:
        from realtime.doctor import explain_missing

        explanation = explain_missing(error)
        if explanation is None:
            raise
        print(f"Error: {explanation}", file=sys.stderr)
        sys.exit(1)
