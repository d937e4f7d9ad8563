"""When a camera's picture was taken, by the clock that the whole program goes by."""

from __future__ import annotations

# A device's stamp that lies further back than this, in nanoseconds, is another clock's.
_OLDEST = 1_000_000_000


class Stamps:
    """Turns a device's time stamps into `time.monotonic_ns`, strictly increasing.

    Drivers of Linux and of macOS stamp pictures with the monotonic clock: then that is the time,
    of exposure or of transfer, whichever the driver takes. A stamp that lies in the future or more
    than a second back is another clock's, or made up; then the time of arrival is what is left.
    """

    def __init__(self) -> None:
        self._last = -1

    def __call__(self, device: int | None, arrival: int) -> int:
        """Takes the next picture's stamp.

        Args:
            device: what the device says, in nanoseconds; None where it says nothing.
            arrival: when the picture was received, in nanoseconds of `time.monotonic_ns`.
        """
        believable = device is not None and 0 <= arrival - device <= _OLDEST
        time = device if device is not None and believable else arrival
        # Of two pictures that share a moment the second is a nanosecond younger.
        self._last = max(self._last + 1, time)
        return self._last
