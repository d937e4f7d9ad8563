"""Which size to run a network at."""

import math

NATIVE_SIZE = (176, 320)
"""(height, width) at which the network sees a 16:9 picture."""

AREA = NATIVE_SIZE[0] * NATIVE_SIZE[1]
"""Pixels a picture is brought to: the network's native amount of work."""

STRIDE = 16


def network_size(height: int, width: int, area: int = AREA) -> tuple[int, int]:
    """(height, width), multiples of 16, of about `area` pixels and about the picture's aspect.

    Aspects beyond 1:3 are squashed to it: a network has seen nothing longer.
    """
    if height <= 0 or width <= 0:
        raise ValueError(f"a picture of {width}x{height} pixels has no aspect")
    aspect = min(3.0, max(1 / 3, width / height))
    h = max(1, round(math.sqrt(area / aspect) / STRIDE)) * STRIDE
    w = max(1, round(area / h / STRIDE)) * STRIDE
    return h, w
