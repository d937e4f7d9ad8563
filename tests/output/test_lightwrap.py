"""Light from the background, near the outline and nowhere else."""

from __future__ import annotations

import numpy as np

from realtime.frame import Float32, Planes
from realtime.output.compositing import Blender
from realtime.output.lightwrap import LightWrap

SIZE = (360, 640)


def flat(y: int, u: int = 128, v: int = 128) -> Planes:
    planes = Planes.empty(*SIZE)
    for plane, value in zip(planes, (y, u, v), strict=True):
        plane.fill(value)
    return planes


def left_half() -> Float32:
    alpha: Float32 = np.zeros((90, 160), np.float32)
    alpha[:, :80] = 1
    return alpha


def lit(strength: float, background: Planes) -> Planes:
    return Blender()(flat(80), left_half(), background, light_wrap=strength)


def test_light_falls_off_from_the_outline_inwards() -> None:
    row = lit(1.0, flat(235)).y[180].astype(int)
    assert row[312] > 130
    assert (np.diff(row[:316]) >= 0).all()
    assert (row[:240] == 80).all()


def test_more_is_brighter_and_none_is_none() -> None:
    levels = [int(lit(strength, flat(235)).y[180, 310]) for strength in (0.0, 0.25, 0.5, 1.0)]
    assert levels[0] == 80
    assert levels == sorted(set(levels))


def test_a_black_background_gives_no_light() -> None:
    np.testing.assert_array_equal(lit(1.0, flat(16)).y[:, :310], 80)


def test_light_has_the_colour_of_the_background() -> None:
    result = lit(1.0, flat(180, 90, 200))
    assert result.u[90, 155] < 120
    assert result.v[90, 155] > 140
    assert set(result.u[90, :110]) | set(result.v[90, :110]) == {128}


def test_the_background_itself_stays() -> None:
    np.testing.assert_array_equal(lit(1.0, flat(200)).y[:, 330:], 200)


def test_the_same_planes_are_blurred_once() -> None:
    wrap, alpha = LightWrap(), np.full((90, 160), 128, np.uint8)
    background = flat(200)
    first = wrap(background, alpha, 1.0, full_range=False)
    background.y.fill(16)
    again = wrap(background, alpha, 1.0, full_range=False)
    np.testing.assert_array_equal(first.weight, again.weight)
    other = wrap(Planes(*background), alpha, 1.0, full_range=False)
    assert not other.weight.any()


def test_another_size_is_another_blur() -> None:
    wrap, background = LightWrap(), flat(200)
    for size in ((90, 160), (45, 80), (90, 160)):
        light = wrap(background, np.full(size, 128, np.uint8), 1.0, full_range=False)
        assert light.weight.shape == light.u.shape == light.v.shape == size
