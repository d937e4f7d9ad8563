"""Pictures of any size, brought to one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from realtime.color import planes_to_rgb, rgb_to_planes
from realtime.frame import ColorTags, Frame
from realtime.output.fitting import Fitter, OutputFit
from tests.media import gray_frame

SIZES = [(64, 48), (48, 64), (640, 480), (1280, 720), (130, 98), (2, 2), (1920, 1080), (16, 4096)]


def _frame(size: tuple[int, int], full_range: bool = False) -> Frame:
    frame = gray_frame(200, size=size, color=ColorTags(full_range=full_range))
    return replace(frame, alpha=np.full(frame.planes.y.shape, 77, np.uint8))


@pytest.mark.parametrize("fit", ["letterbox", "crop"])
@pytest.mark.parametrize("source", SIZES)
@pytest.mark.parametrize("target", SIZES[:5])
def test_every_size_becomes_the_one(
    source: tuple[int, int], target: tuple[int, int], fit: OutputFit
) -> None:
    fitted = Fitter(*target, fit)(_frame(source))
    width, height = target
    assert fitted.planes.y.shape == (height, width)
    assert fitted.planes.u.shape == fitted.planes.v.shape == (height // 2, width // 2)
    assert fitted.alpha is not None
    assert fitted.alpha.shape == (height, width)
    if fit == "crop":
        assert (fitted.planes.y == 200).all()


def test_what_fits_passes_untouched() -> None:
    frame = _frame((64, 48))
    assert Fitter(64, 48)(frame) is frame


@pytest.mark.parametrize(("full_range", "black"), [(False, 16), (True, 0)])
def test_bars_are_black_and_on_both_sides(full_range: bool, black: int) -> None:
    fitted = Fitter(128, 72)(_frame((64, 72), full_range))
    assert (fitted.planes.y[:, :32] == black).all()
    assert (fitted.planes.y[:, 32:96] == 200).all()
    assert (fitted.planes.y[:, 96:] == black).all()
    assert (fitted.planes.u == 128).all()
    assert fitted.alpha is not None
    assert (fitted.alpha[:, :32] == 0).all()
    assert (fitted.alpha[:, 32:96] == 77).all()


def test_cropping_keeps_the_middle() -> None:
    frame = _frame((128, 48))
    frame.planes.y[:, :32] = frame.planes.y[:, 96:] = 50
    fitted = Fitter(64, 48, "crop")(frame)
    assert (fitted.planes.y == 200).all()


def test_luma_and_chroma_stay_together() -> None:
    """A mark of both is in the same place of both afterwards."""
    frame = _frame((96, 64))
    frame.planes.y[16:32, 32:64] = 20
    frame.planes.u[8:16, 16:32] = 220
    fitted = Fitter(320, 180)(frame)
    luma = np.argwhere(fitted.planes.y[:, 30:290] < 100) / 2
    chroma = np.argwhere(fitted.planes.u[:, 15:145] > 180)
    np.testing.assert_allclose(luma.mean(axis=0), chroma.mean(axis=0) + 0.25, atol=0.75)


_BT709, _BT601 = ColorTags(False, 1, 1, 1), ColorTags(False, 6, 6, 6)
_JPEG, _UNTAGGED = ColorTags(True, 5), ColorTags()


@pytest.mark.parametrize("size", [(64, 48), (128, 96), (64, 720)])
@pytest.mark.parametrize("output", [_BT709, _BT601, _JPEG, _UNTAGGED])
@pytest.mark.parametrize("color", [_BT709, _BT601, _JPEG, _UNTAGGED, ColorTags(None, 9)])
def test_colors_stay_what_they_are_by_the_tags_of_the_output(
    color: ColorTags, output: ColorTags, size: tuple[int, int]
) -> None:
    rgb = np.full((size[1], size[0], 3), (200, 60, 30), np.uint8)
    alpha = np.full(rgb.shape[:2], 77, np.uint8)
    frame = replace(gray_frame(0, color=color), planes=rgb_to_planes(rgb, color), alpha=alpha)
    fitted = Fitter(64, 48, "crop", output)(frame)
    assert fitted.color == output
    assert fitted.planes.y.shape == (48, 64)
    assert fitted.alpha is not None
    assert (fitted.alpha == 77).all()
    shown = planes_to_rgb(fitted.planes, output).astype(int)
    assert np.abs(shown - rgb[0, 0]).max() <= 5


def test_bars_are_as_black_as_the_output_has_it() -> None:
    frame = gray_frame(200, color=_BT709)
    fitted = Fitter(128, 48, color=_JPEG)(frame)
    assert (fitted.planes.y[:, :32] == 0).all()
    assert (fitted.planes.y[:, 32:96] == round((200 - 16) * 255 / 219)).all()


@pytest.mark.parametrize("color", [_BT709, _UNTAGGED])
def test_what_has_the_size_and_the_tags_passes_untouched(color: ColorTags) -> None:
    frame = gray_frame(200, color=color)
    assert Fitter(64, 48, color=color)(frame) is frame


def test_where_only_the_name_of_the_color_differs_no_picture_is_made() -> None:
    frame = gray_frame(200, color=ColorTags(False, 5, 5, 5))
    fitted = Fitter(64, 48, color=_BT601)(frame)
    assert fitted.planes is frame.planes
    assert fitted.color == _BT601


def test_a_camera_that_changes_its_size_is_followed() -> None:
    fitter = Fitter(64, 48)
    for size in [(128, 96), (64, 64), (128, 96), (64, 48)]:
        assert fitter(_frame(size)).planes.y.shape == (48, 64)


def test_the_way_of_fitting_may_change_between_frames() -> None:
    fitter = Fitter(64, 48)
    wide = _frame((128, 48))
    boxed = fitter(wide).planes.y.copy()
    fitter.fit = "crop"
    cropped = fitter(wide).planes.y
    np.testing.assert_array_equal(cropped, Fitter(64, 48, "crop")(wide).planes.y)
    assert (boxed != cropped).any()
