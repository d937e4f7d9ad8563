"""The pictures of a network stream, as evenly as they were taken."""

from __future__ import annotations

import math

# All that is held back of a live stream, in nanoseconds, before the network has nothing more to
# give; and how much later than others a picture may come. At the start, nothing tells what is late.
_MOST = 200_000_000

# What comes in pieces of many seconds, or whole, as fast as it is read: there is no end to that.
_IN_PIECES = {"hls", "mov,mp4,m4a,3gp,3g2,mj2"}

# Times that are further apart than this have jumped, in nanoseconds.
_JUMP = 1_000_000_000

# The part of each delay that is given up: once the network is even, pictures are soon on time.
_GIVEN_UP = 1 / 64

# Pictures that come in less than this share of the time in which they were taken are catching up.
_CATCHING_UP = 0.5

# The part of a lateness that is taken for granted with each picture that is not: the way may have
# become longer, or the sender's clock may be slower.
_GRANTED = 1 / 16


class Spreading:
    """Says how long to hold back each picture of a stream that comes in bursts.

    Networks deliver several pictures at once, and then none for a while; of those that come at once
    all but the newest would be given up. So each is held back until it is as long after the one
    before as the stream's own times say. None is held back for having come late.

    After a stall, a live stream's backlog comes as fast as it can be decoded, and nobody wants to
    see it: it is given up but for its first picture, which nothing tells from a late one, and for
    what is new enough.

    Args:
        format: FFmpeg's name of the stream's format.
    """

    def __init__(self, format: str) -> None:
        self._most = math.inf if format in _IN_PIECES else _MOST
        # When the picture before was taken, by the stream, and when it was received.
        self._before: tuple[int, int] | None = None
        # What the clock is ahead of the stream's times when pictures are passed on; None where the
        # one before was not.
        self._ahead: int | None = None
        # The same for those that came soonest, and had not to be held back.
        self._soonest = math.inf
        self._held = 0

    def __call__(self, taken: int | None, arrival: int, *, awaited: bool) -> int | None:
        """How long to wait with the next picture, in nanoseconds; None where it is given up.

        Args:
            taken: its time by the stream, in nanoseconds from anywhere; None where it has none.
            arrival: when it was received, in nanoseconds of a clock.
            awaited: whether the network had nothing to give before.
        """
        if awaited:
            self._held = 0
        if taken is None:
            return 0
        ahead = arrival - taken
        if self._backlog(taken, arrival):
            self._ahead = None
            return None
        early = 0 if self._ahead is None else self._ahead - ahead
        delay = 0
        if 0 < early < _JUMP:
            delay = round(min(early * (1 - _GIVEN_UP), self._most - self._held))
        self._held += delay
        self._ahead = ahead + delay
        return delay

    def _backlog(self, taken: int, arrival: int) -> bool:
        """Whether a picture is far too late while others come to catch up."""
        ahead = arrival - taken
        step, passed = (
            (0, 0) if self._before is None else (taken - self._before[0], arrival - self._before[1])
        )
        self._before = taken, arrival
        late = ahead - self._soonest
        if late <= 0 or not 0 <= step <= _JUMP:
            # The soonest so far; or another clock.
            self._soonest = ahead
            return False
        if passed >= _CATCHING_UP * step:
            self._soonest += late * _GRANTED
            return False
        return late > self._most
