"""Matting that obeys a governor: what each level does to the frames."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from realtime.frame import Frame, Matte, Planes, UInt8
from realtime.governor import Level
from realtime.inference import adaptive
from realtime.inference.adaptive import AdaptiveMatting, levels_of, networks
from realtime.inference.model import Model
from realtime.stats import Stats
from tests.inference.networks import brightness_network
from tests.media import BT709

_INTERVAL = 1 / 30
_SIZE = (320, 180)


class _Studio:
    """A camera and a clock that obey the test."""

    def __init__(self, model: Path | str, **options: Any) -> None:
        self.now = 100.0
        self.busy = 0.001
        self.index = 0
        self.lines: list[str] = []
        self.frozen = False
        self._frames = 0
        self._watch = 0.0
        self.stats = Stats()
        self.matting = AdaptiveMatting(
            model,
            "cpu",
            frame_rate=1 / _INTERVAL,
            announce=self.lines.append,
            clock=lambda: self.now,
            stopwatch=self._tick,
            stats=self.stats,
            **options,
        )

    def _tick(self) -> float:
        self._watch += self.busy
        return self._watch

    def frame(self, luma: UInt8) -> Frame:
        height, width = luma.shape
        # Of two frames of one luma, the network is to see two pictures.
        self._frames += not self.frozen
        gray = np.full((height // 2, width // 2), 128 + self._frames % 2, np.uint8)
        pts = round(self.now * 1e9)
        return Frame(Planes(luma, gray, gray), self.index, pts, Fraction(1, 10**9), BT709)

    def show(self, luma: UInt8, *, latency: float = 0.02, skipped: int = 0) -> Matte:
        """Shows the next picture; `skipped` frames were given up before it."""
        self.now += _INTERVAL * (1 + skipped)
        self.index += 1 + skipped
        self.matting.delivered(latency)
        return self.matting.matte(self.frame(luma))

    def overload(self, luma: UInt8, frames: int = 60) -> None:
        """By default for a second more than the governor does not look at."""
        self.busy = 0.2
        for _ in range(frames):
            self.show(luma, latency=0.3)
        self.busy = 0.001


@pytest.fixture
def brightness(tmp_path: Path) -> Path:
    path = tmp_path / "brightness.onnx"
    path.write_bytes(brightness_network())
    return path


@pytest.fixture
def studio(brightness: Path) -> Iterator[_Studio]:
    made = _Studio(brightness, smoothing=False)
    yield made
    made.matting.close()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the pictures that networks were shown since."""
    found: list[tuple[int, int]] = []
    run = Model.__call__

    def counted(self: Model, picture: UInt8) -> Any:
        found.append((picture.shape[1], picture.shape[0]))
        return run(self, picture)

    monkeypatch.setattr(Model, "__call__", counted)
    return found


def _picture(left: int = 100) -> UInt8:
    """A bright body with some texture in a dark room, limited range."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (_SIZE[1], _SIZE[0]), np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    luma = 20 + 40 * texture
    luma[50:, left : left + 90] = 170 + 60 * texture[50:, 100:190]
    picture: UInt8 = luma.astype(np.uint8)
    return picture


def _truth(luma: UInt8, alpha_shape: tuple[int, ...]) -> Any:
    """What the brightness network would say."""
    wide = np.clip((luma.astype(np.float32) - 16) / 219, 0, 1)
    return cv2.resize(wide, alpha_shape[::-1], interpolation=cv2.INTER_AREA)


def test_a_frame_gets_its_own_alpha_from_the_network_on_every_frame(
    studio: _Studio, runs: list[tuple[int, int]]
) -> None:
    for left in (100, 104, 108):
        luma = _picture(left)
        matte = studio.show(luma)
        assert matte.frame.planes.y is luma
        assert np.abs(matte.alpha - _truth(luma, matte.alpha.shape)).mean() < 0.02
    assert runs == [(256, 144)] * 3
    assert studio.matting.provider == "CPUExecutionProvider"


def test_each_stage_is_counted_once_a_frame(studio: _Studio) -> None:
    luma = _picture()
    for _ in range(5):
        studio.show(luma)
    assert {name: stage.all.count for name, stage in studio.stats._stages.items()} == {
        "preprocess": 5,
        "infer": 5,
    }


def test_overload_leads_to_fewer_pixels_and_fewer_runs(
    studio: _Studio, runs: list[tuple[int, int]]
) -> None:
    luma = _picture()
    studio.overload(luma)
    assert studio.matting.level.every == 3
    assert studio.matting.level.scale < 1
    assert studio.lines[0].startswith("down to ")
    runs.clear()
    for _ in range(12):
        studio.show(luma)
    assert runs == [(208, 112)] * 4


def test_between_runs_the_alpha_is_that_of_the_present_frame(
    studio: _Studio, runs: list[tuple[int, int]]
) -> None:
    studio.overload(_picture(100))
    stale = studio.show(_picture(100)).alpha
    worse = []
    for left in range(102, 126, 2):
        luma = _picture(left)
        before = len(runs)
        matte = studio.show(luma)
        truth = _truth(luma, matte.alpha.shape)
        if len(runs) == before:
            own, old = np.abs(matte.alpha - truth).mean(), np.abs(stale - truth).mean()
            worse.append(own > 0.7 * old)
        else:
            stale = matte.alpha
    assert len(worse) >= 6
    assert not any(worse)


def test_a_cut_calls_for_the_network_at_once(studio: _Studio, runs: list[tuple[int, int]]) -> None:
    luma = _picture()
    studio.overload(luma)
    shown = 0
    runs.clear()
    while not runs:
        studio.show(luma)
        shown += 1
        assert shown < 4
    runs.clear()
    cut = 255 - luma
    matte = studio.show(cut)
    assert len(runs) == 1
    assert np.abs(matte.alpha - _truth(cut, matte.alpha.shape)).mean() < 0.02


def test_reset_calls_for_the_network_at_once(studio: _Studio, runs: list[tuple[int, int]]) -> None:
    luma = _picture()
    studio.overload(luma)
    runs.clear()
    for _ in range(4):
        studio.matting.reset()
        studio.show(luma)
    assert len(runs) == 4


def test_calm_leads_back_up(studio: _Studio) -> None:
    luma = _picture()
    studio.overload(luma)
    for _ in range(60 * 30):
        studio.show(luma)
    assert studio.matting.level == studio.matting.levels[0]
    assert any(line.startswith("up to ") for line in studio.lines)


def test_frames_that_were_given_up_are_noticed(studio: _Studio) -> None:
    luma = _picture()
    studio.busy = 0.032
    for _ in range(60):
        studio.show(luma, latency=0.06, skipped=1)
    assert "dropped" in studio.lines[0]


def test_frames_that_the_output_gave_up_are_noticed(studio: _Studio) -> None:
    luma = _picture()
    studio.busy = 0.03
    for number in range(120):
        studio.now += _INTERVAL
        studio.index += 1
        if number % 2:
            studio.matting.delivered(0.06)
        studio.matting.matte(studio.frame(luma))
    assert "dropped" in studio.lines[0]


def test_a_panic_is_no_load(studio: _Studio) -> None:
    luma = _picture()
    for _ in range(60):
        studio.show(luma)
    for _ in range(300):
        studio.now += _INTERVAL
        studio.index += 1
        studio.matting.matte(studio.frame(luma))
    for _ in range(60):
        studio.show(luma)
    assert studio.lines == []


def test_an_output_that_says_nothing_leaves_the_age_of_the_frame(brightness: Path) -> None:
    studio = _Studio(brightness)
    luma = _picture()
    studio.busy = 0.03
    with studio.matting as matting:
        for index in range(60):
            frame = studio.frame(luma)
            # The frame is 90 ms old when its alpha is there.
            studio.now += _INTERVAL
            matting.matte(replace(frame, index=index, pts=round((studio.now - 0.09) * 1e9)))
        assert "came after 67 ms" in studio.lines[0]


def test_without_the_governor_everything_stays_as_it_began(
    studio: _Studio, runs: list[tuple[int, int]]
) -> None:
    luma = _picture()
    studio.overload(luma)
    studio.matting.governed = False
    runs.clear()
    studio.overload(luma)
    assert runs == [(256, 144)] * 60
    assert not studio.matting.governed
    studio.matting.governed = True
    studio.show(luma)
    assert studio.matting.level.every == 1
    studio.overload(luma)
    assert studio.matting.level.every == 3


def test_the_budget_can_be_changed(studio: _Studio) -> None:
    assert studio.matting.latency_budget == pytest.approx(2 * _INTERVAL)
    studio.matting.latency_budget = 0.5
    luma = _picture()
    studio.busy = 0.03
    for _ in range(60):
        studio.show(luma, latency=0.3)
    assert studio.lines == []


def test_a_change_of_level_keeps_what_smoothing_knows(brightness: Path) -> None:
    """A picture that hardly changed keeps of its past, also where the alpha's size has changed."""
    before = np.full((_SIZE[1], _SIZE[0]), 130, np.uint8)
    picture = np.full((_SIZE[1], _SIZE[0]), 126, np.uint8)
    studio = _Studio(brightness, smoothing=True)
    with studio.matting as matting:
        studio.overload(before)
        matting.governed = False
        matte = studio.show(picture)
        assert matte.alpha.shape == (144, 256)
        smoothed = matte.alpha.mean()
        matting.reset()
        fresh = studio.show(picture).alpha.mean()
        assert 1.5 / 255 < smoothed - fresh < 4 / 255


def test_every_stage_is_timed(brightness: Path) -> None:
    studio = _Studio(brightness)
    with studio.matting:
        studio.overload(_picture())
        for _ in range(3):
            studio.show(_picture())
    assert set(studio.stats.stages()) == {"preprocess", "infer", "smooth", "propagate"}


def test_a_network_of_fixed_size_is_only_skipped(tmp_path: Path) -> None:
    path = tmp_path / "fixed.onnx"
    path.write_bytes(brightness_network(sides=(90, 160)))
    studio = _Studio(path)
    with studio.matting as matting:
        matting.warm_up(*_SIZE)
        studio.overload(_picture())
        assert matting.level.every == 3
        assert studio.show(_picture()).alpha.shape == (90, 160)


_SLOWER = ("fast-float", "CPUExecutionProvider")


@pytest.fixture
def two_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if "fast-float" were better than "fast"."""
    monkeypatch.setattr(adaptive, "BEST_FIRST", ("fast-float", "fast"))


@pytest.mark.usefixtures("two_networks")
def test_another_network_is_taken_when_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    luma = _picture()
    monkeypatch.setattr(adaptive, "keeps_up", lambda *_: False)
    studio = _Studio("default")
    with studio.matting as matting:
        assert matting.level == Level("fast")
        seen = {matting.level.model}
        for _ in range(15 * 30):
            studio.show(luma)
            seen.add(matting.level.model)
        assert matting.level == Level("fast-float")
        studio.overload(luma)
        assert matting.level.model == "fast"


@pytest.mark.usefixtures("two_networks")
def test_everything_is_there_before_the_first_frame(
    runs: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = threading.active_count()
    studio = _Studio("default")
    with studio.matting as matting:
        matting.warm_up(*_SIZE)
        assert threading.active_count() == before
        monkeypatch.setattr(adaptive, "open_beside", lambda *_: pytest.fail("opened beside frames"))
        runs.clear()
        for _ in range(3):
            studio.show(_picture())
        assert len(runs) == 3


@pytest.mark.usefixtures("two_networks")
@pytest.mark.parametrize(
    ("seconds", "timed"), [(0.011, Level("fast-float")), (0.012, Level("fast"))]
)
def test_default_begins_with_what_holds_as_measured_before_or_by_its_duration_now(
    monkeypatch: pytest.MonkeyPatch, seconds: float, timed: Level
) -> None:
    monkeypatch.setattr(adaptive, "duration", lambda model: seconds)
    for holds, expected in (
        ({}, timed),
        ({_SLOWER: True}, Level("fast-float")),
        ({_SLOWER: False}, Level("fast")),
    ):
        with _Studio("default", holds=holds).matting as matting:
            assert matting.level == expected
    with _Studio("fast-float", holds={_SLOWER: False}).matting as matting:
        assert matting.level == Level("fast-float"), "it was asked for"


@pytest.mark.usefixtures("two_networks")
def test_each_network_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[str] = []

    def once(model: Model) -> float:
        timed.append(model.name)
        return 0.001

    monkeypatch.setattr(adaptive, "duration", once)
    with _Studio("default").matting:
        assert timed == ["fast-float", "fast"]


def test_a_frozen_camera_costs_no_network_and_tells_the_governor_nothing(
    studio: _Studio, runs: list[tuple[int, int]]
) -> None:
    luma = _picture()
    studio.frozen = True
    mattes = [studio.show(luma) for _ in range(4)]
    assert len(runs) == 1
    for matte in mattes[1:]:
        np.testing.assert_array_equal(matte.alpha, mattes[0].alpha)
    studio.overload(luma)
    assert studio.lines == []
    studio.frozen = False
    studio.overload(luma)
    assert studio.matting.level.every == 3


def test_a_closed_one_says_so(brightness: Path) -> None:
    studio = _Studio(brightness)
    studio.matting.close()
    studio.matting.close()
    with pytest.raises(ValueError, match="closed"):
        studio.show(_picture())


@pytest.mark.usefixtures("two_networks")
def test_which_networks_stand_in_for_each_other() -> None:
    assert networks("default") == ("fast-float", "fast")
    assert networks("fast-float") == ("fast-float", "fast")
    assert networks("fast") == ("fast",)
    assert networks("mine.onnx") == ("mine.onnx",)


def test_the_ladder_goes_from_best_to_fastest() -> None:
    assert [str(level) for level in levels_of(["quality", "balanced", "fast"])] == [
        "quality",
        "balanced",
        "balanced, every 2 frames",
        "fast",
        "fast, 65% of the pixels",
        "fast, 65% of the pixels, plain outlines",
        "fast, 65% of the pixels, every 2 frames, plain outlines",
        "fast, 65% of the pixels, every 3 frames, plain outlines",
    ]
    fixed = levels_of(["mine.onnx"], free_size=False)
    assert [(level.every, level.plain) for level in fixed] == [
        (1, False),
        (1, True),
        (2, True),
        (3, True),
    ]
    assert {level.scale for level in fixed} == {1.0}


def test_costs_fall_from_level_to_level(brightness: Path) -> None:
    with AdaptiveMatting(brightness, "cpu", frame_rate=30) as matting:
        costs = matting._governor._costs
    # However long a run takes here: fewer pixels cost less.
    assert all(a.mean > b.mean for a, b in itertools.pairwise(costs[:2]))
    assert all(cost.peak >= cost.mean for cost in costs)
