"""When the guard lets a picture through, and what it sends instead, by a clock that is told.

That no raw pixel ever leaves is shown in `tests.test_live_pipeline`.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from realtime.frame import Frame, VideoFormat
from realtime.output.guard import Guard, State
from realtime.settings import Settings
from tests.media import BT709, gray_frame, matte_of

RATE = 30
VIDEO = VideoFormat(64, 48, Fraction(RATE), Fraction(1, 10**9), BT709)
DEFAULTS = Settings()


def _frame(now: float, index: int = 0) -> Frame:
    frame = gray_frame(200, index)
    return replace(frame, pts=round(now * 1e9), time_base=Fraction(1, 10**9))


class Scene:
    """A guard, a clock, and what has left."""

    def __init__(self, *, camera: float = RATE, **options: object) -> None:
        self.guard = Guard(VIDEO, 1 / camera)
        self.now = 100.0
        self.settings = replace(DEFAULTS, **options)  # type: ignore[arg-type]
        self.left: list[tuple[float, Frame]] = []

    def ask(self) -> Frame | None:
        frame = self.guard.next(self.now, self.settings)
        if frame is not None:
            self.left.append((self.now, frame))
        return frame

    def wait(self, seconds: float) -> list[Frame]:
        """Asks as a pipeline does to which nothing comes; returns what left."""
        before, until = len(self.left), self.now + seconds
        while True:
            self.ask()
            patience = self.guard.patience(self.now)
            assert 0 < patience <= 1 / RATE + 1e-9
            if self.now + patience > until:
                self.now = until
                return [frame for _, frame in self.left[before:]]
            self.now += patience

    def picture(self, age: float = 0.0, alpha: float = 1.0, index: int = 0) -> Frame | None:
        frame = _frame(self.now - age, index)
        self.guard.saw(matte_of(frame, alpha))
        self.guard.finish(frame)
        return self.ask()


def test_before_the_first_picture_the_card_goes_out_at_the_outputs_rate() -> None:
    scene = Scene()
    frames = scene.wait(2.0)
    assert len(frames) in (2 * RATE, 2 * RATE + 1)
    assert all(frame.index == -1 for frame in frames)
    times = [frame.time for frame in frames]
    np.testing.assert_allclose(np.diff(times), 1 / RATE, atol=1e-6)
    assert scene.guard.state is State.STARTING
    assert scene.guard.notes() == (), "everything starts"


def test_a_picture_leaves_at_once_and_only_once() -> None:
    scene = Scene()
    scene.wait(0.5)
    scene.now += 0.001
    shown = scene.picture()
    assert shown is not None
    assert shown.index == 0
    assert scene.ask() is None
    assert scene.guard.state is State.LIVE


def test_a_camera_slower_than_the_output_is_not_filled_up() -> None:
    scene = Scene()
    for _ in range(10):
        assert scene.picture() is not None
        assert scene.wait(0.1) == []


@pytest.mark.parametrize("staleness", [0.1, 0.25, 1.0])
def test_the_card_comes_as_soon_as_the_newest_picture_is_too_old(staleness: float) -> None:
    scene = Scene(max_staleness=staleness)
    scene.picture()
    shown = scene.now
    frames = scene.wait(staleness + 0.2)
    first = scene.left[-len(frames)][0]
    assert staleness < first - shown <= staleness + 1 / RATE + 1e-6
    assert scene.guard.state is State.LATE


def _states(scene: Scene, interval: float, age: float, seconds: float) -> list[State]:
    """What each picture of a camera of this frame interval found, so old when it was finished."""
    states = []
    for index in range(round(seconds / interval)):
        scene.picture(age=age, index=index)
        states.append(scene.guard.state)
        scene.wait(interval)
        states.append(scene.guard.state)
    return states


@pytest.mark.parametrize("rate", [5, 2, 1])
def test_a_slow_cameras_picture_stays_until_the_next_one_is_due(rate: float) -> None:
    scene = Scene(camera=rate)
    states = _states(scene, 1 / rate, age=0.1, seconds=10)
    assert set(states) == {State.LIVE}
    scene.wait(1 / rate - 0.15)
    before = scene.guard.state
    scene.wait(0.1)
    assert (before, scene.guard.state) == (State.LIVE, State.LATE)


def test_how_slow_a_camera_is_shows_in_its_pictures_whatever_it_promised() -> None:
    scene = Scene(camera=RATE)
    states = _states(scene, 0.2, age=0.1, seconds=4)
    assert set(states[len(states) // 2 :]) == {State.LIVE}
    scene = Scene(camera=1)
    _states(scene, 1 / RATE, age=0.02, seconds=1)
    scene.wait(0.3)
    assert scene.guard.state is State.LATE


def test_frames_given_up_in_between_do_not_make_the_camera_slow() -> None:
    scene = Scene()
    for index in range(0, 60, 6):
        scene.picture(index=index)
        scene.now += 6 / RATE
    scene.wait(0.1)
    assert scene.guard.state is State.LATE


def test_neither_a_stall_nor_a_loss_makes_the_camera_slow() -> None:
    scene = Scene()
    for index in range(10):
        scene.picture(index=index)
        scene.now += 5.0 if index in (6, 8) else 1 / RATE
    scene.guard.interrupt(State.LOST)
    scene.picture(index=10)
    scene.wait(0.3)
    assert scene.guard.state is State.LATE


def test_a_camera_slower_than_any_that_can_be_asked_for_is_not_waited_for() -> None:
    scene = Scene(camera=0.1)
    scene.picture()
    scene.wait(2.1)
    assert scene.guard.state is State.LATE


def test_a_camera_whose_clock_is_ahead_ages_all_the_same() -> None:
    scene = Scene()
    assert scene.picture(age=-10.0) is not None
    scene.wait(0.5)
    assert scene.guard.state is State.LATE


def test_a_picture_that_is_late_itself_is_not_shown() -> None:
    scene = Scene()
    shown = scene.picture(age=0.3)
    assert shown is not None
    assert shown.index == -1


def test_the_card_does_not_flash_between_late_pictures() -> None:
    """Every third of a second a picture, each one in time by a hair."""
    scene = Scene()
    shown = []
    for _ in range(12):
        shown.append(scene.picture(age=0.2) is not None and scene.guard.state is State.LIVE)
        scene.wait(1 / 3)
    assert not any(a and b for a, b in itertools.pairwise(shown))
    assert scene.guard.changes[State.LATE] <= 7


def test_after_a_loss_the_picture_returns_with_the_first_frame() -> None:
    scene = Scene()
    scene.picture()
    scene.now += 0.01
    scene.guard.interrupt(State.LOST)
    assert len(scene.wait(1.0)) >= RATE - 2
    assert scene.guard.state is State.LOST
    shown = scene.picture()
    assert shown is not None
    assert shown.index == 0
    assert scene.guard.notes() == ("a placeholder was shown: camera lost (1×)",)


def test_the_card_comes_within_a_frame_of_the_loss_and_of_a_panic() -> None:
    for cause in ("loss", "panic"):
        scene = Scene()
        scene.picture()
        begin = scene.now = scene.now + 0.001
        if cause == "loss":
            scene.guard.interrupt(State.LOST)
        else:
            scene.settings = replace(scene.settings, panic=True)
        scene.wait(0.1)
        assert scene.left[1][0] - begin <= 1 / RATE


def test_placeholders_are_no_faster_than_the_output_while_pictures_come_and_are_refused() -> None:
    scene = Scene(panic=True)
    for _ in range(100):
        scene.picture()
        scene.now += 0.01
    assert len(scene.left) in (30, 31)


def test_an_output_that_was_held_up_is_not_flooded_afterwards() -> None:
    scene = Scene()
    scene.wait(0.2)
    scene.now += 5
    assert len(scene.wait(0.5)) <= RATE // 2 + 2


def test_nobody_is_seen_by_what_alpha_there_is() -> None:
    scene = Scene(nobody_after=2.0)
    for second in range(5):
        shown = scene.picture(alpha=0.0 if second else 1.0)
        assert shown is not None
        assert (shown.index == 0) == (second < 2)
        scene.now += 1.0
    assert scene.guard.state is State.NOBODY
    shown = scene.picture(alpha=1.0)
    assert shown is not None
    assert shown.index == 0


def test_who_never_came_counts_from_the_first_picture() -> None:
    scene = Scene(nobody_after=2.0)
    states = []
    for _ in range(4):
        scene.picture(alpha=0.0)
        states.append(scene.guard.state)
        scene.now += 1.0
    assert states == [State.LIVE, State.LIVE, State.NOBODY, State.NOBODY]


def test_a_camera_that_is_lost_before_its_first_picture_is_called_lost() -> None:
    scene = Scene()
    states = []
    for state in (State.STARTING, State.LOST):
        scene.guard.interrupt(state)
        scene.wait(0.1)
        states.append(scene.guard.state)
    assert states == [State.STARTING, State.LOST]


def test_a_camera_that_is_gone_when_it_is_taken_again_is_called_lost() -> None:
    scene = Scene()
    for state in (State.PAUSED, State.STARTING, State.LOST):
        scene.guard.interrupt(state)
        scene.wait(0.1)
        assert scene.guard.state is state


@pytest.mark.parametrize(("fallback", "luma"), [("card", 44), ("black", 16)])
def test_the_fallback_is_the_one_asked_for(fallback: str, luma: int) -> None:
    scene = Scene(fallback=fallback)
    frame = scene.ask()
    assert frame is not None
    assert frame.planes.y[0, 0] == luma
    assert frame.color == BT709


def test_a_blur_is_of_what_was_sent_and_a_card_before_that() -> None:
    scene = Scene(fallback="blur")
    before = scene.ask()
    assert before is not None
    assert before.planes.y[0, 0] == 44
    scene.picture()
    scene.guard.interrupt(State.LOST)
    first, second = scene.wait(0.1)[-2:]
    assert (first.planes.y == 200).all()
    assert second.planes is first.planes, "it is made once"


def test_what_was_frozen_before_a_panic_is_not_live_after_it() -> None:
    scene = Scene(freeze=True, panic=True)
    states = []
    for index, (panic, freeze) in enumerate([(True, True), (False, True), (False, False)]):
        scene.settings = replace(scene.settings, panic=panic, freeze=freeze)
        left = scene.picture(index=index)
        states.append((scene.guard.state, left is not None and left.index == index))
        scene.now += 1 / RATE
    assert states == [(State.PANIC, False), (State.FROZEN, False), (State.LIVE, True)]
