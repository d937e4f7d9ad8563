"""Backgrounds that do not move: a colour, a picture."""

from __future__ import annotations

from os import PathLike
from typing import Literal

import cv2
import numpy as np

from realtime.color import rgb_to_planes
from realtime.errors import BackgroundError
from realtime.frame import ColorTags, Planes, UInt8
from realtime.output.backgrounds.background import Still
from realtime.scaling import crop_to_aspect

Fit = Literal["cover", "fit"]

# OpenCV counts bytes in 32 bits.
_MOST_BYTES = 2**31 - 1


class Color(Still):
    """One colour.

    Args:
        rgb: red, green and blue, 0..255.
    """

    def __init__(self, rgb: tuple[int, int, int]) -> None:
        super().__init__()
        self._rgb = rgb

    def _draw(self, width: int, height: int, color: ColorTags) -> Planes:
        return rgb_to_planes(np.full((height, width, 3), self._rgb, np.uint8), color)


class Image(Still):
    """A picture, scaled to the frame.

    Args:
        rgb: uint8 (H, W, 3).
        fit: "cover" fills the frame and crops what juts out; "fit" shows all of the picture, with
            black around it.
        pixel_aspect: width of the frame's pixels by their height; those of the picture are square.
    """

    def __init__(self, rgb: UInt8, fit: Fit = "cover", pixel_aspect: float = 1.0) -> None:
        super().__init__()
        self._rgb = rgb
        self._fit = fit
        self._pixel_aspect = pixel_aspect

    def _draw(self, width: int, height: int, color: ColorTags) -> Planes:
        draw = _covering if self._fit == "cover" else fitting
        return rgb_to_planes(draw(self._rgb, width, height, self._pixel_aspect), color)


def _covering(rgb: UInt8, width: int, height: int, pixel_aspect: float) -> UInt8:
    return _scale(crop_to_aspect(rgb, width * pixel_aspect, height), width, height)


def fitting(rgb: UInt8, width: int, height: int, pixel_aspect: float) -> UInt8:
    """A frame of this size, with all of a picture in it and black around it; RGB."""
    rows, columns = rgb.shape[0], rgb.shape[1] / pixel_aspect
    scale = min(width / columns, height / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + size[1], left : left + size[0]] = _scale(rgb, *size)
    return picture


def _scale(picture: UInt8, width: int, height: int) -> UInt8:
    smaller = width < picture.shape[1]
    scaled: UInt8 = cv2.resize(
        picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    )
    return scaled


def read_image(path: str | PathLike[str]) -> UInt8 | None:
    """An image file as uint8 (H, W, 3) RGB, turned upright; None where it is not an image.

    Raises:
        BackgroundError: the file cannot be read.
    """
    try:
        # Not cv2.imread: it knows no non-ASCII paths on Windows, and complains on stderr. And not
        # all in memory: it may be a long video.
        content = np.memmap(path, np.uint8, "r")
    except OSError as error:
        raise BackgroundError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:  # an empty file
        return None
    try:
        bgr = cv2.imdecode(content[:_MOST_BYTES], cv2.IMREAD_COLOR)
    except cv2.error:  # more pixels than OpenCV takes
        return None
    return None if bgr is None else np.ascontiguousarray(bgr[..., ::-1])
