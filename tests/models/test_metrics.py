"""Every metric against values worked out by hand."""

import math

import cv2
import numpy as np
import pytest

from models import metrics


def square(*values: float, side: int = 2) -> metrics.Alpha:
    return np.array(values, np.float32).reshape(side, -1)


def test_mad_and_mse() -> None:
    alpha, truth = square(0, 1, 0.5, 0.25), square(0, 0, 0.5, 0.75)
    assert metrics.mad(alpha, truth) == pytest.approx(1000 * 1.5 / 4)
    assert metrics.mse(alpha, truth) == pytest.approx(1000 * 1.25 / 4)


def test_overlap() -> None:
    found = metrics.overlap(square(1, 1, 0.5, 0.49), square(1, 0, 1, 1))
    # found: 3 pixels, real: 3, both: 2
    assert found.iou == pytest.approx(2 / 4)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(4 / 6)


def test_overlap_of_nothing() -> None:
    empty, full = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
    assert metrics.overlap(empty, empty) == metrics.Overlap(1, 1, 1, 1)
    assert metrics.overlap(empty, full) == metrics.Overlap(0, 0, 0, 0)
    assert metrics.overlap(full, empty) == metrics.Overlap(0, 0, 0, 0)


def test_gradient_kernel_is_nine_wide_and_of_unit_norm() -> None:
    kernel = metrics._gaussian_derivative()
    assert kernel.shape == (9, 9)
    assert (kernel**2).sum() == pytest.approx(1)
    assert kernel.sum() == pytest.approx(0, abs=1e-12)


def test_gradient_error_of_a_step() -> None:
    truth = np.zeros((20, 30), np.float32)
    alpha = truth.copy()
    alpha[:, 15:] = 1
    # along a row, the response to a step is the kernel's column sums added up
    columns = metrics._gaussian_derivative().sum(axis=0)
    responses = [columns[k:].sum() for k in range(9)] + [0.0]
    expected = 20 * sum(r**2 for r in responses) / 1000
    assert metrics.gradient_error(alpha, truth) == pytest.approx(expected)
    assert metrics.gradient_error(alpha, alpha) == 0


def test_connectivity_error_of_a_lost_island() -> None:
    truth = np.zeros((5, 9), np.float32)
    truth[1:4, 1:4] = 1  # nine pixels, the largest component
    alpha = truth.copy()
    alpha[2, 7] = 1  # one pixel that is not connected: l = 0, d = 1, φα = 0, φt = 1
    assert metrics.connectivity_error(alpha, truth) == pytest.approx(1 / 1000)
    assert metrics.connectivity_error(truth, truth) == 0


def test_connectivity_error_of_a_faint_part() -> None:
    truth = np.ones((2, 4), np.float32)
    alpha = truth.copy()
    alpha[0, 0] = 0.55
    # in the component up to .5: d = .05 counts as connected, the truth's d = .5 does not
    assert metrics.connectivity_error(alpha, truth) == pytest.approx(0.5 / 1000)


def test_dtssd() -> None:
    still = [np.zeros((2, 2), np.float32)] * 3
    blink = [still[0], np.full((2, 2), 0.5, np.float32), still[0]]
    assert metrics.dtssd(blink, still) == pytest.approx(50)
    assert metrics.dtssd(blink, blink) == 0
    with pytest.raises(ValueError, match="two frames"):
        metrics.dtssd(still[:1], still[:1])


def test_flicker_is_told_frame_by_frame() -> None:
    still = [np.zeros((2, 2), np.float32)] * 3
    blink = [still[0], np.full((2, 2), 0.5, np.float32), np.full((2, 2), 0.5, np.float32)]
    assert metrics.flicker(blink, still) == pytest.approx([50, 0])


def test_a_faint_step_is_a_whole_one_when_stretched() -> None:
    truth = np.zeros((20, 30), np.float32)
    truth[:, 15:] = 1
    faint = truth * np.float32(0.2) + np.float32(0.1)
    assert metrics.gradient_error(faint, truth) > 0
    assert metrics.gradient_error(faint, truth, stretched=True) == pytest.approx(0, abs=1e-9)


def test_boundary_f_within_and_beyond_the_tolerance() -> None:
    truth = np.zeros((100, 100), np.float32)
    truth[:, 50:] = 1  # tolerance: ceil(.008 · 141.4) = 2 pixels
    assert math.ceil(0.008 * math.hypot(100, 100)) == 2
    near, far = np.zeros_like(truth), np.zeros_like(truth)
    near[:, 52:] = 1
    far[:, 53:] = 1
    assert metrics.boundary_f(near, truth) == 1
    assert metrics.boundary_f(far, truth) == 0
    assert metrics.boundary_f(np.zeros_like(truth), truth) == 0
    assert metrics.boundary_f(np.zeros_like(truth), np.zeros_like(truth)) == 1


def test_metrics_do_not_normalise_a_faint_matte() -> None:
    faint = np.zeros((64, 64), np.float32)
    cv2.circle(faint, (32, 32), 10, 0.2, -1)
    assert metrics.overlap(faint, np.zeros_like(faint)).iou == 1
