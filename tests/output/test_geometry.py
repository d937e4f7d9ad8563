"""Mirror, zoom and pan: frame and alpha stay together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from realtime.frame import Float32, Matte, Planes
from realtime.output.buffers import Pool
from realtime.output.geometry import View
from tests.media import gray_frame

WIDTH, HEIGHT = 320, 180


def ramp_matte() -> Matte:
    """Luma rises from left to right, and alpha is the same ramp; V rises from top to bottom."""
    planes = Planes.empty(HEIGHT, WIDTH)
    planes.y[:] = np.linspace(0, 255, WIDTH)
    planes.u.fill(128)
    planes.v[:] = np.linspace(0, 255, HEIGHT // 2)[:, None]
    alpha: Float32 = np.empty((HEIGHT // 2, WIDTH // 2), np.float32)
    alpha[:] = np.linspace(0, 1, WIDTH // 2)
    return Matte(replace(gray_frame(0), planes=planes), alpha)


def test_without_anything_to_do_the_matte_itself_comes_back() -> None:
    matte = ramp_matte()
    assert View(pan_x=1.0, pan_y=-1.0).of(matte, Pool()) is matte


def test_a_mirror_swaps_left_and_right_of_everything() -> None:
    matte = ramp_matte()
    seen = View(mirror=True).of(matte, Pool())
    for plane, original in zip(seen.frame.planes, matte.frame.planes, strict=True):
        np.testing.assert_array_equal(plane, original[:, ::-1])
    np.testing.assert_array_equal(seen.alpha, matte.alpha[:, ::-1])


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("zoom", [1.0, 1.1, 1.7, 2.0, 4.0])
@pytest.mark.parametrize("pan", [(0.0, 0.0), (-1.0, 1.0), (0.37, -0.6)])
def test_the_alpha_stays_on_its_pixels(mirror: bool, zoom: float, pan: tuple[float, float]) -> None:
    seen = View(mirror, zoom, *pan).of(ramp_matte(), Pool())
    planes = seen.frame.planes
    assert planes.y.shape == (HEIGHT, WIDTH)
    assert planes.u.shape == planes.v.shape == (HEIGHT // 2, WIDTH // 2)
    assert seen.alpha.shape == (HEIGHT // 2, WIDTH // 2)
    luma = planes.y.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3)) / 255
    assert np.abs(luma - seen.alpha).max() < 0.012


def test_zoom_shows_the_middle_larger() -> None:
    y = View(zoom=2.0).of(ramp_matte(), Pool()).frame.planes.y[90].astype(int)
    assert abs(y[0] - 64) <= 2
    assert abs(y[-1] - 191) <= 2


@pytest.mark.parametrize("mirror", [False, True])
def test_pan_is_as_the_viewer_sees_it(mirror: bool) -> None:
    def middle(pan_x: float, pan_y: float) -> tuple[int, int]:
        planes = View(mirror, 2.0, pan_x, pan_y).of(ramp_matte(), Pool()).frame.planes
        return int(planes.y[90, 160]), int(planes.v[45, 80])

    to_the_right = middle(1.0, 0.0)[0] - middle(0.0, 0.0)[0]
    assert abs(to_the_right - (-64 if mirror else 64)) <= 3
    assert abs(middle(0.0, 1.0)[1] - middle(0.0, 0.0)[1] - 64) <= 3


def test_the_matte_is_not_written_to() -> None:
    matte = ramp_matte()
    copies = [plane.copy() for plane in (*matte.frame.planes, matte.alpha)]
    View(True, 1.5, 0.2, 0.3).of(matte, Pool())
    for plane, copy in zip((*matte.frame.planes, matte.alpha), copies, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_the_frame_keeps_its_place_in_time() -> None:
    matte = ramp_matte()
    frame = View(True, 2.0).of(matte, Pool()).frame
    assert replace(frame, planes=matte.frame.planes) == matte.frame
