"""Which of the embedded networks keep up on this machine's CPU, as several starts have found.

To open and to time one that is too slow takes a good part of a start, and other programs may make
one look too slow that is not. So the first few starts each find out and remember it; then the
majority stands, and a network that does not keep up is not even opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from realtime.machine import cache_folder
from realtime.remembered import keep, recall

# Odd, for there is no draw then.
_STARTS = 3

# Seconds after which a start is forgotten: all of them may have met a busy hour.
_LASTS = 7 * 24 * 3600.0


class Verdicts:
    """What is known, by network and frame rate, which is rounded to whole Hz.

    Args:
        path: of the file; None for the one in the user's cache.
        clock: Unix time in seconds.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._path = path or cache_folder() / "keeps_up.json"
        self._clock = clock
        # When each start was, and what it found.
        self._known: dict[str, list[tuple[float, bool]]] = {}
        with suppress(AttributeError, TypeError, ValueError):
            for key, starts in recall(self._path).items():
                self._known[key] = [(float(at), bool(found)) for at, found in starts]

    def of(self, network: str, frame_rate: float) -> bool | None:
        """Whether a network keeps up with so many frames in a second; None before it is known."""
        found = [fits for _, fits in self._recent(_key(network, frame_rate))]
        return sum(found) * 2 > len(found) if len(found) >= _STARTS else None

    def add(self, network: str, frame_rate: float, keeps_up: bool) -> None:
        """Another start has found out. Where that cannot be kept, the next one knows less."""
        self._known.setdefault(_key(network, frame_rate), []).append((self._clock(), keeps_up))
        recent = {key: starts for key in self._known if (starts := self._recent(key))}
        with suppress(OSError):
            keep(self._path, recent)

    def _recent(self, key: str) -> list[tuple[float, bool]]:
        since = self._clock() - _LASTS
        return [start for start in self._known.get(key, ()) if start[0] > since]


def _key(network: str, frame_rate: float) -> str:
    return f"{network} at {frame_rate:.0f} Hz"
