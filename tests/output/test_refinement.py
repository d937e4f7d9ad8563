"""Outlines that follow the picture, and stay put where it says nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.frame import Float32, Planes, UInt8
from realtime.output.compositing import Blender
from realtime.output.coverage import coverage_curve
from realtime.output.refinement import fit

Float64 = NDArray[np.float64]

HEIGHT, WIDTH = 360, 640
SMALL = (90, 160)
CURVE = coverage_curve(4)


def disc(radius: float, height: int, width: int) -> Float32:
    """A disc in the middle, its radius a share of the height, one pixel soft."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32) + 0.5
    distance = np.hypot(rows - height / 2, columns - width / 2)
    return np.asarray(np.clip(radius * height - distance + 0.5, 0, 1), np.float32)


def picture(inside: int, outside: int, texture: int = 0) -> Planes:
    planes = Planes.empty(HEIGHT, WIDTH)
    alpha = disc(0.3, HEIGHT, WIDTH)
    luma = alpha * inside + (1 - alpha) * outside
    luma = luma + np.random.default_rng(0).normal(0, texture, luma.shape)
    planes.y[:] = np.clip(np.rint(luma), 0, 255)
    planes.u.fill(128)
    planes.v.fill(128)
    return planes


def coverage(planes: Planes, alpha: Float32, *, refine: bool = True) -> UInt8:
    return Blender().cut_out(planes, alpha, full_range=False, refine=refine)[1]


def error(found: UInt8) -> float:
    return float(np.abs(found / 255 - disc(0.3, HEIGHT, WIDTH)).mean())


@pytest.mark.parametrize("radius", [0.285, 0.3, 0.318])
@pytest.mark.parametrize(("inside", "outside"), [(40, 230), (200, 60)])
def test_a_mask_too_wide_or_too_narrow_comes_to_the_outline(
    radius: float, inside: int, outside: int
) -> None:
    planes, alpha = picture(inside, outside, texture=3), disc(radius, *SMALL)
    plain, refined = (error(coverage(planes, alpha, refine=refine)) for refine in (False, True))
    assert refined < 0.75 * plain


def test_a_picture_without_an_outline_leaves_the_mask_as_it_was() -> None:
    planes, alpha = picture(120, 120), disc(0.3, *SMALL)
    plain, refined = (coverage(planes, alpha, refine=refine) for refine in (False, True))
    moved = np.abs((refined > 127).astype(int) - (plain > 127))
    assert moved.mean() < 0.002
    # Nor does a glow come of it.
    soft, refined_soft = (((a > 0) & (a < 255)).mean() for a in (plain, refined))
    assert refined_soft < 1.5 * soft


@pytest.mark.parametrize("texture", [10, 60])
def test_nothing_changes_away_from_the_outline(texture: int) -> None:
    """No hole opens inside and nothing turns up outside, whatever the picture is like."""
    planes, alpha = picture(60, 180, texture=texture), disc(0.3, *SMALL)
    found = coverage(planes, alpha)
    # Two of the fit's pixels, each eight of the picture's.
    margin = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (33, 33))
    truth = (disc(0.3, HEIGHT, WIDTH) > 0.5).astype(np.uint8)
    assert found[cv2.erode(truth, margin) > 0].min() == 255
    assert found[cv2.dilate(truth, margin) == 0].max() == 0


def test_the_fit_is_the_guided_filters_with_what_luma_does_not_tell_put_back() -> None:
    """Against the formulas in double precision, where it is used."""
    random = np.random.default_rng(1)
    luma = random.integers(0, 256, SMALL, np.uint8)
    alpha = np.asarray(cv2.GaussianBlur(disc(0.3, *SMALL), (0, 0), 3), np.float32)
    # Each of the network's pixels for one of the fit's.
    found = fit(luma, np.repeat(np.repeat(alpha, 2, 0), 2, 1), CURVE)

    def mean(values: Float64) -> Float64:
        return np.asarray(cv2.blur(values, (3, 3)))

    y, p = luma.astype(np.float64), np.rint(alpha * 255).astype(np.float64)
    both = mean(y * p) - mean(y) * mean(p)
    steep = both / (mean(y * y) - mean(y) ** 2 + 65)
    untold = 1 - steep * both / (mean(p * p) - mean(p) ** 2 + 4)
    slope, offset = mean(steep), mean(mean(p) - steep * mean(y))
    offset += untold**2 * (p - slope * y - offset)
    unsure = found.kind == 128
    assert 0.02 < unsure.mean() < 0.5
    np.testing.assert_allclose(found.slope[unsure], slope[unsure], atol=2e-4)
    np.testing.assert_allclose(found.offset[unsure], offset[unsure], atol=2e-2)


def test_where_alpha_is_sure_the_fit_says_so_whatever_the_luma() -> None:
    luma = np.random.default_rng(1).integers(0, 256, SMALL, np.uint8)
    found = fit(luma, disc(0.3, *SMALL), CURVE)
    sure = found.kind != 128
    assert (found.slope[sure] == 0).all()
    np.testing.assert_array_equal(found.offset[sure], found.kind[sure])
    assert set(np.unique(found.kind)) == {0, 128, 255}


def test_an_alpha_as_fine_as_the_picture_stays_as_it_is() -> None:
    planes, alpha = picture(60, 180, texture=20), disc(0.3, HEIGHT, WIDTH)
    plain, refined = (coverage(planes, alpha, refine=refine) for refine in (False, True))
    np.testing.assert_array_equal(refined, plain)
