"""Cuts, seeks and changes of size against a video that goes on."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.frame import UInt8
from realtime.inference.continuity import Continuity

_ROOM = np.full((36, 64), 100, np.uint8)


def test_the_first_picture_is_a_beginning() -> None:
    assert Continuity()(_ROOM, 5.0) is None


@pytest.mark.parametrize("fps", [10, 30, 120])
def test_a_video_goes_on_and_time_is_told(fps: int) -> None:
    continuity = Continuity()
    continuity(_ROOM, 0.0)
    assert continuity(_ROOM, 1 / fps) == 1 / fps
    assert continuity(_ROOM, 3 / fps) == pytest.approx(2 / fps)


@pytest.mark.parametrize(
    ("picture", "time"),
    [
        pytest.param(np.full_like(_ROOM, 200), 1 / 30, id="cut"),
        pytest.param(_ROOM, 10.0, id="seek forward"),
        pytest.param(_ROOM, -1.0, id="seek backward"),
        pytest.param(_ROOM, 0.0, id="same time"),
        pytest.param(np.full((40, 40), 100, np.uint8), 1 / 30, id="size"),
    ],
)
def test_a_new_beginning_is_noticed(picture: UInt8, time: float) -> None:
    continuity = Continuity()
    continuity(_ROOM, 0.0)
    assert continuity(picture, time) is None
    assert continuity(picture, time + 1 / 30) == pytest.approx(1 / 30)


def test_reset_makes_a_new_beginning() -> None:
    continuity = Continuity()
    continuity(_ROOM, 0.0)
    continuity.reset()
    assert continuity(_ROOM, 1 / 30) is None


def test_motion_is_no_cut() -> None:
    continuity = Continuity()
    for index in range(10):
        picture = np.full((36, 64), 60, np.uint8)
        picture[8:, 5 + 3 * index : 35 + 3 * index] = 180
        elapsed = continuity(picture, index / 30)
        assert (elapsed is None) == (index == 0)


def test_a_time_that_is_none_is_refused_and_forgotten() -> None:
    continuity = Continuity()
    continuity(_ROOM, 1.0)
    with pytest.raises(ValueError, match="finite"):
        continuity(_ROOM, float("nan"))
    assert continuity(_ROOM, 1.1) == pytest.approx(0.1)
