"""The pictures of a network stream, as evenly as they were taken."""

from __future__ import annotations

import math

# All that is held back of a live stream, in nanoseconds, before the network has nothing more to
# give; and how much later than others a picture may come. What is later is a backlog, such as that
# after a stall, and is given up for newer ones. At the start, nothing tells what is late.
_MOST = 200_000_000

# What comes in pieces of many seconds, or whole, as fast as it is read: there is no end to that.
_IN_PIECES = {"hls", "mov,mp4,m4a,3gp,3g2,mj2"}

# Times that are further apart than this have jumped, in nanoseconds.
_JUMP = 1_000_000_000

# The part of each delay that is given up: once the network is even, pictures are soon on time.
_GIVEN_UP = 1 / 64

# The part of a lateness that is taken for granted with each picture that was waited for: the way
# may have become longer. Beyond so many nanoseconds it is no lateness, but another clock.
_GRANTED = 1 / 16
_NO_BACKLOG = 30_000_000_000


class Spreading:
    """Says how long to hold back each picture of a stream that comes in bursts.

    Networks deliver several pictures at once, and then none for a while; of those that come at once
    all but the newest would be given up. So each is held back until it is as long after the one
    before as the stream's own times say. None is held back for having come late; while newer ones
    are there, one that is far too late is given up.

    Args:
        format: FFmpeg's name of the stream's format.
    """

    def __init__(self, format: str) -> None:
        self._most = math.inf if format in _IN_PIECES else _MOST
        # What the clock is ahead of the stream's times when pictures are passed on.
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
        if self._too_late(ahead, awaited=awaited):
            return None
        early = 0 if self._ahead is None else self._ahead - ahead
        delay = 0
        if 0 < early < _JUMP:
            delay = round(min(early * (1 - _GIVEN_UP), self._most - self._held))
        self._held += delay
        self._ahead = ahead + delay
        return delay

    def _too_late(self, ahead: int, *, awaited: bool) -> bool:
        late = ahead - self._soonest
        if not 0 < late < _NO_BACKLOG:
            self._soonest = ahead
        elif awaited:
            self._soonest += late * _GRANTED
        return not awaited and _MOST < late < _NO_BACKLOG and self._most == _MOST
