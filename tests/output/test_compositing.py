"""C = αF + (1 - α)B, against plain floating point."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from realtime.frame import Float32, Frame, Planes, UInt8
from realtime.output import Compositor
from realtime.output.backgrounds import Color, Transparent
from realtime.output.compositing import alpha_planes, blend, composite, coverage_curve, cut_out
from tests.media import gray_frame, matte_of


def random_planes(seed: int, width: int = 64, height: int = 48) -> Planes:
    random = np.random.default_rng(seed)
    half = (height // 2, width // 2)
    return Planes(
        random.integers(0, 256, (height, width), np.uint8),
        random.integers(0, 256, half, np.uint8),
        random.integers(0, 256, half, np.uint8),
    )


def test_blending_is_right_to_one_level_for_every_pair_and_alpha() -> None:
    levels: UInt8 = np.arange(256, dtype=np.uint8)
    foreground, background = np.meshgrid(levels, levels)
    for value in range(256):
        alpha = np.full_like(foreground, value)
        exact = (value * foreground.astype(float) + (255 - value) * background.astype(float)) / 255
        error = blend(foreground, background, alpha) - exact
        assert np.abs(error).max() <= 1.0


def test_the_ends_are_exact() -> None:
    levels: UInt8 = np.arange(256, dtype=np.uint8)
    foreground, background = np.meshgrid(levels, levels)
    nothing, all_ = np.zeros_like(foreground), np.full_like(foreground, 255)
    np.testing.assert_array_equal(blend(foreground, background, all_), foreground)
    np.testing.assert_array_equal(blend(foreground, background, nothing), background)


def test_blending_leaves_its_inputs_alone() -> None:
    foreground, background, luma = (random_planes(seed).y for seed in range(3))
    copies = foreground.copy(), background.copy(), luma.copy()
    blend(foreground, background, luma)
    for plane, copy in zip((foreground, background, luma), copies, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_rows_may_be_padded() -> None:
    """A decoder's planes are views into wider memory."""
    wide = random_planes(1, 96)
    foreground = Planes(wide.y[:, :64], wide.u[:, :32], wide.v[:, :32])
    background = random_planes(2)
    luma, chroma = alpha_planes(np.random.default_rng(3).random((12, 16), np.float32), 48, 64)
    whole = Planes(*(plane.copy() for plane in foreground))
    for padded, plain in zip(
        composite(foreground, background, luma, chroma),
        composite(whole, background, luma, chroma),
        strict=True,
    ):
        np.testing.assert_array_equal(padded, plain)


class TestAlphaPlanes:
    @pytest.mark.parametrize("scale", [1, 2, 10])
    @pytest.mark.parametrize("value", [0, 64, 128, 255])
    def test_a_flat_alpha_stays_flat(self, value: int, scale: int) -> None:
        alpha: Float32 = np.full((18, 32), value / 255, np.float32)
        luma, chroma = alpha_planes(alpha, 18 * scale, 32 * scale)
        expected = {int(coverage_curve(scale)[value])}
        assert set(np.unique(luma)) == expected
        assert set(np.unique(chroma)) == expected

    @pytest.mark.parametrize("size", [(90, 160), (48, 64), (8, 8), (180, 320), (1080, 1920)])
    def test_sizes_and_types(self, size: tuple[int, int]) -> None:
        alpha = np.random.default_rng(0).random((54, 96), np.float32)
        luma, chroma = alpha_planes(alpha, *size)
        assert luma.shape == size
        assert chroma.shape == (size[0] // 2, size[1] // 2)
        assert luma.dtype == chroma.dtype == np.uint8

    def test_chroma_covers_the_luma_it_belongs_to(self) -> None:
        alpha = np.random.default_rng(0).random((54, 96), np.float32)
        luma, chroma = alpha_planes(alpha, 108, 192)
        means = luma.reshape(54, 2, 96, 2).mean((1, 3))
        assert np.abs(chroma - means).max() <= 1

    def test_an_edge_stays_where_it_is_and_soft(self) -> None:
        alpha: Float32 = np.zeros((54, 96), np.float32)
        alpha[:, 48:] = 1
        luma, _ = alpha_planes(alpha, 540, 960)
        row = luma[270].astype(int)
        assert row[0] == 0
        assert row[-1] == 255
        assert (np.diff(row) >= 0).all()
        # Ten pixels of the picture are one of the alpha: the edge is narrower, but still soft.
        between = np.flatnonzero((row > 0) & (row < 255))
        assert 4 <= len(between) <= 8
        assert abs(between.mean() - 479.5) <= 0.5

    def test_a_whole_number_of_pixels_to_one_is_symmetric(self) -> None:
        """Shifted by half a pixel, an alpha would leave a rim on one side of a person."""
        alpha: Float32 = np.zeros((54, 96), np.float32)
        alpha[20:34, 30:66] = 1
        luma, chroma = alpha_planes(alpha, 216, 384)
        for plane in (luma, chroma):
            np.testing.assert_array_equal(plane, plane[::-1])
            np.testing.assert_array_equal(plane, plane[:, ::-1])


class TestCutOut:
    @pytest.mark.parametrize(("full_range", "darkest"), [(False, 16), (True, 0)])
    def test_the_room_is_gone_and_the_person_untouched(
        self, full_range: bool, darkest: int
    ) -> None:
        planes = random_planes(5)
        luma = random_planes(6).y
        luma[:10] = 0
        chroma = luma[::2, ::2].copy()
        cut = cut_out(planes, luma, chroma, full_range=full_range)
        for plane, original, alpha, black in zip(
            cut, planes, (luma, chroma, chroma), (darkest, 128, 128), strict=True
        ):
            assert set(plane[alpha == 0]) == {black}
            np.testing.assert_array_equal(plane[alpha > 0], original[alpha > 0])

    def test_the_picture_itself_is_not_written_to(self) -> None:
        planes = random_planes(5)
        copies = [plane.copy() for plane in planes]
        cut_out(
            planes,
            np.zeros((48, 64), np.uint8),
            np.zeros((24, 32), np.uint8),
            full_range=False,
        )
        for plane, copy in zip(planes, copies, strict=True):
            np.testing.assert_array_equal(plane, copy)


class TestCoverageCurve:
    @pytest.mark.parametrize("scale", [0.5, 1.0])
    def test_nothing_changes_where_nothing_is_enlarged(self, scale: float) -> None:
        np.testing.assert_array_equal(coverage_curve(scale), np.arange(256))

    @pytest.mark.parametrize("scale", [1.01, 2.0, 3.0, 7.5])
    def test_it_rises_from_none_to_all_and_favours_neither_side(self, scale: float) -> None:
        curve = coverage_curve(scale).astype(int)
        assert (curve[0], curve[255]) == (0, 255)
        assert (np.diff(curve) >= 0).all()
        assert np.abs(curve + curve[::-1] - 255).max() <= 1

    def test_it_is_steeper_the_larger_the_scale_up_to_a_point(self) -> None:
        slopes = [int(c[160]) - int(c[95]) for c in map(coverage_curve, (1, 1.5, 2, 3, 9))]
        assert slopes == sorted(slopes)
        assert slopes[0] < slopes[1] < slopes[2] < slopes[3] == slopes[4]


class TestCompositor:
    def frame(self) -> Frame:
        return Frame(random_planes(1), 7, 1234, Fraction(1, 1000), gray_frame(0).color)

    def test_a_frame_keeps_its_place_in_time(self) -> None:
        frame = self.frame()
        for background in (Color((0, 0, 0)), Transparent()):
            finished = Compositor(background)(matte_of(frame, 0.5))
            kept = (finished.index, finished.pts, finished.time_base, finished.color)
            assert kept == (frame.index, frame.pts, frame.time_base, frame.color)

    def test_alpha_one_shows_the_frame_and_zero_the_background(self) -> None:
        frame = self.frame()
        background = Color((200, 30, 60))
        behind = background.behind(matte_of(frame, 0.0))
        assert behind is not None
        for alpha, expected in ((1.0, frame.planes), (0.0, behind)):
            finished = Compositor(background)(matte_of(frame, alpha))
            assert finished.alpha is None
            for plane, other in zip(finished.planes, expected, strict=True):
                np.testing.assert_array_equal(plane, other)

    def test_nothing_behind_gives_an_alpha_of_the_frames_size(self) -> None:
        alpha: Float32 = np.zeros((12, 16), np.float32)
        alpha[:, 8:] = 1
        finished = Compositor(Transparent())(matte_of(self.frame(), alpha))
        assert finished.alpha is not None
        assert finished.alpha.shape == (48, 64)
        assert finished.alpha[:, 0].max() == 0
        assert finished.alpha[:, -1].min() == 255
        assert set(finished.planes.y[:, :16].ravel()) == {16}
