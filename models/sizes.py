"""Which size to run a network at."""

import math


def network_size(height: int, width: int, area: float, stride: int = 16) -> tuple[int, int]:
    """(height, width), multiples of `stride`, of about `area` pixels and the picture's aspect.

    Aspects beyond 1:3 are squashed to it: a network has seen nothing longer.
    """
    if height <= 0 or width <= 0:
        raise ValueError(f"a picture of {width}x{height} pixels has no aspect")
    aspect = min(3.0, max(1 / 3, width / height))
    h = max(1, round(math.sqrt(area / aspect) / stride)) * stride
    w = max(1, round(area / h / stride)) * stride
    return h, w
