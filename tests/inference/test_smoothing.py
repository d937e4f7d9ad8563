"""Temporal smoothing: who is held back, and for how long."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.frame import Float32
from realtime.inference.smoothing import Smoother, uncertainty


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
    smoother(_alpha(1 - sure), None)
    np.testing.assert_allclose(smoother(_alpha(sure), 1 / 30), sure, atol=2e-3)


def test_unsure_pixels_stop_flickering() -> None:
    def flicker(smoother: Smoother | None) -> float:
        values = []
        for index in range(60):
            alpha = _alpha(0.5 + (0.1 if index % 2 else -0.1))
            elapsed = 1 / 30 if index else None
            values.append((smoother(alpha, elapsed) if smoother else alpha)[0, 0])
        return float(np.abs(np.diff(values[30:])).mean())

    assert flicker(Smoother()) < 0.4 * flicker(None)


@pytest.mark.parametrize("fps", [10, 30, 60, 120])
def test_the_result_does_not_depend_on_the_frame_rate(fps: int) -> None:
    smoother = Smoother()
    smoother(_alpha(1.0), None)
    for _ in range(fps // 5):
        result = smoother(_alpha(0.4), 1 / fps)
    # After 0.2 s at constant input p: p + (1 - p)·(0.9·u(p))^(0.2·30).
    kept = (0.9 * float(uncertainty(_alpha(0.4))[0, 0])) ** 6
    np.testing.assert_allclose(result, 0.4 + 0.6 * kept, rtol=1e-4)


def test_a_new_beginning_forgets_the_past() -> None:
    smoother = Smoother()
    smoother(_alpha(1.0), None)
    np.testing.assert_array_equal(smoother(_alpha(0.5), None), 0.5)


def test_without_a_new_beginning_the_past_counts() -> None:
    smoother = Smoother()
    smoother(_alpha(1.0), None)
    assert smoother(_alpha(0.5), 1 / 30).mean() > 0.9


def test_a_new_beginning_may_have_another_size() -> None:
    smoother = Smoother()
    smoother(_alpha(1.0), None)
    assert smoother(np.full((4, 4), 0.5, np.float32), None).shape == (4, 4)
