"""The blurred room, against plain floating point."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.frame import ColorTags, Float32, Matte, Planes
from realtime.output.backgrounds import Blur
from tests.floating import halvings_of, random_frame, resized, scaled, waves

Float64 = NDArray[np.float64]

SIZES = [(320, 180), (640, 360), (360, 640), (854, 480)]
NETWORK = (112, 64)

# Stands in for the room where none is in sight.
EPSILON = 1e-3

# Levels of 255. What was blurred is rounded, by up to a half. Then OpenCV enlarges it in fixed
# point, which takes up to 3/4 more. So does making the copy small, of which a blur leaves 1/8;
# and each halving on the way rounds halves up, 1/8 in the mean and hardly twice that after a blur.
ROUNDED = 1.5


def small_size(size: tuple[int, int], strength: float) -> tuple[int, int]:
    """(width, height) of the copy on which the blur is 3 pixels wide, or half the size."""
    scale = min(0.5, 3 / (strength / 100 * size[1]))
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def gaussian(plane: Float64, sigma: float) -> Float64:
    """Four sigmas to either side; what is beyond the border mirrors what is within."""
    reach = round(4 * sigma)
    weights = np.exp(-np.square(np.arange(-reach, reach + 1) / sigma) / 2)
    for _ in range(2):
        far = np.pad(plane, ((reach, reach), (0, 0)), mode="reflect")
        parts = (w * far[i : i + len(plane)] for i, w in enumerate(weights / weights.sum()))
        plane = sum(parts, np.zeros(plane.shape)).T
    return plane


def weight(alpha: Float64) -> Float64:
    """Of a pixel that is so much person, for the room."""
    return np.maximum(1 - 2 * alpha, EPSILON * (1 - alpha))


def blurred(plane: Float64, room: Float64, sigma: float) -> Float64:
    """blur(w·I) / blur(w), and the mean of the room where that says nothing."""
    mean = (room * plane).sum() / room.sum()
    seen: Float64 = gaussian(room * plane, sigma) + EPSILON * mean
    return seen / (gaussian(room, sigma) + EPSILON)


def person(size: tuple[int, int]) -> Float32:
    """An alpha of a (width, height): a third is person, and an outline around."""
    levels = waves(np.random.default_rng(1), size[::-1], (0, 255), 2)
    return np.clip(levels / 255 * 12 - 6.7, 0, 1).astype(np.float32)


def behind(matte: Matte, strength: float) -> Planes:
    planes = Blur(strength).behind(matte)
    assert planes is not None
    return planes


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("strength", "exact"),
    [(1, True), (3, True), (10, True), (50, True), (1, False), (3, False), (10, False)],
)
def test_it_is_a_mean_of_the_room(size: tuple[int, int], strength: float, exact: bool) -> None:
    """Alphas of the small copy's size that have eight bits already are not rounded any more.

    Others are, and count little as long as half of what is around is room. Where next to none is,
    what they are rounded by is as much as what is left of it, and no bound is worth the name.
    """
    small = small_size(size, strength)
    alpha = person(small if exact else NETWORK)
    if exact:
        alpha = (np.rint(alpha * 255) / 255).astype(np.float32)
    frame = random_frame(size, ColorTags(), most=6)
    sigma = strength / 100 * small[1]
    near = np.pad(resized(alpha.astype(np.float64), small), 1, mode="edge")
    rows, columns = small[::-1]
    parts = [near[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    room = weight(np.max(parts, axis=0))
    share = gaussian(room, sigma)
    for found, plane in zip(behind(Matte(frame, alpha), strength), frame.planes, strict=True):
        whole = plane.shape[::-1]
        there = blurred(scaled(plane, small), room, sigma)
        error = found - resized(there, whole)
        told = error[resized(share, whole) >= (0 if exact else 0.5)]
        assert told.size > error.size / 20
        halvings = halvings_of(plane, small)
        assert np.abs(told).max() < ROUNDED + halvings / 4
        assert abs(told.mean()) < 0.5 + halvings / 8
        assert np.abs(told).mean() < 0.6 + halvings / 8


@pytest.mark.parametrize(("strength", "bound"), [(1, 4.5), (3, 8)])
@pytest.mark.parametrize("size", SIZES)
def test_no_person_bleeds_into_it(size: tuple[int, int], strength: float, bound: float) -> None:
    """Where a room is seen, it is as blurred at full size, whatever the people look like.

    The small copy leaves out a pixel of its own around them, mirrors at the border by such pixels,
    and is enlarged in straight lines: there, both are some levels apart.
    """
    alpha, room = person(NETWORK), random_frame(size, ColorTags(), most=2)
    alphas = [resized(alpha.astype(np.float64), plane.shape[::-1]) for plane in room.planes]
    seen = []
    for level in (0, 255):
        people = (
            np.where(there < 0.5, plane, np.uint8(level))
            for plane, there in zip(room.planes, alphas, strict=True)
        )
        frame = replace(room, planes=Planes(*people))
        found = behind(Matte(frame, alpha), strength)
        seen.append([plane[there == 0] for plane, there in zip(found, alphas, strict=True)])
        for values, plane, there in zip(seen[-1], frame.planes, alphas, strict=True):
            sigma, pixels = strength / 100 * len(plane), plane.astype(np.float64)
            error = values - blurred(pixels, weight(there), sigma)[there == 0]
            assert np.abs(error).max() < bound
            assert np.abs(error).mean() < 0.85
            assert abs(error.mean()) < 0.4
            # With the people in it, it would not be.
            assert np.abs(values - gaussian(pixels, sigma)[there == 0]).max() > bound
    for once, again in zip(*seen, strict=True):
        assert cv2.absdiff(once, again).max() <= 1


@pytest.mark.parametrize("period", [3, 5.4, 11])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_fine_stripes_become_a_grey_that_stands_still(size: tuple[int, int], period: float) -> None:
    """Those of a blind, half of them black and half white, and a camera that moves by a pixel."""
    frame, nobody = random_frame(size, ColorTags()), np.zeros(NETWORK[::-1], np.float32)
    seen = []
    for shift in (0, 1):
        bright = (np.arange(size[0]) + shift) / period % 1 < 0.5
        luma = np.tile(np.where(bright, 235, 16).astype(np.uint8), (size[1], 1))
        striped = replace(frame, planes=frame.planes._replace(y=luma))
        seen.append(behind(Matte(striped, nobody), 3).y)
    assert np.abs(seen[0] - luma.mean()).max() <= 16
    assert cv2.absdiff(*seen).max() <= 8


@pytest.mark.parametrize("strength", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_a_room_without_people_keeps_its_mean(size: tuple[int, int], strength: float) -> None:
    """What OpenCV cuts off twice is up to a quarter of a level; the border adds the rest."""
    frame = random_frame(size, ColorTags(), most=6)
    nobody = np.zeros(NETWORK[::-1], np.float32)
    for found, plane in zip(behind(Matte(frame, nobody), strength), frame.planes, strict=True):
        assert abs(found.mean() - plane.mean()) < 0.4
