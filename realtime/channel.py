"""The bounded queue between two threads."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Overflow = Literal["block", "drop-oldest"]


# A consumer that let nothing wait too long for so many times what a burst may take has caught up.
_CAUGHT_UP = 5.0


class ChannelClosed(Exception):  # noqa: N818 - the end of a stream is no error
    """Nothing more can be put, or nothing more will come."""


class Channel(Generic[T]):
    """A first-in-first-out queue of at most `capacity` items that can end.

    A full channel either blocks whoever puts (files: nothing may be lost) or gives up its oldest
    item (cameras: the newest picture is the one worth showing). Iterating over a channel yields
    items until it is closed and empty.

    Args:
        capacity: how many items wait at most.
        overflow: what happens when one more comes.
        patience: seconds after which an item that waits is given up for a newer one: a channel that
            is long enough for a burst then does not let what its consumer cannot keep up with grow
            old in it.
        burst: seconds for which items may wait longer than that nevertheless, once the consumer has
            caught up: a burst is soon worked off, and nothing of it need be lost. (The idea that a
            queue is bad by how long it lasts is of "CoDel", Nichols and Jacobson 2012.)
        limit: seconds after which an item is given up for a newer one in any case.
        counts: whether an item that is given up is a loss.
        clock: seconds.

    Attributes:
        dropped: losses so far.
    """

    def __init__(
        self,
        capacity: int,
        overflow: Overflow,
        *,
        patience: float = math.inf,
        burst: float = 0.0,
        limit: float = math.inf,
        counts: Callable[[T], bool] = lambda _: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._capacity = capacity
        self._overflow = overflow
        self._patience = patience
        self._burst = burst
        self._limit = limit
        # When an item had to wait too long last, and first since the consumer had caught up.
        self._late_last = self._late_first = -math.inf
        self._counts = counts
        self._clock = clock
        # Each with the time at which it came.
        self._items: deque[tuple[T, float]] = deque()
        self._closed = False
        self._changed = threading.Condition()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Adds an item, blocking or dropping the oldest when full.

        Raises:
            ChannelClosed: the channel was closed or cancelled, also while waiting.
        """
        with self._changed:
            while not self._closed and len(self._items) >= self._capacity:
                if self._overflow == "drop-oldest":
                    self._drop()
                else:
                    self._changed.wait()
            if self._closed:
                raise ChannelClosed
            self._items.append((item, self._clock()))
            self._changed.notify_all()

    def get(self, timeout: float | None = None) -> T:
        """Removes and returns the oldest item that is worth it, waiting for one.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.

        Raises:
            ChannelClosed: the channel is closed and everything in it has been taken.
            TimeoutError: nothing came in time.
        """
        with self._changed:
            # Closing counts as a change to wait for, and is told apart below.
            if not self._changed.wait_for(lambda: self._items or self._closed, timeout):
                raise TimeoutError
            if not self._items:
                raise ChannelClosed
            while len(self._items) > 1 and self._outdated(self._items[0][1]):
                self._drop()
            item, _ = self._items.popleft()
            self._changed.notify_all()
            return item

    def _outdated(self, came: float) -> bool:
        """Whether an item that others wait behind is not worth taking any more."""
        now = self._clock()
        if came >= now - self._patience:
            return False
        if now - self._late_last > _CAUGHT_UP * self._burst:
            self._late_first = now
        self._late_last = now
        return now - self._late_first >= self._burst or came < now - self._limit

    def _drop(self) -> None:
        item, _ = self._items.popleft()
        self.dropped += self._counts(item)

    def __iter__(self) -> Iterator[T]:
        while True:
            try:
                item = self.get()
            except ChannelClosed:
                return
            yield item

    def close(self) -> None:
        """Ends the stream: what is inside can still be taken. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Ends the stream and throws away what is inside: both sides wake up. Idempotent."""
        with self._changed:
            self._items.clear()
            self._closed = True
            self._changed.notify_all()
