"""What is shown in place of a picture."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from realtime.frame import ColorTags, VideoFormat
from realtime.output.placeholder import Placeholder
from tests.media import gray_frame

SIZES = [(1280, 720), (640, 480), (64, 48), (1080, 1920), (16, 16)]


def _placeholder(size: tuple[int, int], *, full_range: bool = False) -> Placeholder:
    color = ColorTags(full_range=full_range)
    return Placeholder(VideoFormat(*size, Fraction(30), Fraction(1, 30), color))


@pytest.mark.parametrize("size", SIZES)
def test_a_card_has_the_outputs_size_and_something_on_it(size: tuple[int, int]) -> None:
    card = _placeholder(size).card("Camera paused")
    assert card.y.shape == (size[1], size[0])
    assert card.u.shape == card.v.shape == (size[1] // 2, size[0] // 2)
    assert (card.u == 128).all()
    assert (card.v == 128).all()
    assert len(np.unique(card.y)) > 1
    if min(size) >= 48:
        # Nothing runs out of the picture.
        for edge in (card.y[0], card.y[-1], card.y[:, 0], card.y[:, -1]):
            assert (edge == card.y[0, 0]).all()


def test_it_is_drawn_once() -> None:
    placeholder = _placeholder((640, 480))
    assert placeholder.card("Camera paused") is placeholder.card("Camera paused")
    assert placeholder.card("Camera paused") is not placeholder.card("Camera starting")


@pytest.mark.parametrize(("full_range", "black"), [(False, 16), (True, 0)])
def test_black_is_black(full_range: bool, black: int) -> None:
    planes = _placeholder((64, 48), full_range=full_range).black()
    assert (planes.y == black).all()
    assert (planes.u == 128).all()


def test_nothing_can_be_read_in_a_blur() -> None:
    """Large writing and a face-sized pattern leave no trace beyond their mean brightness."""
    frame = gray_frame(120, size=(1280, 720))
    cv2.putText(frame.planes.y, "SECRET", (60, 400), cv2.FONT_HERSHEY_SIMPLEX, 9, 255, 30)
    blurred = _placeholder((1280, 720)).blurred(frame).y
    assert blurred.shape == (720, 1280)
    # Steps between neighbours: writing has edges of 135, and strokes of 30 pixels.
    steps = np.abs(np.diff(blurred.astype(int), axis=1))
    assert steps.max() <= 3
    # What is left of the picture has no more than 9 × 16 independent values.
    small = cv2.resize(blurred, (16, 9), interpolation=cv2.INTER_AREA)
    again = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_CUBIC)
    assert np.abs(again.astype(int) - blurred).mean() < 4


def test_a_blur_keeps_where_it_is_light() -> None:
    frame = gray_frame(40, size=(640, 480))
    frame.planes.y[:, :320] = 200
    blurred = _placeholder((640, 480)).blurred(frame).y
    assert blurred[:, :200].mean() > 190
    assert blurred[:, -200:].mean() < 50
