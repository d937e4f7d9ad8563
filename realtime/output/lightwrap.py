"""A little of the new background's light on the foreground, near its outline.

In front of a bright window, light creeps around a person. Screening (1 - (1 - F)(1 - L), which
never overflows) a blurred background L onto the foreground F near its outline imitates that, a
habit of compositing artists that goes back to Ron Brinkmann, The Art and Science of Digital
Compositing. On planes, screening luma F with light L is a blend of F with white, weighted with L;
chroma is blended with the background's, with the same weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from realtime.frame import Planes, UInt8

# How far the light reaches, as a share of the picture's height.
_REACH = 1 / 30

# Light that falls at the outline itself where the strength is 1 and the background white.
_MOST = 0.8


@dataclass(frozen=True, slots=True)
class Light:
    """What falls onto the foreground of one picture, at a small size.

    Attributes:
        weight: uint8 (h, w): how much of white (for luma) and of `u` and `v` is blended in.
        u: uint8 (h, w), of the blurred background.
        v: likewise.
        white: the luma of white.
    """

    weight: UInt8
    u: UInt8
    v: UInt8
    white: int


class LightWrap:
    """Blurs backgrounds; one that does not move is blurred once."""

    def __init__(self) -> None:
        self._background: Planes | None = None
        self._blurred: tuple[UInt8, UInt8, UInt8] | None = None

    def __call__(
        self, background: Planes, alpha: UInt8, strength: float, *, full_range: bool
    ) -> Light:
        """The light for one picture.

        Args:
            background: at the picture's size. Planes that were given before, the very same object,
                are taken to be unchanged.
            alpha: uint8 (h, w), of the size that the result shall have.
            strength: 0..1.
            full_range: of the luma.
        """
        height, width = alpha.shape
        black, white = (0, 255) if full_range else (16, 235)
        reach = max(1, round(height * _REACH))
        if self._blurred is None or self._background is not background:
            y, u, v = (_soft(plane, (width, height), reach) for plane in background)
            self._blurred = y, u, v
            self._background = background
        y, u, v = self._blurred
        if y.shape != alpha.shape:
            self._background = None
            return self(background, alpha, strength, full_range=full_range)
        # 1/2 at a straight outline, falling to 0 inside.
        near = cv2.bitwise_not(_box(alpha, reach))
        brightness = cv2.subtract(y, float(black))
        weight = cv2.multiply(near, brightness, scale=2 * _MOST * strength / (white - black))
        # What is no foreground catches no light.
        weight[alpha == 0] = 0
        return Light(weight, u, v, white)


def _soft(plane: UInt8, size: tuple[int, int], reach: int) -> UInt8:
    return _box(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), reach)


def _box(plane: UInt8, reach: int) -> UInt8:
    """Two boxes in a row: a blur without corners."""
    size = (2 * reach + 1, 2 * reach + 1)
    blurred: UInt8 = cv2.blur(cv2.blur(plane, size), size)
    return blurred
