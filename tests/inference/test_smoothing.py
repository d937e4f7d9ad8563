"""Temporal smoothing: who is held back, for how long, and when not."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.frame import Float32, UInt8
from realtime.inference.smoothing import Smoother, uncertainty

_ROOM = np.full((36, 64, 3), 100, np.uint8)


def _alpha(value: float) -> Float32:
    return np.full((36, 64), value, np.float32)


def test_uncertainty_is_that_of_the_source() -> None:
    # Values worked out from the published polynomial.
    values = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0], np.float32)
    expected = [0.0, 0.22, 0.52, 0.78, 1.0, 0.78, 0.22, 0.0]
    np.testing.assert_allclose(uncertainty(values), expected, atol=0.006)


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_sure_pixels_never_lag(sure: float) -> None:
    smoother = Smoother()
    smoother(_alpha(1 - sure), _ROOM, 0.0)
    np.testing.assert_allclose(smoother(_alpha(sure), _ROOM, 1 / 30), sure, atol=2e-3)


def test_unsure_pixels_stop_flickering() -> None:
    def flicker(smoother: Smoother | None) -> float:
        values = []
        for index in range(60):
            alpha = _alpha(0.5 + (0.1 if index % 2 else -0.1))
            values.append((smoother(alpha, _ROOM, index / 30) if smoother else alpha)[0, 0])
        return float(np.abs(np.diff(values[30:])).mean())

    assert flicker(Smoother()) < 0.4 * flicker(None)


@pytest.mark.parametrize("fps", [10, 30, 60, 120])
def test_the_result_does_not_depend_on_the_frame_rate(fps: int) -> None:
    smoother = Smoother()
    smoother(_alpha(1.0), _ROOM, 0.0)
    for index in range(1, fps // 5 + 1):
        result = smoother(_alpha(0.4), _ROOM, index / fps)
    # After 0.2 s at constant input p: p + (1 - p)·(0.9·u(p))^(0.2·30).
    kept = (0.9 * float(uncertainty(_alpha(0.4))[0, 0])) ** 6
    np.testing.assert_allclose(result, 0.4 + 0.6 * kept, rtol=1e-4)


def _after(change: str) -> Float32:
    """The alpha after a confident frame and then an unsure one, with something between."""
    smoother = Smoother()
    smoother(_alpha(1.0), _ROOM, 0.0)
    alpha, picture, time = _alpha(0.5), _ROOM, 1 / 30
    if change == "cut":
        picture = np.full_like(_ROOM, 200)
    elif change == "seek forward":
        time = 10.0
    elif change == "seek backward":
        time = -1.0
    elif change == "size":
        alpha, picture = np.full((40, 40), 0.5, np.float32), np.full((40, 40, 3), 100, np.uint8)
    elif change == "reset":
        smoother.reset()
    return smoother(alpha, picture, time)


@pytest.mark.parametrize("change", ["cut", "seek forward", "seek backward", "size", "reset"])
def test_a_new_beginning_forgets_the_past(change: str) -> None:
    np.testing.assert_array_equal(_after(change), 0.5)


def test_without_a_new_beginning_the_past_counts() -> None:
    assert _after("nothing").mean() > 0.9


def test_motion_is_no_cut() -> None:
    def scene(shift: int) -> UInt8:
        picture = np.full((36, 64, 3), 60, np.uint8)
        picture[8:, 10 + shift : 40 + shift] = 180
        return picture

    smoother = Smoother()
    smoother(_alpha(1.0), scene(0), 0.0)
    assert smoother(_alpha(0.5), scene(6), 1 / 30).mean() > 0.9
