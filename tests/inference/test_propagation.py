"""Moved alphas: where they lie, and what they must never show."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.frame import Float32, UInt8
from realtime.inference.propagation import Propagation

_SIZE = (108, 192)


def _texture(seed: int, shape: tuple[int, int] = _SIZE) -> UInt8:
    """Smooth noise with as much contrast as a well-lit picture has, which flow can follow."""
    noise = np.random.default_rng(seed).integers(0, 256, shape).astype(np.float64)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    smooth -= smooth.mean()
    levels: UInt8 = np.clip(127 + 47 / smooth.std() * smooth, 0, 255).astype(np.uint8)
    return levels


_ROOM, _BODY = _texture(1), _texture(2)


def _scene(left: int, top: int = 30, height: int = 70, width: int = 60) -> tuple[UInt8, Float32]:
    """A textured body before a textured room: luma and true alpha at the flow's size."""
    luma, alpha = _ROOM.copy(), np.zeros(_SIZE, np.float32)
    luma[top : top + height, left : left + width] = _BODY[:height, :width]
    alpha[top : top + height, left : left + width] = 1
    return luma, alpha


def _noisy(luma: NDArray[np.floating[Any]], seed: int) -> UInt8:
    """As a camera sees it."""
    noise = np.random.default_rng(seed).normal(0, 1, luma.shape)
    seen: UInt8 = np.clip(np.rint(luma + noise), 0, 255).astype(np.uint8)
    return seen


def _enlarged(alpha: Float32) -> Float32:
    """At the size of a network's alpha, which is not the flow's."""
    larger: Float32 = cv2.resize(alpha, (320, 176), interpolation=cv2.INTER_LINEAR)
    return larger


def test_a_picture_that_stands_still_keeps_its_alpha() -> None:
    luma, alpha = _scene(60)
    propagation = Propagation()
    propagation.remember(luma, _enlarged(alpha))
    moved = propagation(luma)
    assert moved is not None
    np.testing.assert_allclose(moved, _enlarged(alpha), atol=1e-3)


@pytest.mark.parametrize("shift", [-2, 1, 2])
def test_an_alpha_moves_with_the_body(shift: int) -> None:
    before, alpha = _scene(60)
    now, truth = _scene(60 + shift)
    propagation = Propagation()
    propagation.remember(before, _enlarged(alpha))
    moved = propagation(now)
    assert moved is not None
    assert moved.shape == (176, 320)
    assert moved.dtype == np.float32
    assert 0 <= moved.min() <= moved.max() <= 1 + 1e-6
    error = np.abs(moved - _enlarged(truth)).mean()
    assert error < 0.5 * np.abs(_enlarged(alpha) - _enlarged(truth)).mean()


def test_the_room_behind_whoever_leaves_is_not_shown() -> None:
    """Where the body was and no longer is, its old alpha would show the room."""
    before, alpha = _scene(60)
    now, truth = _scene(63)
    propagation = Propagation()
    propagation.remember(before, _enlarged(alpha))
    moved = propagation(now)
    stale = _enlarged(alpha)
    room = _enlarged(truth) < 0.01
    # Either the network has to look, or nearly nothing of the room shows.
    if moved is not None:
        assert moved[room].sum() < 0.3 * stale[room].sum()


@pytest.mark.parametrize("light", [1.0, 0.4, 0.2])
def test_not_in_the_dark_either(light: float) -> None:
    """There, the room and whoever is before it differ by few levels."""
    before, alpha = _scene(60)
    now, truth = _scene(64)
    propagation = Propagation()
    propagation.remember(_noisy(before * light, 1), _enlarged(alpha))
    moved = propagation(_noisy(now * light, 2))
    shown = 0 if moved is None else int(((moved > 0.5) & (_enlarged(truth) < 0.1)).sum())
    assert shown < 20


@pytest.mark.parametrize(
    ("body", "came", "axis", "by"),
    [
        (np.s_[:, :90], np.s_[:, :3], 1, 3),
        (np.s_[:, 102:], np.s_[:, -3:], 1, -3),
        (np.s_[:60], np.s_[:3], 0, 3),
        (np.s_[48:], np.s_[-3:], 0, -3),
    ],
    ids=["left", "right", "top", "bottom"],
)
def test_what_comes_in_at_a_border_is_background(body: Any, came: Any, axis: int, by: int) -> None:
    """Somebody close leans away from there, and the room behind is seen."""
    alpha = np.zeros(_SIZE, np.float32)
    alpha[body] = 1
    truth = np.roll(alpha, by, axis)
    truth[came] = 0
    propagation = Propagation()
    propagation.remember(np.where(alpha == 1, _BODY, _ROOM), _enlarged(alpha))
    moved = propagation(np.where(truth == 1, np.roll(_BODY, by, axis), _ROOM))
    if moved is not None:
        assert cv2.resize(moved, _SIZE[::-1], interpolation=cv2.INTER_AREA)[came].mean() < 0.1


def test_what_comes_in_is_background_though_it_looks_like_the_body() -> None:
    alpha = np.zeros(_SIZE, np.float32)
    alpha[:, :150] = 1
    now = np.roll(_BODY, 1, 1)
    now[:, 0] = now[:, 1]
    propagation = Propagation()
    propagation.remember(np.where(alpha == 1, _BODY, _ROOM), _enlarged(alpha))
    moved = propagation(np.where(np.roll(alpha, 1, 1) + (np.arange(192) == 0) > 0, now, _ROOM))
    assert moved is not None
    assert moved[:, 0].mean() < 0.2
    assert moved[:, 8:200].min() > 0.9


def test_a_body_that_jumps_is_for_the_network() -> None:
    before, alpha = _scene(30)
    now, _ = _scene(110)
    propagation = Propagation()
    propagation.remember(before, _enlarged(alpha))
    assert propagation(now) is None


def test_another_picture_is_for_the_network() -> None:
    before, alpha = _scene(60)
    propagation = Propagation()
    propagation.remember(before, _enlarged(alpha))
    assert propagation(_texture(9)) is None


def test_sudden_light_is_for_the_network() -> None:
    before, alpha = _scene(60)
    propagation = Propagation()
    propagation.remember(before, _enlarged(alpha))
    assert propagation(np.minimum(before.astype(int) + 60, 255).astype(np.uint8)) is None


def test_who_comes_in_is_not_shown_before_the_network_has_looked() -> None:
    empty = np.zeros((176, 320), np.float32)
    now, _ = _scene(120)
    propagation = Propagation()
    propagation.remember(_ROOM, empty)
    moved = propagation(now)
    assert moved is not None
    assert moved.max() == 0


def test_a_doubtful_spot_inside_the_body_stays_and_one_at_its_edge_goes() -> None:
    before, alpha = _scene(20, top=8, height=95, width=150)
    inside, edge = before.copy(), before.copy()
    inside[50:54, 90:94] = np.where(inside[50:54, 90:94] > 127, 0, 255)
    edge[50:54, 20:24] = np.where(edge[50:54, 20:24] > 127, 0, 255)
    propagation = Propagation()
    propagation.remember(before, alpha)
    kept = propagation(inside)
    assert kept is not None
    assert kept[51:53, 91:93].min() > 0.95
    propagation.remember(before, alpha)
    cut = propagation(edge)
    assert cut is not None
    assert cut[51:53, 21:23].max() < 0.05


def test_without_a_past_there_is_nothing_to_move() -> None:
    luma, alpha = _scene(60)
    propagation = Propagation()
    assert propagation(luma) is None
    propagation.remember(luma, alpha)
    assert propagation(np.ascontiguousarray(luma.T)) is None
    propagation.reset()
    assert propagation(luma) is None
