"""A named thread that hands its failure over."""

from __future__ import annotations

import threading
from collections.abc import Callable

PREFIX = "realtime-"
"""With which the names of all our threads begin."""

# As `Lock.acquire` understands it.
_FOR_EVER = -1.0


class Worker:
    """Runs `work` once in a thread of its own.

    Whatever `work` raises is kept, with its traceback, for whoever joins; `on_failure` is called
    at once from the failing thread, so that the other threads can be told to stop.

    A daemon may be left behind when the program ends: for work that a driver can hold for ever.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        on_failure: Callable[[], None],
        *,
        daemon: bool = False,
    ) -> None:
        self._work = work
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name=f"{PREFIX}{name}", daemon=daemon)
        # A bare lock that is held while the work goes on, and no Event: where a Ctrl-C falls within
        # one's wait, between taking its lock and beginning to guard it, that lock stays taken, and
        # whoever wants to set it waits for ever.
        self._at_work = threading.Lock()
        self._at_work.acquire()
        self._over = False
        self.error: BaseException | None = None

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - re-raised in the caller's thread
            self.error = error
            self._on_failure()
        finally:
            # First: who waits may take the lock and be interrupted before giving it back.
            self._over = True
            self._at_work.release()

    def start(self) -> None:
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds; returns whether the work has ended.

        Ctrl-C may interrupt this wait. It must not interrupt `Thread.join`: up to Python 3.12 that
        takes a thread for finished which is still running.
        """
        if not self._over and self._at_work.acquire(timeout=timeout):
            self._at_work.release()
        return self._over

    def join(self) -> None:
        """Waits until the thread is gone, if it was ever started."""
        if self._thread.ident is not None:
            self.wait(_FOR_EVER)
            self._thread.join()
