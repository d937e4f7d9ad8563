"""C = αF + (1 - α)B, against plain floating point."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest

from realtime.frame import Float32, Frame, Planes, UInt8
from realtime.output.backgrounds import Color, Transparent
from realtime.output.buffers import Scratch
from realtime.output.compositing import Blender
from realtime.output.compositor import Compositor
from realtime.output.coverage import coverage_curve
from realtime.output.edge import mix
from tests.media import gray_frame, matte_of
from tests.output import reference


def random_planes(seed: int, width: int = 64, height: int = 48) -> Planes:
    random = np.random.default_rng(seed)
    half = (height // 2, width // 2)
    return Planes(
        random.integers(0, 256, (height, width), np.uint8),
        random.integers(0, 256, half, np.uint8),
        random.integers(0, 256, half, np.uint8),
    )


def blend(foreground: UInt8, background: UInt8, alpha: UInt8) -> UInt8:
    return mix(foreground, background, alpha, Scratch(), "result")


def test_blending_is_right_for_every_pair_and_alpha() -> None:
    levels: UInt8 = np.arange(256, dtype=np.uint8)
    foreground, background = np.meshgrid(levels, levels)
    for value in range(256):
        alpha = np.full_like(foreground, value)
        exact = (value * foreground.astype(float) + (255 - value) * background.astype(float)) / 255
        assert np.abs(blend(foreground, background, alpha) - exact).max() <= 0.5


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


SIZES = [(48, 64), (2, 2), (8, 8), (18, 320), (46, 130), (480, 854), (360, 640), (1080, 1920)]


def outline(height: int, width: int, seed: int = 0) -> Float32:
    """An alpha like a network's: a few soft blobs, most of it 0 or 1."""
    random = np.random.default_rng(seed)
    alpha: Float32 = np.zeros((height, width), np.float32)
    for _ in range(3):
        center = int(random.integers(width)), int(random.integers(height))
        axes = int(random.integers(2, width // 3)), int(random.integers(2, height // 2))
        cv2.ellipse(alpha, center, axes, 20, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), 1.2), np.float32)


def assert_close(planes: Planes, expected: Planes, levels: int = 1) -> None:
    for plane, other in zip(planes, expected, strict=True):
        assert np.abs(plane.astype(int) - other).max() <= levels


@pytest.mark.parametrize("alpha_size", [(27, 48), (176, 320)])
@pytest.mark.parametrize("size", SIZES)
class TestAgainstTheReference:
    """Tiles, gathering and scattering change nothing of what plain NumPy on all pixels gives."""

    def planes(self, size: tuple[int, int], seed: int) -> Planes:
        """Smooth pictures: a level more or less of alpha must not be amplified by noise."""
        return random_planes(seed, size[1], size[0])

    @pytest.mark.parametrize("decontaminate", [False, True])
    @pytest.mark.parametrize("refine", [False, True])
    @pytest.mark.parametrize("light_wrap", [0.0, 0.7])
    def test_of_a_composite(
        self,
        size: tuple[int, int],
        alpha_size: tuple[int, int],
        decontaminate: bool,
        refine: bool,
        light_wrap: float,
    ) -> None:
        foreground, background = self.planes(size, 1), self.planes(size, 2)
        alpha = outline(*alpha_size)
        options: dict[str, Any] = {
            "refine": refine,
            "decontaminate": decontaminate,
            "light_wrap": light_wrap,
        }
        expected = reference.composite(foreground, alpha, background, **options)
        result = Blender()(foreground, alpha, background, **options)
        assert_close(result, expected)

    def test_of_what_is_written_in_place(
        self, size: tuple[int, int], alpha_size: tuple[int, int]
    ) -> None:
        foreground, background = self.planes(size, 1), self.planes(size, 2)
        alpha = outline(*alpha_size)
        expected = Blender()(foreground, alpha, background)
        result = Blender()(foreground, alpha, background, in_place=True)
        assert result is background
        assert_close(result, expected, 0)

    @pytest.mark.parametrize("refine", [False, True])
    @pytest.mark.parametrize("decontaminate", [False, True])
    def test_of_a_cut_out(
        self, size: tuple[int, int], alpha_size: tuple[int, int], decontaminate: bool, refine: bool
    ) -> None:
        foreground, alpha = self.planes(size, 1), outline(*alpha_size)
        planes, coverage = Blender().cut_out(
            foreground, alpha, full_range=False, refine=refine, decontaminate=decontaminate
        )
        expected, luma = reference.cut_out(
            foreground, alpha, refine=refine, decontaminate=decontaminate
        )
        np.testing.assert_array_equal(coverage, luma)
        assert_close(planes, expected)


def test_nothing_is_written_to_that_is_not_ours() -> None:
    foreground, background = random_planes(1), random_planes(2)
    alpha = outline(27, 48)
    kept = [plane.copy() for plane in (*foreground, *background, alpha)]
    blender = Blender()
    blender(foreground, alpha, background, light_wrap=0.5)
    blender.cut_out(foreground, alpha, full_range=True)
    for plane, copy in zip((*foreground, *background, alpha), kept, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_rows_may_be_padded() -> None:
    """A decoder's planes are views into wider memory."""
    wide, wide_background = random_planes(1, 96), random_planes(2, 96)
    foreground = Planes(wide.y[:, :64], wide.u[:, :32], wide.v[:, :32])
    background = Planes(
        wide_background.y[:, 32:], wide_background.u[:, 16:], wide_background.v[:, 16:]
    )
    alpha = outline(12, 16)
    whole = [Planes(*(plane.copy() for plane in planes)) for planes in (foreground, background)]
    expected = Blender()(whole[0], alpha, whole[1])
    assert_close(Blender()(foreground, alpha, background), expected, 0)
    assert_close(Blender()(foreground, alpha, background, in_place=True), expected, 0)


def test_results_are_not_overwritten_while_somebody_holds_them() -> None:
    blender, background = Blender(), random_planes(9)
    results = [blender(random_planes(i), outline(12, 16, i), background) for i in range(12)]
    for index, result in enumerate(results):
        fresh = Blender()(random_planes(index), outline(12, 16, index), background)
        assert_close(result, fresh, 0)


@pytest.mark.parametrize("light_wrap", [0.0, 0.5])
@pytest.mark.parametrize("refine", [False, True])
def test_nobody_leaves_a_trace_on_a_background_that_does_not_move(
    refine: bool, light_wrap: float
) -> None:
    """Only what has changed is drawn anew: it has to look as if all was."""
    blender, behind = Blender(), [random_planes(seed, 480, 270) for seed in (20, 21)]
    held: list[Planes] = []
    for index in range(24):
        foreground = random_planes(index, 480, 270)
        alpha = np.roll(outline(27, 48, index), 5 * index, axis=1)
        if index % 7 == 6:
            alpha = np.zeros_like(alpha)
        background = behind[index // 12]
        options: dict[str, Any] = {"refine": refine, "light_wrap": light_wrap}
        result = blender(foreground, alpha, background, **options)
        assert_close(result, Blender()(foreground, alpha, background, **options), 0)
        held = [*held[-1:], result]


class TestAlpha:
    """What is made of the network's alpha, at the picture's size."""

    def of(self, alpha: Float32, height: int, width: int) -> UInt8:
        planes = random_planes(0, width, height)
        return Blender().cut_out(planes, alpha, full_range=False, refine=False)[1]

    @pytest.mark.parametrize("scale", [1, 2, 10])
    @pytest.mark.parametrize("value", [0, 64, 128, 255])
    def test_a_flat_alpha_stays_flat(self, value: int, scale: int) -> None:
        alpha: Float32 = np.full((18, 32), value / 255, np.float32)
        luma = self.of(alpha, 18 * scale, 32 * scale)
        assert set(np.unique(luma)) == {int(coverage_curve(scale)[value])}

    def test_an_edge_stays_where_it_is_and_soft(self) -> None:
        alpha: Float32 = np.zeros((54, 96), np.float32)
        alpha[:, 48:] = 1
        row = self.of(alpha, 540, 960)[270].astype(int)
        assert row[0] == 0
        assert row[-1] == 255
        assert (np.diff(row) >= 0).all()
        # Ten pixels of the picture are one of the alpha: the edge is narrower, but still soft.
        between = np.flatnonzero((row > 0) & (row < 255))
        assert 4 <= len(between) <= 12
        assert abs(between.mean() - 479.5) <= 0.5

    @pytest.mark.parametrize("scale", [1, 2, 4, 6, 8])
    def test_a_whole_number_of_pixels_to_one_is_symmetric(self, scale: int) -> None:
        """Shifted by half a pixel, an alpha would leave a rim on one side of a person."""
        alpha: Float32 = np.zeros((54, 96), np.float32)
        alpha[20:34, 30:66] = 1
        luma = self.of(alpha, 54 * scale, 96 * scale)
        np.testing.assert_array_equal(luma, luma[::-1])
        np.testing.assert_array_equal(luma, luma[:, ::-1])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 3), (1, 9), (4, 4)])
def test_an_alpha_of_a_few_pixels_is_composited_too(height: int, width: int) -> None:
    planes = gray_frame(200).planes
    result = Blender()(planes, np.zeros((height, width), np.float32), gray_frame(50).planes)
    assert (result.y == 50).all()


class TestCutOut:
    @pytest.mark.parametrize(("full_range", "darkest"), [(False, 16), (True, 0)])
    def test_the_room_is_gone_and_the_person_untouched(
        self, full_range: bool, darkest: int
    ) -> None:
        planes = random_planes(5, 320, 180)
        alpha: Float32 = np.zeros((45, 80), np.float32)
        alpha[:, 40:] = 1
        cut, coverage = Blender().cut_out(planes, alpha, full_range=full_range)
        assert (coverage == 0).any()
        assert (coverage == 255).any()
        assert set(cut.y[coverage == 0]) == {darkest}
        np.testing.assert_array_equal(cut.y[coverage == 255], planes.y[coverage == 255])
        for plane, original in ((cut.u, planes.u), (cut.v, planes.v)):
            assert set(plane[:, :70].ravel()) == {128}
            np.testing.assert_array_equal(plane[:, 90:], original[:, 90:])


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
