"""Smooth random pictures, and scaling in plain floating point to hold the fast way against."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from realtime.frame import ColorTags, Frame, Planes, UInt8

Float64 = NDArray[np.float64]

LUMA, CHROMA = (16, 235), (85, 170)


def waves(
    random: np.random.Generator, shape: tuple[int, int], ends: tuple[int, int], most: float = 24
) -> UInt8:
    """A smooth plane: four waves in random directions, at most so many to a side."""
    y, x = (np.arange(side) / side for side in shape)
    total = np.zeros(shape)
    for down, right, start in random.uniform(-most, most, (4, 3)):
        total += np.cos(2 * np.pi * np.add.outer(down * y, right * x + start))
    return np.rint(np.interp(total, (-4, 4), ends)).astype(np.uint8)


@cache
def random_planes(size: tuple[int, int], most: float) -> Planes:
    random = np.random.default_rng(size)
    width, height = size
    y = waves(random, (height, width), LUMA, most)
    return Planes(y, *(waves(random, (height // 2, width // 2), CHROMA, most) for _ in range(2)))


def random_frame(size: tuple[int, int], color: ColorTags, most: float = 24) -> Frame:
    return Frame(random_planes(size, most), 0, 0, Fraction(1, 30), color)


def halvings_of(plane: UInt8, size: tuple[int, int]) -> int:
    """How often a plane can be halved and is no smaller than the target."""
    times = 0
    while plane.shape[1] >= size[0] << (times + 1) and plane.shape[0] >= size[1] << (times + 1):
        times += 1
    return times


def scaled(plane: UInt8, size: tuple[int, int]) -> Float64:
    """The means of squares, as large as all halvings make them, and interpolation of those."""
    block = 1 << halvings_of(plane, size)
    rows, columns = plane.shape[0] // block, plane.shape[1] // block
    top, left = (plane.shape[0] - rows * block) // 2, (plane.shape[1] - columns * block) // 2
    kept = plane[top : top + rows * block, left : left + columns * block].astype(np.float64)
    means: Float64 = kept.reshape(rows, block, columns, block).mean((1, 3))
    return resized(means, size)


def resized(plane: Float64, size: tuple[int, int]) -> Float64:
    """Interpolates between the centres of pixels."""
    return _lines(_lines(plane, size[1]).T, size[0]).T


def _lines(lines: Float64, target: int) -> Float64:
    """Beyond the centres of the outer ones all is like them."""
    place = ((np.arange(target) + 0.5) * len(lines) / target - 0.5).clip(0, len(lines) - 1)
    first = np.minimum(place.astype(int), len(lines) - 2)
    part = (place - first)[:, None]
    result: Float64 = (1 - part) * lines[first] + part * lines[first + 1]
    return result
