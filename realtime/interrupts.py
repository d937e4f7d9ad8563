"""Ctrl-C, and what a service manager or a closing terminal says in its place."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType

INTERRUPTED = 130
"""The exit status that shells expect after Ctrl-C."""

PATIENCE = 1.0
"""Seconds after a Ctrl-C in which another is taken for the same one."""

_LIKE_CTRL_C = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def take_for_ctrl_c() -> None:
    """Has SIGTERM and SIGHUP end a run as Ctrl-C does; for the main thread.

    What is ignored stays so: `nohup` means it.
    """
    for number in _LIKE_CTRL_C:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def ignore_from_now_on() -> None:
    """For the last words of a run that was interrupted: a finger may still bounce."""
    for number in (signal.SIGINT, *_LIKE_CTRL_C):
        signal.signal(number, signal.SIG_IGN)


class CalmExitStack(ExitStack):
    """Closes everything, though a finger bounces: see `bouncing`."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool | None:
        with bouncing(PATIENCE):
            return super().__exit__(kind, error, traceback)


@contextmanager
def bouncing(
    seconds: float, since: float | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[None]:
    """Takes every Ctrl-C within so many seconds for the same one, which nothing is broken off for.

    For what has to be finished: a later one still raises KeyboardInterrupt. Signals that the caller
    handles itself are left alone, and so are all outside of the main thread.

    Args:
        seconds: how long.
        since: when the first one came; None where none did.
        clock: seconds.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal since
        now = clock()
        since = now if since is None else since
        if now - since > seconds:
            raise KeyboardInterrupt

    taken = [
        number
        for number in (signal.SIGINT, *_LIKE_CTRL_C)
        if signal.getsignal(number) is signal.default_int_handler
    ]
    for number in taken:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.default_int_handler)
