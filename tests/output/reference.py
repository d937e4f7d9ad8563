"""Compositing in plain NumPy, on every pixel of a picture and in floating point: what the fast way
is held against. OpenCV scales and blurs; nothing is cut into tiles.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Float32, Planes, UInt8
from realtime.output.coverage import coverage_curve
from realtime.output.refinement import fit

Picture = TypeVar("Picture", UInt8, Float32)
Float64 = NDArray[np.float64]


def grid_factor(height: int, width: int, given: Float32) -> int:
    """The coarsest of 4, 2 and 1 that divides the picture and has 3/4 of the given's lines."""
    for factor in (4, 2):
        rows, columns = height / factor, width / factor
        whole = rows.is_integer() and columns.is_integer()
        if whole and rows >= 0.75 * given.shape[0] and columns >= 0.75 * given.shape[1]:
            return factor
    return 1


def resize(plane: Picture, height: int, width: int, how: int = cv2.INTER_LINEAR) -> Picture:
    scaled: Picture = cv2.resize(plane, (width, height), interpolation=how)
    return scaled


class Whole:
    """Everything about one picture at all of its sizes."""

    def __init__(self, seen: Planes, alpha: Float32, *, refine: bool) -> None:
        self.seen = seen
        height, width = seen.y.shape
        curve = coverage_curve(height / len(alpha))
        divisor = 1
        while height // (divisor * 2) >= 80 and divisor < 32:
            divisor *= 2
        self.small_size = -(-height // divisor), -(-width // divisor)
        if refine and height >= 1.5 * len(alpha):
            linear = fit(seen.y, alpha, curve)
            factor = grid_factor(height, width, linear.slope)
            grid_size = height // factor, width // factor

            def follow(y: UInt8, *sizes: tuple[int, int]) -> UInt8:
                slope, offset = linear.slope, linear.offset
                for size in sizes:
                    slope, offset = resize(slope, *size), resize(offset, *size)
                levels = np.rint(np.clip(slope * y + offset, 0, 255)).astype(np.uint8)
                result: UInt8 = curve[levels]
                return result

            luma = follow(seen.y, grid_size, (height, width))
            self.small = follow(resize(seen.y, *self.small_size), self.small_size)
        else:
            factor = grid_factor(height, width, alpha)
            grid_size = height // factor, width // factor
            levels = np.rint(alpha * 255).astype(np.uint8)
            grid = curve[resize(levels, *grid_size, cv2.INTER_CUBIC)]
            luma = resize(grid, height, width)
            self.small = resize(grid, *self.small_size)
        means = luma.reshape(height // 2, 2, width // 2, 2).astype(int).sum((1, 3))
        chroma = ((means + 2) // 4).astype(np.uint8)
        self.alphas = (luma, chroma, chroma)

    def at_full_size(self, small: UInt8, index: int) -> UInt8:
        """Something of the small size at that of plane 0, 1 or 2."""
        return resize(small, *self.seen[index].shape)

    def mixture(self, index: int) -> UInt8:
        """M = F̂ + κα(F̂ - R̂) of plane 0, 1 or 2 at the small size."""
        seen = resize(self.seen[index], *self.small_size).astype(np.float64)
        alpha = self.small / 255

        def blurred(weight: Float64) -> Float64:
            weight = np.rint(255 * weight)

            def box(values: Float64) -> Float64:
                near = cv2.blur(values, (3, 3))
                result: Float64 = near + 0.05 * cv2.blur(values, (9, 9))
                return result

            return box(seen * weight) / (box(weight) + 1e-4)

        foreground = blurred(np.maximum(2 * alpha - 1, np.minimum(alpha, 1 / 255)))
        room = blurred(np.maximum(1 - 2 * alpha, np.minimum(1 - alpha, 1 / 255)))
        mixed = foreground + 0.75 * alpha * (foreground - room)
        return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)

    def pure(self, index: int) -> UInt8:
        """F = αI + (1 - α)M of plane 0, 1 or 2."""
        return over(
            self.seen[index], self.at_full_size(self.mixture(index), index), self.alphas[index]
        )


def over(foreground: UInt8, background: UInt8, alpha: UInt8) -> UInt8:
    share = alpha / 255
    mixed = share * foreground + (1 - share) * background
    return np.rint(mixed).astype(np.uint8)


def composite(
    seen: Planes,
    alpha: Float32,
    background: Planes,
    *,
    refine: bool = True,
    decontaminate: bool = True,
    light_wrap: float = 0.0,
) -> Planes:
    """What a limited-range picture becomes."""
    whole = Whole(seen, alpha, refine=refine)
    planes = []
    for index, alphas in enumerate(whole.alphas):
        foreground = whole.pure(index) if decontaminate else seen[index]
        if light_wrap:
            foreground = lit(whole, foreground, background, index, light_wrap)
        planes.append(over(foreground, background[index], alphas))
    return Planes(*planes)


def lit(whole: Whole, foreground: UInt8, background: Planes, index: int, strength: float) -> UInt8:
    """Plane 0, 1 or 2 with the background's light on it."""
    reach = max(1, round(whole.small_size[0] / 30))

    def box(plane: UInt8) -> UInt8:
        size = (2 * reach + 1, 2 * reach + 1)
        blurred: UInt8 = cv2.blur(cv2.blur(plane, size), size)
        return blurred

    light = [box(resize(plane, *whole.small_size)) for plane in background]
    brightness = np.clip((light[0].astype(float) - 16) / (235 - 16), 0, None)
    near = 1 - box(whole.small) / 255
    weight = np.clip(np.rint(255 * 2 * 0.8 * strength * near * brightness), 0, 255)
    weight = np.where(whole.small > 0, weight, 0).astype(np.uint8)
    target = (
        np.full_like(foreground, 235) if index == 0 else whole.at_full_size(light[index], index)
    )
    return over(target, foreground, whole.at_full_size(weight, index))


def cut_out(
    seen: Planes, alpha: Float32, *, refine: bool, decontaminate: bool
) -> tuple[Planes, UInt8]:
    """A limited-range picture's foreground and its alpha."""
    whole = Whole(seen, alpha, refine=refine)
    planes = []
    for index, (alphas, black) in enumerate(zip(whole.alphas, (16, 128, 128), strict=True)):
        plane = (whole.pure(index) if decontaminate else seen[index]).copy()
        plane[alphas == 0] = black
        planes.append(plane)
    return Planes(*planes), whole.alphas[0]
