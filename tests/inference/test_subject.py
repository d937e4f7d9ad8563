"""Who stays in the picture, on drawn shapes and on real people."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.frame import Float32
from realtime.inference.subject import SubjectChoice
from realtime.output.backgrounds.still import read_image

WIDTH, HEIGHT = 320, 176
FPS = 30

Box = tuple[int, int, int, int]


def person(alpha: Float32, x: int, size: int) -> Box:
    """Draws a head and shoulders whose feet are below the picture: left, top, right, bottom."""
    top = HEIGHT - size
    cv2.circle(alpha, (x, top + size // 5), size // 5, 1.0, -1)
    cv2.ellipse(alpha, (x, HEIGHT), (size // 2, round(size * 0.62)), 0, 0, 360, 1.0, -1)
    return x - size // 2, top, x + size // 2, HEIGHT


def empty() -> Float32:
    return np.zeros((HEIGHT, WIDTH), np.float32)


def soft(alpha: Float32) -> Float32:
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), 1.5), np.float32)


def pair(left: int, right: int) -> Float32:
    """Two people of these sizes who do not touch."""
    alpha = empty()
    person(alpha, 80, left)
    person(alpha, 240, right)
    return soft(alpha)


def shown(alpha: Float32) -> str:
    """Who of a `pair` is in."""
    sides = {"left": alpha[:, :160], "right": alpha[:, 160:]}
    return "+".join(name for name, side in sides.items() if side.max() > 0.5)


def run(choice: SubjectChoice, alphas: list[Float32], start: float = 0.0) -> list[str]:
    """Whom a "largest" choice shows, frame after frame."""
    return [shown(choice(a, start + i / FPS, "largest")) for i, a in enumerate(alphas)]


def test_the_subject_stays_when_another_network_finds_it() -> None:
    """The second is larger, but not by enough to become the subject at once."""
    choice = SubjectChoice()
    alphas = [pair(100, 90), *[pair(90, 100)] * 3]
    smaller = [np.asarray(cv2.resize(alpha, (288, 160)), np.float32) for alpha in alphas[2:]]
    assert run(choice, alphas[:2]) == ["left"] * 2
    for index, alpha in enumerate(smaller):
        chosen = choice(alpha, (2 + index) / FPS, "largest")
        assert chosen[:, :144].max() > 0.5
        assert chosen[:, 144:].max() <= 0.5


def test_with_everyone_in_nothing_is_touched() -> None:
    alpha = pair(100, 30)
    assert SubjectChoice()(alpha, 0.0) is alpha


def test_one_person_alone_stays_as_they_are() -> None:
    alpha = empty()
    person(alpha, 160, 150)
    alpha = soft(alpha)
    for who in ("everyone", "largest"):
        np.testing.assert_array_equal(SubjectChoice()(alpha, 0.0, who, 0.9), alpha)


class TestLargest:
    def test_the_largest_stays_untouched_and_the_other_goes_without_a_trace(self) -> None:
        alpha = pair(140, 80)
        chosen = SubjectChoice()(alpha, 0.0, "largest")
        np.testing.assert_array_equal(chosen[:, :155], alpha[:, :155])
        assert chosen[:, 190:].max() == 0

    def test_two_of_about_the_same_size_do_not_take_turns(self) -> None:
        random = np.random.default_rng(0)
        sizes = [tuple(random.integers(106, 115, 2)) for _ in range(200)]
        alphas = [pair(118, 110), *(pair(int(a), int(b)) for a, b in sizes)]
        assert set(run(SubjectChoice(), alphas)) == {"left"}

    def test_who_is_clearly_larger_for_a_while_becomes_the_subject(self) -> None:
        choice = SubjectChoice()
        assert set(run(choice, [pair(120, 100)] * FPS)) == {"left"}
        seen = run(choice, [pair(90, 130)] * (2 * FPS), start=1.0)
        switch = seen.index("right")
        assert 0.9 * FPS <= switch <= 1.1 * FPS
        assert set(seen[switch:]) == {"right"}

    @pytest.mark.parametrize("fps", [10, 60])
    def test_the_while_is_in_seconds(self, fps: int) -> None:
        choice = SubjectChoice()
        choice(pair(120, 100), 0.0, "largest")
        seen = [shown(choice(pair(90, 130), index / fps, "largest")) for index in range(1, 3 * fps)]
        assert abs(seen.index("right") / fps - 1.0) <= 2 / fps

    def test_who_is_larger_for_a_moment_does_not(self) -> None:
        choice = SubjectChoice()
        moment = [pair(90, 130)] * (FPS // 2)
        alphas = ([pair(120, 100)] * 5 + moment) * 6
        assert set(run(choice, alphas)) == {"left"}

    def test_a_subject_that_is_missed_for_a_moment_is_not_replaced(self) -> None:
        alone = empty()
        person(alone, 240, 100)
        choice = SubjectChoice()
        seen = run(choice, [pair(120, 100)] * 3 + [soft(alone)] * 8 + [pair(120, 100)] * 3)
        assert seen == ["left"] * 3 + [""] * 8 + ["left"] * 3

    @pytest.mark.parametrize("away", [0, 3])
    def test_a_subject_who_is_alone_is_never_missed_however_far_they_moved(self, away: int) -> None:
        choice = SubjectChoice()
        for index, x in enumerate([60, 250, 70, 240]):
            alpha = empty()
            person(alpha, x, 100)
            alpha = soft(alpha)
            time = index * (1 + away) / FPS
            np.testing.assert_array_equal(choice(alpha, time, "largest"), alpha)
            for missed in range(away):
                assert choice(empty(), time + (1 + missed) / FPS, "largest").max() == 0

    def test_who_is_left_alone_for_long_is_never_missed_again(self) -> None:
        left, right = empty(), empty()
        person(left, 80, 120)
        person(right, 240, 100)
        alone = [soft(left)] * FPS + [soft(right), soft(left)]
        seen = run(SubjectChoice(), [pair(120, 100), *alone])
        assert seen[-3:] == ["left", "right", "left"]

    def test_a_lone_subject_is_remembered_while_the_network_misses_them(self) -> None:
        alone = empty()
        person(alone, 80, 90)
        alphas = [soft(alone), empty(), pair(90, 100)]
        assert run(SubjectChoice(), alphas) == ["left", "", "left"]

    def test_a_subject_that_left_is_replaced(self) -> None:
        alone = empty()
        person(alone, 240, 100)
        seen = run(SubjectChoice(), [pair(120, 100)] * 3 + [soft(alone)] * FPS)
        assert seen[-1] == "right"
        assert seen.index("right") >= FPS // 2

    def test_a_subject_that_walks_stays_the_subject(self) -> None:
        alphas = []
        for x in range(60, 180, 2):
            alpha = empty()
            person(alpha, x, 90)
            person(alpha, 280, 70)
            alphas.append(soft(alpha))
        choice = SubjectChoice()
        for index, alpha in enumerate(alphas):
            chosen = choice(alpha, index / FPS, "largest")
            assert chosen[:, 250:].max() <= 0.5
            assert chosen.max() > 0.9


class TestNothingOfTheSubjectIsDeleted:
    def with_bystander(self) -> Float32:
        alpha = empty()
        person(alpha, 130, 140)
        cv2.ellipse(alpha, (300, 60), (7, 20), 0, 0, 360, 1.0, -1)
        return alpha

    @pytest.mark.parametrize(
        "hand",
        [(30, 150), (230, 155), (130, 40), (45, 100), (222, 120), (70, 60)],
        ids=["low left", "low right", "before the face", "left", "right", "raised"],
    )
    @pytest.mark.parametrize("options", [("largest", 0.0), ("everyone", 0.5)])
    def test_a_detached_hand_stays(self, hand: tuple[int, int], options: tuple[str, float]) -> None:
        alpha = self.with_bystander()
        # A gap around the hand, where the network missed the arm.
        cv2.circle(alpha, hand, 16, 0.0, -1)
        cv2.circle(alpha, hand, 11, 1.0, -1)
        alpha = soft(alpha)
        who, smallest = options
        chosen = SubjectChoice()(alpha, 0.0, who, smallest)  # type: ignore[arg-type]
        box = np.s_[hand[1] - 10 : hand[1] + 10, hand[0] - 10 : hand[0] + 10]
        np.testing.assert_array_equal(chosen[box], alpha[box])
        assert chosen[:, 285:].max() == 0

    def test_a_part_that_a_dark_ring_encloses_stays(self) -> None:
        alpha = self.with_bystander()
        cv2.circle(alpha, (130, 120), 30, 0.0, 6)
        alpha = soft(alpha)
        chosen = SubjectChoice()(alpha, 0.0, "largest")
        np.testing.assert_array_equal(chosen[:, :250], alpha[:, :250])

    def test_a_hand_that_drifts_to_the_limit_does_not_flicker(self) -> None:
        choice, random = SubjectChoice(), np.random.default_rng(1)
        seen = []
        for index in range(120):
            alpha = self.with_bystander()
            x = 238 + round(0.1 * index) + int(random.integers(-2, 3))
            cv2.circle(alpha, (x, 150), 10, 1.0, -1)
            chosen = choice(soft(alpha), index / FPS, "largest")
            seen.append(bool(chosen[150, x] > 0.5))
        assert sum(a != b for a, b in itertools.pairwise(seen)) <= 1


class TestSmallPeople:
    def test_small_ones_go_and_others_stay(self) -> None:
        alpha = empty()
        person(alpha, 65, 120)
        person(alpha, 185, 100)
        person(alpha, 295, 36)
        alpha = soft(alpha)
        chosen = SubjectChoice()(alpha, 0.0, "everyone", 0.2)
        np.testing.assert_array_equal(chosen[:, :250], alpha[:, :250])
        assert chosen[:, 270:].max() == 0

    def test_one_around_the_limit_does_not_flicker(self) -> None:
        random, choice = np.random.default_rng(0), SubjectChoice()
        seen = []
        for index in range(150):
            alpha = pair(140, int(random.integers(66, 73)))  # a quarter, more or less
            seen.append(shown(choice(alpha, index / FPS, "everyone", 0.25)))
        assert len(set(seen)) == 1

    def test_nobody_is_nobody(self) -> None:
        for who in ("everyone", "largest"):
            assert SubjectChoice()(empty(), 0.0, who, 0.5).max() == 0


class TestPast:
    def test_is_forgotten_after_a_gap_a_jump_back_or_a_reset(self) -> None:
        for time, reset in ((60.0, False), (-5.0, False), (0.1, True)):
            choice = SubjectChoice()
            choice(pair(130, 100), 0.0, "largest")
            if reset:
                choice.reset()
            assert shown(choice(pair(90, 130), time, "largest")) == "right"

    def test_the_alpha_is_not_written_to(self) -> None:
        alpha = pair(140, 60)
        copy = alpha.copy()
        SubjectChoice()(alpha, 0.0, "largest")
        np.testing.assert_array_equal(alpha, copy)


@pytest.mark.parametrize("count", [5])
def test_real_people_side_by_side(shared: Path, count: int) -> None:
    """Cut-outs of whole people: the larger one stays to the last pixel, the smaller one goes."""
    found = sorted((shared / "data" / "people" / "val").glob("ccp_*.png"))
    assert len(found) >= 2 * count
    for index in range(count):
        alpha = empty()
        for path, height, x in ((found[index], 170, 20), (found[-1 - index], 90, 210)):
            levels = read_image(path)
            assert levels is not None
            cut = levels[..., 0].astype(np.float32) / 255
            width = min(100, round(cut.shape[1] * height / cut.shape[0]))
            alpha[HEIGHT - height :, x : x + width] = cv2.resize(cut, (width, height))
        chosen = SubjectChoice()(alpha, 0.0, "largest")
        np.testing.assert_array_equal(chosen[:, :160], alpha[:, :160])
        assert chosen[:, 165:].max() == 0
