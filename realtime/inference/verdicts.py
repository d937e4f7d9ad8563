"""Which of the embedded networks keep up on this machine's CPU, as several starts have found.

To open and to time one that is too slow takes a good part of a start, and other programs may make
one look too slow that is not. So the first few starts each find out and remember it; then the
majority stands, and a network that does not keep up is not even opened.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from realtime.machine import cache_folder
from realtime.remembered import keep, recall

# Odd, for there is no draw then.
_STARTS = 3

# Seconds after which it is all found out anew: those starts may have met a busy hour.
_LASTS = 7 * 24 * 3600.0


class Verdicts:
    """What is known, by network and frame rate.

    Args:
        path: of the file; None for the one in the user's cache.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or cache_folder() / "keeps_up.json"
        found = recall(self._path, newer_than=time.time() - _LASTS)
        self._known: dict[str, list[bool]] = {}
        if isinstance(found, dict):
            self._known.update((key, it) for key, it in found.items() if isinstance(it, list))

    def of(self, network: str, frame_rate: float) -> bool | None:
        """Whether a network keeps up with so many frames in a second; None before it is known."""
        found = self._known.get(_key(network, frame_rate), [])
        return found.count(True) * 2 > len(found) if len(found) >= _STARTS else None

    def add(self, network: str, frame_rate: float, keeps_up: bool) -> None:
        """Another start has found out. Where that cannot be kept, the next one knows less."""
        self._known.setdefault(_key(network, frame_rate), []).append(keeps_up)
        with suppress(OSError):
            keep(self._path, self._known)


def _key(network: str, frame_rate: float) -> str:
    return f"{network} at {frame_rate:.3f} Hz"
