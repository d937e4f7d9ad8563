"""A named thread that hands its failure over."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Worker:
    """Runs `work` once in a thread of its own.

    Whatever `work` raises is kept, with its traceback, for whoever joins; `on_failure` is called
    at once from the failing thread, so that the other threads can be told to stop.
    """

    def __init__(self, name: str, work: Callable[[], None], on_failure: Callable[[], None]) -> None:
        self._work = work
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name=f"realtime-{name}")
        self.error: BaseException | None = None

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - re-raised in the caller's thread
            self.error = error
            self._on_failure()

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Waits up to `timeout` seconds; returns whether the thread has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()
