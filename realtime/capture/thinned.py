"""No more pictures than were asked for, whatever the camera does."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from realtime.capture.source import Source
from realtime.frame import Frame

# Pictures that may come in a burst, and how much faster than asked a camera may run: clocks
# differ, and a busy machine delivers all at once that its driver keeps. What is beyond that is
# another rate.
_BURST = 4.0
_LEEWAY = 1.05


class Thinned(Source):
    """Leaves frames of a faster camera out, and counts them: nobody works on what nobody sees.

    Args:
        source: where the frames come from; closed along with this one.
        rate: in Hz, as asked.
    """

    def __init__(self, source: Source, rate: Fraction) -> None:
        self._source = source
        self._rate = float(rate)
        self._left_out = 0
        # A bucket of tokens that fills with the time of the pictures; each costs one.
        self._tokens = _BURST
        self._last: float | None = None
        self.format = replace(source.format, frame_rate=min(source.format.frame_rate, rate))

    @property
    def dropped(self) -> int:  # type: ignore[override] # nobody but this class sets it
        """Frames that were given up, here or in the source."""
        return self._source.dropped + self._left_out

    def read(self) -> Frame | None:
        while True:
            frame = self._source.read()
            if frame is None or self._in_time(frame.time):
                return frame
            self._left_out += 1

    def _in_time(self, time: float) -> bool:
        if self._last is not None:
            earned = (time - self._last) * self._rate * _LEEWAY
            self._tokens = min(_BURST, self._tokens + max(0.0, earned))
        self._last = time
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def notes(self) -> tuple[str, ...]:
        if not self._left_out:
            return self._source.notes()
        why = f"it is faster than the {self._rate:g} fps asked for"
        return (*self._source.notes(), f"{self._left_out} pictures were left out: {why}")

    def close(self) -> None:
        self._source.close()
