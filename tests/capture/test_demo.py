"""The moving photograph."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from realtime.capture.demo import DemoSource
from realtime.color import planes_to_rgb
from tests.media import drain


def test_it_moves_and_lights_change() -> None:
    with DemoSource(160, 90, Fraction(2), seconds=4) as source:
        pictures = [frame.planes.y.astype(int) for frame in drain(source)]
    for index, picture in enumerate(pictures):
        for other in pictures[:index]:
            assert np.abs(picture - other).mean() > 1


def test_neighbouring_frames_are_alike() -> None:
    """It moves as a person does: frames at 30 fps differ less than frames a second apart."""
    with DemoSource(160, 90, Fraction(30), seconds=1.1) as source:
        pictures = [frame.planes.y.astype(int) for frame in drain(source)]
    assert np.abs(pictures[1] - pictures[0]).mean() < np.abs(pictures[30] - pictures[0]).mean() / 4


@pytest.mark.parametrize("size", [(160, 90), (90, 160), (64, 64), (320, 40), (2, 2)])
def test_any_shape_is_filled(size: tuple[int, int]) -> None:
    with DemoSource(*size, seconds=0.1) as source:
        frame = source.read()
    assert frame is not None
    assert (frame.planes.width, frame.planes.height) == size
    rgb = planes_to_rgb(frame.planes, frame.color)
    # A border that the photograph does not reach would be black or a smear of one colour.
    for edge in (rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]):
        assert edge.max() > 20


@pytest.mark.parametrize(
    ("fps", "seconds", "frames"),
    [
        (Fraction(30), 2.0, 60),
        (Fraction(30000, 1001), 1.001, 30),
        (Fraction(25), 0.001, 1),
        (Fraction(15), 1 / 3, 5),
    ],
)
def test_rate_and_length(fps: Fraction, seconds: float, frames: int) -> None:
    with DemoSource(16, 16, fps, seconds) as source:
        delivered = drain(source)
        assert source.format.frame_rate == fps
    assert len(delivered) == frames
    assert [frame.pts * frame.time_base for frame in delivered] == [n / fps for n in range(frames)]


def test_without_a_length_it_does_not_announce_one() -> None:
    with DemoSource(16, 16) as source:
        assert source.format.frame_count is None
        assert source.read() is not None
