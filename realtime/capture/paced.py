"""Makes a live source of one that delivers as fast as it is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from realtime.capture.source import Source
from realtime.frame import NANOSECOND, Frame


class Paced(Source):
    """Holds each frame back until its time has come and stamps it with the clock, like a camera.

    Args:
        source: where the frames come from; closed along with this one.
        clock: monotonic nanoseconds.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        source: Source,
        clock: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source
        self._clock = clock
        self._sleep = sleep
        self._start: int | None = None
        self._last = -1
        self.format = replace(source.format, time_base=NANOSECOND)

    def read(self) -> Frame | None:
        frame = self._source.read()
        if frame is None:
            return None
        now = self._clock()
        if self._start is None:
            self._start = now
        due = self._start + round(frame.pts * frame.time_base / NANOSECOND)
        if due > now:
            self._sleep((due - now) / 1e9)
        # Some clocks tick more slowly than frames come that are late.
        self._last = max(self._last + 1, self._clock())
        return replace(frame, pts=self._last, time_base=NANOSECOND)

    def notes(self) -> tuple[str, ...]:
        return self._source.notes()

    def close(self) -> None:
        self._source.close()
