"""YUV ↔ RGB and YUV → YUV by the tags of the picture (BT.601, BT.709 and BT.2020, both ranges).

What the network sees comes this way, backgrounds, and what leaves for an output with tags of its
own. OpenCV's own conversions know BT.601 in limited range alone, and would tint everything else.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import ColorTags, Planes, UInt8

# The luma weights (red, blue) that define each matrix of H.273.
_LUMA_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def _luma_weights(color: ColorTags, height: int) -> tuple[float, float]:
    # Players read untagged video of 720 lines and more as BT.709 and smaller video as BT.601.
    guess = _LUMA_WEIGHTS[1] if height >= 720 else _LUMA_WEIGHTS[6]
    return _LUMA_WEIGHTS.get(color.matrix, guess)


def rgb_to_yuv_matrix(color: ColorTags, height: int) -> NDArray[np.float64]:
    """The affine map from RGB to YUV, both 0..255.

    Args:
        color: tags of the YUV side; what they leave out is guessed as players guess it.
        height: lines of the picture, for that guess.

    Returns:
        float64 (3, 4): the last column is the offset.
    """
    red, blue = _luma_weights(color, height)
    green = 1 - red - blue
    luma = np.array([red, green, blue])
    rows = np.stack(
        [
            luma,
            (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - blue)),
            (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - red)),
        ]
    )
    offset = np.array([0.0, 128.0, 128.0])
    if not color.full_range:
        rows *= np.array([[219.0], [224.0], [224.0]]) / 255.0
        offset[0] = 16.0
    return np.hstack([rows, offset[:, None]])


# Asked for with every frame; and linear algebra wakes threads that go on spinning for a while.
@lru_cache(maxsize=16)
def yuv_to_rgb_matrix(color: ColorTags, height: int) -> NDArray[np.float64]:
    """The inverse of `rgb_to_yuv_matrix`; same arguments and shape; read-only."""
    forward = rgb_to_yuv_matrix(color, height)
    inverse = np.linalg.inv(forward[:, :3])
    matrix = np.hstack([inverse, -inverse @ forward[:, 3:]])
    matrix.flags.writeable = False
    return matrix


@lru_cache(maxsize=16)
def conversion(
    color: ColorTags, height: int, target: ColorTags, target_height: int
) -> NDArray[np.float64] | None:
    """The affine map from one kind of YUV to another, both 0..255.

    Args:
        color: tags of what there is; for what they leave out see `rgb_to_yuv_matrix`.
        height: lines of that picture.
        target: tags of what is wanted, likewise.
        target_height: lines of the picture that is wanted.

    Returns:
        float64 (3, 4), read-only: the last column is the offset. None where both are the same.
        Primaries and transfer are left as they are.
    """
    same_range = bool(color.full_range) == bool(target.full_range)
    if same_range and _luma_weights(color, height) == _luma_weights(target, target_height):
        return None
    to_rgb, to_yuv = yuv_to_rgb_matrix(color, height), rgb_to_yuv_matrix(target, target_height)
    matrix = to_yuv[:, :3] @ to_rgb
    matrix[:, 3] += to_yuv[:, 3]
    matrix = matrix.round(12)  # where chroma adds nothing to luma, that is 0 exactly
    matrix.flags.writeable = False
    return matrix


def convert(planes: Planes, change: NDArray[np.float64], target: Planes) -> None:
    """The way through RGB and back at once, without ever making the RGB.

    Args:
        planes: the picture.
        change: see `conversion`.
        target: planes of the same size to write to.
    """
    scale, offset = change[:, :3], change[:, 3]
    if not scale[0, 1:].any():  # only the range changes
        for index, (source, plane) in enumerate(zip(planes, target, strict=True)):
            cv2.LUT(source, _levels(scale[index, index], offset[index]), dst=plane)
        return
    u, v = planes.u, planes.v
    # Chroma depends on chroma alone: the first column of those rows is 0.
    cv2.addWeighted(u, scale[1, 1], v, scale[1, 2], offset[1], dst=target.u)
    cv2.addWeighted(u, scale[2, 1], v, scale[2, 2], offset[2], dst=target.v)
    # Luma needs the chroma of its place: their sum is made at chroma's size and enlarged. Of what
    # chroma adds to luma, 128 stands for nothing.
    neutral = 128 * (1 - scale[0, 1] - scale[0, 2])
    share = cv2.addWeighted(u, scale[0, 1], v, scale[0, 2], neutral)
    share = cv2.resize(share, (planes.width, planes.height), interpolation=cv2.INTER_LINEAR)
    rest = offset[0] + 128 * (scale[0, 1] + scale[0, 2]) - 128
    cv2.addWeighted(planes.y, scale[0, 0], share, 1.0, rest, dst=target.y)


@lru_cache(maxsize=16)
def _levels(factor: float, start: float) -> UInt8:
    """What becomes of each level of a plane, uint8 (256,)."""
    levels: UInt8 = np.rint(np.arange(256) * factor + start).clip(0, 255).astype(np.uint8)
    return levels


def merge_to_rgb(y: UInt8, u: UInt8, v: UInt8, color: ColorTags, height: int) -> UInt8:
    """Three planes of one size to RGB.

    Args:
        y: uint8 (h, w).
        u: likewise.
        v: likewise.
        color: tags of the planes.
        height: lines of the picture that the planes were scaled from.

    Returns:
        uint8 (h, w, 3) RGB.
    """
    rgb: UInt8 = cv2.transform(cv2.merge((y, u, v)), yuv_to_rgb_matrix(color, height))
    return rgb


def planes_to_rgb(planes: Planes, color: ColorTags) -> UInt8:
    """A whole picture to uint8 RGB (H, W, 3)."""
    size = (planes.width, planes.height)
    u = cv2.resize(planes.u, size, interpolation=cv2.INTER_LINEAR)
    v = cv2.resize(planes.v, size, interpolation=cv2.INTER_LINEAR)
    return merge_to_rgb(planes.y, u, v, color, planes.height)


def rgb_to_planes(rgb: UInt8, color: ColorTags) -> Planes:
    """A whole picture, uint8 RGB (H, W, 3) of even size, to planes with these tags."""
    height, width = rgb.shape[:2]
    y, u, v = cv2.split(cv2.transform(rgb, rgb_to_yuv_matrix(color, height)))
    half = (width // 2, height // 2)
    return Planes(
        y,
        cv2.resize(u, half, interpolation=cv2.INTER_AREA),
        cv2.resize(v, half, interpolation=cv2.INTER_AREA),
    )
