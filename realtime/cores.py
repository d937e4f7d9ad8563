"""How many cores there are to work with."""

from __future__ import annotations

import os
import sys


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine's in a container."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
