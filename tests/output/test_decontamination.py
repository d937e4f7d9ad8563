"""The room's colour leaves the outline; nothing else changes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.color import rgb_to_planes
from realtime.frame import Float32, Planes, UInt8
from realtime.output.backgrounds.still import read_image
from realtime.output.compositing import Blender
from tests.media import BT709
from tests.output import reference

SIZE = (360, 640)


def disc(softness: float = 6.0) -> Float32:
    """The alpha of a soft disc, at the size of the picture."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    distance = np.hypot(rows - 180, columns - 320)
    return np.asarray(np.clip((120 - distance) / softness + 0.5, 0, 1), np.float32)


def flat(*rgb: int) -> UInt8:
    return np.full((*SIZE, 3), rgb, np.uint8)


def over(foreground: UInt8, background: UInt8, alpha: Float32) -> Planes:
    share = alpha[..., None]
    return rgb_to_planes(
        np.rint(share * foreground + (1 - share) * background).astype(np.uint8), BT709
    )


def test_the_formula_is_that_of_the_paper() -> None:
    """F̂ + α(I - αF̂ - (1 - α)R̂) = αI + (1 - α)(F̂ + α(F̂ - R̂))."""
    seen, foreground, room, alpha = np.random.default_rng(0).random((4, 1000))
    paper = foreground + alpha * (seen - alpha * foreground - (1 - alpha) * room)
    mixture = foreground + alpha * (foreground - room)
    np.testing.assert_allclose(paper, alpha * seen + (1 - alpha) * mixture)


@pytest.mark.parametrize(
    ("room", "new"),
    [
        ((250, 250, 250), (10, 10, 10)),
        ((10, 30, 10), (240, 240, 240)),
        ((30, 60, 220), (0, 177, 64)),
    ],
)
def test_of_flat_colours_no_halo_remains(
    room: tuple[int, int, int], new: tuple[int, int, int]
) -> None:
    alpha, person = disc(), flat(120, 80, 60)
    seen, background = over(person, flat(*room), alpha), over(person, flat(*new), alpha * 0)
    expected = over(person, flat(*new), alpha)
    errors = []
    for decontaminate in (False, True):
        result = Blender()(seen, alpha, background, refine=False, decontaminate=decontaminate)
        band = (alpha > 0) & (alpha < 1)
        errors.append(np.abs(result.y.astype(int) - expected.y)[band].mean())
    assert errors[1] < 0.35 * errors[0]


def test_where_alpha_is_sure_nothing_changes() -> None:
    alpha = disc()
    seen = rgb_to_planes(np.random.default_rng(2).integers(0, 256, (*SIZE, 3), np.uint8), BT709)
    cut, coverage = Blender().cut_out(seen, alpha, full_range=False, refine=False)
    np.testing.assert_array_equal(cut.y[coverage == 255], seen.y[coverage == 255])


@pytest.mark.parametrize("value", [0.3, 0.5, 0.8])
def test_where_nobody_is_sure_of_anything_the_picture_stays(value: float) -> None:
    """A hand in motion, half transparent all over: better a halo than a wrong colour."""
    alpha: Float32 = np.full(SIZE, value, np.float32)
    smooth = cv2.GaussianBlur(
        np.random.default_rng(4).integers(0, 256, (*SIZE, 3), np.uint8), (0, 0), 40
    )
    seen = rgb_to_planes(smooth, BT709)
    cut, _ = Blender().cut_out(seen, alpha, full_range=False, refine=False)
    for plane, original in zip(cut, seen, strict=True):
        assert np.abs(plane.astype(int) - original).max() <= 6


def test_what_is_sent_out_with_alpha_is_the_foregrounds_own_colour() -> None:
    alpha, person = disc(), flat(120, 80, 60)
    seen = over(person, flat(250, 250, 250), alpha)
    cut, coverage = Blender().cut_out(seen, alpha, full_range=False, refine=False)
    own = int(rgb_to_planes(person, BT709).y[0, 0])
    band = (coverage > 25) & (coverage < 230)
    after, before = (np.abs(p.y[band].astype(int) - own).mean() for p in (cut, seen))
    assert before > 50
    assert after < 0.25 * before


@pytest.mark.parametrize("clip", ["brbk7n", "swiz3n"])
def test_of_real_heads_the_error_in_the_band_is_less_than_half(shared: Path, clip: str) -> None:
    """Known foreground, alpha and room: what was before a room goes before black, and white."""
    folder = shared / "data" / "val_clips" / clip
    foreground, levels = read_image(folder / "0000.jpg"), read_image(folder / "0000.png")
    assert foreground is not None
    assert levels is not None
    alpha: Float32 = np.asarray(levels[..., 0] / 255, np.float32)
    rows, columns = (size // 2 * 2 for size in alpha.shape)
    foreground, alpha = foreground[:rows, :columns], alpha[:rows, :columns]
    # A bright window on one side, a dark wall on the other.
    room = np.zeros_like(foreground)
    room[:, : columns // 2], room[:, columns // 2 :] = (250, 245, 230), (40, 30, 35)
    share = alpha[..., None]
    seen = rgb_to_planes(np.rint(share * foreground + (1 - share) * room).astype(np.uint8), BT709)
    for new in (16, 235):
        behind = Planes.empty(rows, columns)
        behind.y.fill(new)
        behind.u.fill(128)
        behind.v.fill(128)
        own = rgb_to_planes(np.ascontiguousarray(foreground), BT709)
        expected = reference.composite(own, alpha, behind, refine=False, decontaminate=False)
        errors = []
        for decontaminate in (False, True):
            result = Blender()(seen, alpha, behind, refine=False, decontaminate=decontaminate)
            band = (alpha > 0) & (alpha < 1)
            errors.append(np.abs(result.y.astype(int) - expected.y)[band].mean())
        assert errors[1] < 0.5 * errors[0], errors
