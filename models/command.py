"""What the command lines of this package share."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from models.errors import ModelsError

INTERRUPTED = 130
"""The exit status that shells expect after Ctrl-C."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C after something was written; its text is what to tell."""


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Reads the arguments of `python -m MODULE`; its help shows the description line by line."""
    return argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def data_option(arguments: argparse.ArgumentParser) -> None:
    """Adds `--data`, the folder of pictures (see `models.dataset`), as `data`."""
    arguments.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data"),
        help="folder with index.csv, see models.dataset (%(default)s)",
    )


def run_command(command: Callable[[], int], *others: type[Exception]) -> int:
    """Run a command line's body and return its exit status.

    A `ModelsError`, one of `others`, or what the system says of files is printed on standard error
    as one line, without a traceback, and gives 2. So is Ctrl-C, which gives 130; see `Interrupted`.
    """
    told: tuple[type[Exception], ...] = (ModelsError, *others)
    try:
        return command()
    except told as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {_said(error)}; mend that, and run it again", file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _said(error: OSError) -> str:
    """The file, if one is known, and what is wrong with it."""
    known = (error.filename, error.strerror or str(error) or type(error).__name__)
    return ": ".join(str(part) for part in known if part)
