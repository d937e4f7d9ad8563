"""What the command lines of this package share."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from models.errors import ModelsError


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

    A `ModelsError`, or one of `others`, is printed on standard error as one line, without a
    traceback, and gives 2.
    """
    told: tuple[type[Exception], ...] = (ModelsError, *others)
    try:
        return command()
    except told as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
