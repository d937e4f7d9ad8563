"""Temporal smoothing against its formula, pixel by pixel in floating point."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.frame import Float32
from realtime.inference.smoothing import Smoother
from realtime.inference.thumbnail import Thumbnail

Float64 = NDArray[np.float64]

SMALL = (36, 64)

# Seconds since the frame before: of cameras, of pauses, and of new beginnings.
TIMES = [None, 1 / 30, 1 / 60, 1 / 120, 1 / 15, 0.04, 0.5, 1 / 30, None, 1 / 24, 1 / 1000, 1 / 30]


def frames(size: tuple[int, int], noise: float) -> Iterator[tuple[Float32, Thumbnail]]:
    """Random alphas, and pictures whose three planes move the more, the further right."""
    random = np.random.default_rng(0)
    picture = random.uniform(0, 255, (3, *SMALL))
    alpha = random.uniform(0, 1, size)
    for _ in TIMES:
        picture += random.normal(0, noise, (3, *SMALL)) * np.linspace(0, 1, SMALL[1])
        # Many alphas hardly change, and some wholly.
        alpha += (random.uniform(0, 1, size) - alpha) * random.uniform(0, 1, size) ** 3
        planes = np.rint(picture.clip(0, 255)).astype(np.uint8)
        yield alpha.astype(np.float32), Thumbnail(*planes)


def change(picture: Thumbnail, before: Thumbnail) -> Float64:
    """The mean change around each pixel; what is beyond the border mirrors what is within."""
    apart = np.abs(np.subtract(picture, before, dtype=np.float64)).sum(0).clip(0, 255)
    near = np.pad(apart, 1, mode="reflect")
    rows, columns = SMALL
    parts = [near[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    mean: Float64 = np.mean(parts, axis=0)
    return mean


def smoothed(alpha: Float32, before: Float64, changed: Float64, elapsed: float) -> Float64:
    still: Float64 = (0.8 * np.exp(-((changed / 9) ** 2))) ** (elapsed * 30)
    kept: Float64 = cv2.resize(still, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    new = alpha.astype(np.float64)
    weight = kept * (1 - (new - before) ** 4)
    return weight * before + (1 - weight) * new


@pytest.mark.parametrize("noise", [1, 4, 12])
@pytest.mark.parametrize("size", [(72, 128), (61, 83), (36, 64), (192, 288)])
def test_a_sequence_follows_the_formula(size: tuple[int, int], noise: float) -> None:
    """As exactly as 32 bits allow, for the change that counts is that in whole levels of 255."""
    smoother = Smoother()
    last: tuple[Float64, Thumbnail] | None = None
    for (alpha, picture), elapsed in zip(frames(size, noise), TIMES, strict=True):
        found = smoother(alpha, picture, elapsed)
        expected = alpha.astype(np.float64)
        if last is not None and elapsed is not None:
            # A ninth of a whole number is never a half, so that all round it alike.
            expected = smoothed(alpha, last[0], np.rint(change(picture, last[1])), elapsed)
            assert np.abs(expected - alpha).max() > 1 / 255
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        last = expected, picture


@pytest.mark.parametrize("noise", [1, 4, 12])
def test_whole_levels_of_change_are_fine_enough(noise: float) -> None:
    """Half a level turns the weight by up to 0.043, and that alpha by up to 0.023.

    The weight is steepest, 0.78/9 a level, where dt·30 Hz is 1/(2·ln(1/0.8)), and Δ(1 - Δ⁴) is at
    most 0.535. In the mean it is a fraction of a level of 255.
    """
    smoother = Smoother()
    last: tuple[Float32, Thumbnail] | None = None
    for (alpha, picture), elapsed in zip(frames((72, 128), noise), TIMES, strict=True):
        found = smoother(alpha, picture, elapsed)
        if last is not None and elapsed is not None:
            before = last[0].astype(np.float64)
            error = np.abs(found - smoothed(alpha, before, change(picture, last[1]), elapsed))
            assert error.max() < 0.0235
            assert error.mean() < 0.5 / 255
        last = found, picture
