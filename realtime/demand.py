"""The camera is open only while somebody watches; its light goes off otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from realtime.capture.source import Source
from realtime.closing import Closing
from realtime.output.readers import Readers, readers_of
from realtime.worker import Worker

# Seconds between two looks: the longest that a new reader waits for the camera to be opened.
_INTERVAL = 0.25

# Seconds without a reader after which the camera is let go: programs close and open a camera anew
# when they change its size or show it in another window.
_GRACE = 3.0


class Demand:
    """Pauses and resumes a source by the number of readers; no threads here.

    Args:
        source: paused to begin with.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._wanted = False
        self._seen = 0.0

    def tell(self, readers: int, now: float) -> None:
        """Is told how many readers there are at this moment, in seconds."""
        if readers:
            self._seen = now
        if readers and not self._wanted:
            self._wanted = True
            self._source.resume()
        elif self._wanted and now - self._seen >= _GRACE:
            self._wanted = False
            self._source.pause()


class DemandWatcher(Closing):
    """Looks for readers from a thread of its own. A context manager.

    Args:
        devices: gives the paths of those virtual cameras that are open.
        source: paused to begin with.
        on_failure: is called when looking fails, from the thread.
    """

    def __init__(
        self, devices: Callable[[], Sequence[str]], source: Source, on_failure: Callable[[], None]
    ) -> None:
        self._devices = devices
        self._demand = Demand(source)
        self._closing = threading.Event()
        self._worker = Worker("demand", self._watch, on_failure)

    def start(self) -> None:
        """Begins to look."""
        self._worker.start()

    def _watch(self) -> None:
        with ExitStack() as stack:
            counts: dict[str, Readers] = {}
            while not self._closing.wait(_INTERVAL):
                for path in self._devices():
                    if path not in counts:
                        counts[path] = stack.enter_context(readers_of(path))
                if counts:
                    readers = sum(count() for count in counts.values())
                    self._demand.tell(readers, time.monotonic())

    def close(self) -> None:
        """Ends looking; raises what looking failed with. Idempotent."""
        self._closing.set()
        self._worker.join()
        error, self._worker.error = self._worker.error, None
        if error is not None:
            raise error
