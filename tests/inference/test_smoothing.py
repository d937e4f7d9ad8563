"""Temporal smoothing: what is held, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.frame import Float32, UInt8
from realtime.inference.smoothing import Smoother
from realtime.inference.thumbnail import Thumbnail


def _alpha(value: float) -> Float32:
    return np.full((72, 128), value, np.float32)


def _picture(y: UInt8 | int, u: int = 128) -> Thumbnail:
    return Thumbnail(*(np.broadcast_to(np.uint8(p), (36, 64)).copy() for p in (y, u, 128)))


STILL = _picture(100)


@pytest.mark.parametrize("moved", [_picture(140), _picture(100, u=168)], ids=["luma", "colour"])
def test_where_the_picture_moves_nothing_lags(moved: Thumbnail) -> None:
    smoother = Smoother()
    smoother(_alpha(0.2), STILL, None)
    np.testing.assert_allclose(smoother(_alpha(0.7), moved, 1 / 30), 0.7, atol=1e-6)


def test_each_part_of_the_picture_speaks_for_itself() -> None:
    smoother = Smoother()
    smoother(_alpha(0.5), STILL, None)
    luma = STILL.y.copy()
    luma[:, 32:] = 160
    found = smoother(_alpha(0.6), _picture(luma), 1 / 30)
    assert found[:, :60].max() < 0.53
    np.testing.assert_allclose(found[:, 68:], 0.6, atol=1e-6)


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_what_surely_came_or_went_never_lags(sure: float) -> None:
    smoother = Smoother()
    smoother(_alpha(1 - sure), STILL, None)
    np.testing.assert_allclose(smoother(_alpha(sure), STILL, 1 / 30), sure, atol=1e-6)


@pytest.mark.parametrize("noise", [0, 2])
@pytest.mark.parametrize("level", [0.15, 0.5, 0.85])
def test_where_the_picture_stands_still_alpha_stops_flickering(noise: int, level: float) -> None:
    random = np.random.default_rng(0)

    def flicker(smoother: Smoother | None) -> float:
        values = []
        for index in range(60):
            alpha = _alpha(level + (0.1 if index % 2 else -0.1))
            picture = _picture(np.rint(random.normal(100, noise, (36, 64))).astype(np.uint8))
            elapsed = 1 / 30 if index else None
            values.append((smoother(alpha, picture, elapsed) if smoother else alpha)[10, 10])
        return float(np.abs(np.diff(values[30:])).mean())

    assert flicker(Smoother()) < 0.3 * flicker(None)


@pytest.mark.parametrize("fps", [10, 30, 60, 120])
def test_the_result_does_not_depend_on_the_frame_rate(fps: int) -> None:
    smoother = Smoother()
    smoother(_alpha(0.6), STILL, None)
    for _ in range(fps // 5):
        result = smoother(_alpha(0.4), STILL, 1 / fps)
    # After 0.2 s at a constant p: p + (before - p)·0.8^(0.2·30), less what Δ⁴ takes off.
    np.testing.assert_allclose(result, 0.4 + 0.2 * 0.8**6, atol=1e-3)


def test_a_new_beginning_forgets_the_past() -> None:
    smoother = Smoother()
    smoother(_alpha(1.0), STILL, None)
    np.testing.assert_array_equal(smoother(_alpha(0.5), STILL, None), 0.5)


def test_a_new_beginning_may_have_another_size() -> None:
    smoother = Smoother()
    smoother(_alpha(1.0), STILL, None)
    small = np.full((4, 4), 0.5, np.float32)
    assert smoother(small, Thumbnail(*np.zeros((3, 8, 8), np.uint8)), None).shape == (4, 4)


def test_the_past_counts_for_an_alpha_of_another_size_too() -> None:
    smoother = Smoother()
    smoother(_alpha(0.4), STILL, None)
    found = smoother(np.full((36, 64), 0.6, np.float32), STILL, 1 / 30)
    np.testing.assert_allclose(found, 0.44, atol=1e-3)


def test_what_is_remembered_is_the_past() -> None:
    smoother = Smoother()
    smoother(_alpha(0.9), STILL, None)
    smoother.remember(_alpha(0.4), STILL)
    np.testing.assert_allclose(smoother(_alpha(0.6), STILL, 1 / 30), 0.44, atol=1e-3)
