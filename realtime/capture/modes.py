"""What a camera can deliver, and which of it comes nearest to what was asked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

# How much work a frame is until it is planar 4:2:0, cheapest first: to copy, to part, to average
# the chroma of two lines; to decode; to convert from RGB; to wait for a codec that looks back; and
# at the end, no colour at all.
_CHEAPEST_FIRST = (
    ("YU12",),
    ("NV12",),
    ("YUYV", "UYVY"),
    ("422P",),
    ("MJPG", "JPEG"),
    ("BGR3", "RGB3", "BGR4"),
    ("H264",),
    ("GREY",),
)
_COSTS = {pixels: cost for cost, group in enumerate(_CHEAPEST_FIRST) for pixels in group}

# Cameras say 30 and mean 29.97, or the other way round.
_RATE_TOLERANCE = Fraction(1, 50)


@dataclass(frozen=True, slots=True)
class Mode:
    """One pixel format at one size.

    Attributes:
        pixels: four letters as the driver has them, such as "YUYV" or "MJPG".
        width: pixels.
        height: pixels.
        rates: frames in a second, falling; empty where the device does not say.
    """

    pixels: str
    width: int
    height: int
    rates: tuple[Fraction, ...] = ()

    def rate_for(self, fps: float) -> Fraction | None:
        """The lowest rate that reaches `fps`, else the highest; None where unknown."""
        enough = [rate for rate in self.rates if rate >= fps * (1 - _RATE_TOLERANCE)]
        return min(enough) if enough else max(self.rates, default=None)


def choose(modes: Iterable[Mode], width: int, height: int, fps: float) -> Mode | None:
    """The mode to open: what was asked at the least cost, or else the nearest.

    A mode's distance is |ln(area / asked area)|, and to that is added |ln(aspect / asked aspect)|,
    for what will be cropped, and twice ln(asked rate / rate) where the rate falls short, since a
    picture of half the area is easier to bear than one that moves half as often. Thus a camera that
    has 1280×720 at 10 fps as YUYV and at 30 fps as MJPG is opened as MJPG, and one that has
    nothing but YUYV at a lower size.

    Returns:
        None where no mode can be used.
    """
    usable = [mode for mode in modes if mode.pixels in _COSTS and mode.width and mode.height]
    return min(usable, key=lambda mode: _badness(mode, width, height, fps), default=None)


def _badness(mode: Mode, width: int, height: int, fps: float) -> tuple[float, float, int]:
    area = abs(math.log(mode.width * mode.height / (width * height)))
    aspect = abs(math.log(mode.width * height / (mode.height * width)))
    rate = mode.rate_for(fps)
    slow = 0.0 if rate is None else max(0.0, math.log(fps * (1 - float(_RATE_TOLERANCE)) / rate))
    too_fast = 0.0 if rate is None else max(0.0, float(rate) - fps)
    # The rounding lets equal distances be equal, so that cost decides.
    return round(area + aspect + 2 * slow, 6), _COSTS[mode.pixels], round(too_fast)
