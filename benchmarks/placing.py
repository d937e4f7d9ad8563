"""Which processor a program that is measured runs on.

User-Mode Linux, a way to have real devices without a machine for them, lets the threads of one
process compute one at a time, and badly: two that hash side by side did less work than one, with
pauses of half a second, while two processes did all of theirs (Linux 7.3, two processors). Kept to
one processor, which is all that it has there, the threads of a program take turns as they would
anywhere, and the program knows that it has one. So what is measured is a program on one core.

A page of memory that is touched for the first time costs 130 µs there, thirty times what it does on
the machine below, and changing the level gets thousands. So the C library is told to keep what was
freed, and for whichever thread asks next.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

# Variables of glibc's; the thresholds are the largest that it takes, or that make sense.
_KEEPING_MEMORY = (
    "MALLOC_ARENA_MAX=1",
    "MALLOC_MMAP_THRESHOLD_=33554432",
    "MALLOC_TRIM_THRESHOLD_=1073741824",
)


def kept_to(processor: int, command: Sequence[str]) -> list[str]:
    """A command that runs on one processor under User-Mode Linux; elsewhere the command as it is.

    Args:
        processor: its number, from 0.
        command: a program and its arguments.
    """
    if _user_mode() and processor in os.sched_getaffinity(0) and shutil.which("taskset"):
        return ["env", *_KEEPING_MEMORY, "taskset", "--cpu-list", str(processor), *command]
    return list(command)


@functools.cache
def _user_mode() -> bool:
    if sys.platform != "linux":
        return False
    try:
        return "User Mode Linux" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
