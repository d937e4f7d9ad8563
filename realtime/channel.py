"""The bounded queue between two threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Overflow = Literal["block", "drop-oldest"]


class ChannelClosed(Exception):  # noqa: N818 - the end of a stream is no error
    """Nothing more can be put, or nothing more will come."""


class Channel(Generic[T]):
    """A first-in-first-out queue of at most `capacity` items that can end.

    A full channel either blocks whoever puts (files: nothing may be lost) or gives up its oldest
    item (cameras: the newest picture is the one worth showing). Iterating over a channel yields
    items until it is closed and empty.

    Attributes:
        dropped: items given up because the channel was full.
    """

    def __init__(self, capacity: int, overflow: Overflow) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._capacity = capacity
        self._overflow = overflow
        self._items: deque[T] = deque()
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
                    self._items.popleft()
                    self.dropped += 1
                else:
                    self._changed.wait()
            if self._closed:
                raise ChannelClosed
            self._items.append(item)
            self._changed.notify_all()

    def get(self, timeout: float | None = None) -> T:
        """Removes and returns the oldest item, waiting for one.

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
            item = self._items.popleft()
            self._changed.notify_all()
            return item

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
