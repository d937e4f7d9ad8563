"""A named thread that hands its failure over."""

from __future__ import annotations

import threading
from collections.abc import Callable


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
        self._thread = threading.Thread(target=self._run, name=f"realtime-{name}", daemon=daemon)
        self._ended = threading.Event()
        self.error: BaseException | None = None

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - re-raised in the caller's thread
            self.error = error
            self._on_failure()
        finally:
            self._ended.set()

    def start(self) -> None:
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds; returns whether the work has ended.

        Ctrl-C may interrupt this wait. It must not interrupt `Thread.join`: up to Python 3.12 that
        takes a thread for finished which is still running.
        """
        return self._ended.wait(timeout)

    def join(self) -> None:
        """Waits until the thread is gone, if it was ever started."""
        if self._thread.ident is not None:
            self._ended.wait()
            self._thread.join()
