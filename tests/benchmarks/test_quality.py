"""Measures of smoothing against values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.page import HardPicture
from benchmarks.quality import arrival_lag, networks, warp_error, write_sheet
from realtime.frame import Float32, UInt8


def _row(*values: float) -> Float32:
    return np.array([values], np.float32)


def test_lag_counts_the_frames_until_a_pixel_that_jumped_has_arrived() -> None:
    # Pixel 0 jumps at frame 1 and arrives there, pixel 1 jumps too and arrives two frames later,
    # pixel 2 rises too slowly to count, pixel 3 never moves.
    raw = [_row(0, 0, 0, 1), _row(1, 1, 0.5, 1), _row(1, 1, 1, 1), _row(1, 1, 1, 1)]
    smoothed = [_row(0, 0, 0, 1), _row(0.9, 0.3, 0.2, 1), _row(1, 0.8, 0.6, 1), _row(1, 1, 1, 1)]
    lag = arrival_lag(raw, smoothed)
    assert lag == {"pixels": 2, "mean_frames": 1.0, "later_than_one_frame": 0.5}


def test_a_pixel_that_never_arrives_counts_until_the_end() -> None:
    raw = [_row(0), _row(1), _row(1), _row(1)]
    assert arrival_lag(raw, [_row(0)] * 4) == {
        "pixels": 1,
        "mean_frames": 3.0,
        "later_than_one_frame": 1.0,
    }


def test_nothing_that_jumps_has_no_lag() -> None:
    assert arrival_lag([_row(1)] * 3, [_row(1)] * 3)["pixels"] == 0


def _scene(shift: int) -> tuple[UInt8, Float32]:
    """Structured noise, and a matte that lies on it; both moved."""
    noise = np.random.default_rng(0).integers(0, 256, (96, 160), np.uint8)
    moved = np.roll(noise, shift, 1)
    alpha = np.zeros((96, 160), np.float32)
    alpha[30:70, 50 + shift : 110 + shift] = 1
    return np.repeat(moved[..., None], 3, 2), alpha


def test_a_matte_that_moves_with_the_picture_does_not_flicker() -> None:
    frames, alphas = zip(*(_scene(shift) for shift in range(4)), strict=True)
    assert warp_error(frames, alphas) < 5


@pytest.mark.parametrize("amount", [0.1, 0.3])
def test_a_matte_that_flickers_is_measured(amount: float) -> None:
    frame, _ = _scene(0)
    alphas = [np.full((96, 160), 0.5 + amount * (i % 2), np.float32) for i in range(4)]
    assert warp_error([frame] * 4, alphas) == pytest.approx(1000 * amount, rel=0.01)


def test_where_nothing_can_be_followed_there_is_no_flicker_to_tell() -> None:
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(3)]
    assert not np.isnan(warp_error(frames, [np.zeros((32, 32), np.float32)] * 3))


def test_further_networks_are_measured_by_their_path(tmp_path: Path) -> None:
    with networks(None, [tmp_path / "mine.onnx"]) as found:
        assert found["mine"] == str(tmp_path / "mine.onnx")
        assert {"fast", "quality"} <= found.keys()


def test_only_what_may_be_published_is_on_the_sheet(tmp_path: Path) -> None:
    def hard(level: int, *, publishable: bool) -> HardPicture:
        image = np.full((240, 240, 3), level, np.uint8)
        return HardPicture("", image, {"fast": np.ones((240, 240), np.float32)}, publishable)

    path = tmp_path / "hard.jpg"
    write_sheet([hard(90, publishable=False)], path)
    assert not path.exists()
    write_sheet([hard(90, publishable=False), hard(200, publishable=True)], path)
    sheet = cv2.imread(str(path))
    assert sheet is not None
    assert sheet.shape == (24 + 240, 2 * 240, 3)
    assert abs(int(sheet[100, 100, 0]) - 200) < 5
