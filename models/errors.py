"""The one exception that the command lines of this package turn into a message."""

import sys
from collections.abc import Callable


class ModelsError(Exception):
    """Bad input from the user: the message is one line and says what to do about it."""


def run_command(command: Callable[[], int]) -> int:
    """Run a command line's body and return its exit status.

    A `ModelsError` is printed on standard error as one line, without a traceback, and gives 2.
    """
    try:
        return command()
    except ModelsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
