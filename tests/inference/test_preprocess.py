"""What the network is fed, against plain floating point from the camera's planes on."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.frame import ColorTags, UInt8
from realtime.inference.convention import Convention
from realtime.inference.model import Signature
from realtime.inference.preprocess import SmallPlanes, network_picture
from tests.floating import CHROMA, LUMA, Float64, halvings_of, random_frame, scaled

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CONVENTION = Convention(native_size=(288, 192), stride=32, mean=MEAN, std=STD)
LAYOUTS = [
    Signature(CONVENTION, "picture", "alpha", channels_first, None, {}, False)
    for channels_first in (True, False)
]

# (width, height). The planes of the last two leave outer pixels over when they are halved.
SIZES = [(1920, 1080), (1280, 720), (640, 480), (854, 480), (720, 1280), (1366, 774), (1918, 1078)]

BT601, BT709 = (0.299, 0.114), (0.2126, 0.0722)
TAGS = ((False, 6), (True, 5), (False, 1), (True, 1), (None, 2))
COLORS = [ColorTags(full_range, matrix) for full_range, matrix in TAGS]

# What each of three roundings does to a value, in levels of 255: least and most. Halving gives
# quarters of a level and rounds halves up. OpenCV interpolates in fixed point and cuts two products
# to quarters first, which takes up to a half. The colours' matrix has ten bits after the point.
HALVED = np.array([-0.25, 0.5])
INTERPOLATED = np.array([-0.75, 0.5])
CONVERTED = np.array([-1, 1]) * (0.5 + (LUMA[1] + 2 * CHROMA[1]) / 2048)
# Weights of eleven bits, and numbers of 32.
FINE = np.array([-0.03, 0.03])


def scaling_error(plane: UInt8, size: tuple[int, int]) -> Float64:
    error: Float64 = halvings_of(plane, size) * HALVED + INTERPOLATED + FINE
    return error


def gains(color: ColorTags, height: int) -> Float64:
    """What Y, U and V (columns), less their zeros, add to red, green and blue (rows)."""
    untagged = BT709 if height >= 720 else BT601
    red, blue = {1: BT709, 5: BT601, 6: BT601}.get(color.matrix, untagged)
    green = 1 - red - blue
    # R = Y + 2(1 - red)V and B = Y + 2(1 - blue)U; G is what these leave of Y.
    v, u = 2 * (1 - red), 2 * (1 - blue)
    full = np.array([[1, 0, v], [1, -blue * u / green, -red * v / green], [1, u, 0]])
    return full if color.full_range else full * [255 / 219, 255 / 224, 255 / 224]


def to_rgb(planes: list[Float64], color: ColorTags, height: int) -> Float64:
    zeros = (0 if color.full_range else 16, 128, 128)
    rgb: Float64 = (np.stack(planes, -1) - zeros) @ gains(color, height).T
    return rgb.clip(0, 255)


@pytest.mark.parametrize("size", SIZES)
def test_planes_are_off_by_their_roundings_at_most(size: tuple[int, int]) -> None:
    planes = random_frame(size, ColorTags()).planes
    target = LAYOUTS[0].size_for(*size)
    for small, plane in zip(SmallPlanes.of(planes, target), planes, strict=True):
        error = small - scaled(plane, target)
        least, most = scaling_error(plane, target)
        assert least <= error.min()
        assert error.max() <= most
        assert np.abs(error).mean() < 0.5


@pytest.mark.parametrize("color", COLORS, ids=str)
@pytest.mark.parametrize("size", SIZES)
def test_the_tensor_is_off_by_roundings_at_most(size: tuple[int, int], color: ColorTags) -> None:
    """The worst case is 3 to 5 levels, for chroma's own half levels count double in red and blue.

    That all of them meet in one pixel is rare: the mean is below one level.
    """
    frame = random_frame(size, color)
    target = LAYOUTS[0].size_for(*size)
    expected = to_rgb([scaled(plane, target) for plane in frame.planes], color, size[1])
    seen = [plane.astype(np.float64) for plane in SmallPlanes.of(frame.planes, target)]
    of_seen = to_rgb(seen, color, size[1])
    # Each channel's least and most: a gain below 0 swaps a plane's.
    ends = gains(color, size[1])[..., None] * [scaling_error(p, target) for p in frame.planes]
    least, most = np.sort(ends).sum(1).T + (CONVERTED + FINE)[:, None]
    for layout in LAYOUTS:
        tensor = layout.feed(network_picture(frame, target))["picture"]
        assert tensor.dtype == np.float32
        picture = tensor[0].transpose(1, 2, 0) if layout.channels_first else tensor[0]
        found = 255 * (picture.astype(np.float64) * STD + MEAN)
        error = found - expected
        assert (least <= error).all()
        assert (error <= most).all()
        assert np.abs(error).mean() < 1
        assert np.abs(found - of_seen).max() <= CONVERTED[1] + FINE[1]
