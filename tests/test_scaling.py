"""Scaling and cropping."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.scaling import Shrinking, crop_to_aspect, shrink


@pytest.mark.parametrize("source", [(1920, 1080), (1366, 768), (640, 480), (1918, 1078), (100, 60)])
def test_shrinking_keeps_the_mean_and_gives_the_size(source: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, source[::-1], np.uint8)
    small = shrink(noise, (256, 144))
    assert small.shape == (144, 256)
    assert small.mean() == pytest.approx(noise.mean(), abs=3)


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (1918, 1078)])
def test_shrinking_by_much_does_not_alias(size: tuple[int, int]) -> None:
    """A half-tone of single pixels becomes an even grey."""
    stripes = np.zeros(size[::-1], np.uint8)
    stripes[::2, ::2] = 255
    stripes[1::2, 1::2] = 255
    small = shrink(stripes, (256, 144))
    # An odd factor leaves at most half a pixel's worth over.
    assert np.ptp(small) <= 255 / 4
    assert small.mean() == pytest.approx(127.5, abs=1)


@pytest.mark.parametrize("size", [(608, 352), (192, 288), (33, 7)])
@pytest.mark.parametrize("source", [(3840, 2160), (1366, 768), (333, 777), (100, 60), (1, 1)])
def test_matrices_shrink_likewise(source: tuple[int, int], size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, source[::-1], np.uint8)
    rows, columns = Shrinking.of(*source, size)
    np.testing.assert_allclose(rows.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(columns.sum(0), 1, rtol=1e-5)
    apart = np.abs(rows @ noise.astype(np.float32) @ columns - shrink(noise, size))
    # After each halving a level is rounded up at a half.
    assert apart.max() < 2.5
    assert apart.mean() < 1


def test_shrinking_keeps_things_in_place() -> None:
    ramp = np.tile(np.linspace(0, 250, 1920).astype(np.uint8), (1080, 1))
    small = shrink(ramp, (256, 144))
    expected = (np.arange(256) + 0.5) / 256 * 250
    assert np.abs(small[72] - expected).max() < 2


@pytest.mark.parametrize(
    ("shape", "aspect", "expected"),
    [
        ((100, 200), (1, 1), (100, 100)),
        ((100, 200), (4, 1), (50, 200)),
        ((90, 160, 3), (16, 9), (90, 160, 3)),
        ((1, 1000), (1, 1000), (1, 1)),
    ],
)
def test_cropping_keeps_the_largest_part_of_the_aspect(
    shape: tuple[int, ...], aspect: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert crop_to_aspect(np.zeros(shape, np.uint8), *aspect).shape == expected


def test_cropping_keeps_the_centre() -> None:
    picture = np.zeros((3, 9), np.uint8)
    picture[1, 4] = 1
    assert crop_to_aspect(picture, 1, 1)[1, 1] == 1
