"""How many cores there are to work with, and who gets them."""

from __future__ import annotations

import os
import sys


def usable_cores() -> int:
    """Cores that this process may run on: fewer than the machine's where it is kept to some.

    A share of their time, as `docker --cpus` gives, does not show here.
    """
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_numpy_to_its_caller() -> None:
    """No threads of NumPy's own in this process; to be called before NumPy is imported.

    They spin as the program starts, while others would have work to do; and there is no work here
    for them. Whoever has set their number keeps it.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def keep_opencv_to_its_caller() -> None:
    """No threads of OpenCV's own in this process: the pipeline's threads share the cores already.

    Each of its calls is far too short to be worth waking others, which then spin for more.
    """
    import cv2

    cv2.setNumThreads(1)
