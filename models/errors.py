"""The one exception of this package, and how command lines turn errors into a message."""

import sys
from collections.abc import Callable


class ModelsError(Exception):
    """Bad input from the user: the message is one line and says what to do about it."""


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
