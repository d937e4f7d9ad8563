"""Figures of a run."""

from __future__ import annotations

import json
import math
import random

import pytest

from realtime.stats import Figures, Histogram, Progress, StageTime, Stats, Summary


@pytest.mark.parametrize("percent", [5, 50, 95, 99])
def test_percentiles_are_right_to_one_percent(percent: int) -> None:
    chance = random.Random(0)
    durations = sorted(chance.lognormvariate(-5, 1) for _ in range(5001))
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    exact = durations[math.ceil(5001 * percent / 100) - 1]
    assert histogram.percentile(percent) == pytest.approx(exact, rel=0.0101)


def test_memory_does_not_grow_with_the_run() -> None:
    histogram = Histogram()
    for step in range(100_000):
        histogram.add(0.001 + step % 100 * 0.0001)
    assert len(histogram._buckets) <= 120


def test_an_empty_histogram_has_no_percentile() -> None:
    assert math.isnan(Histogram().percentile(50))


def test_a_duration_of_zero_counts() -> None:
    histogram = Histogram()
    histogram.add(0.0)
    assert histogram.percentile(50) < 1e-6


def test_stages_keep_the_order_of_their_first_run() -> None:
    stats = Stats()
    for stage in ("capture", "infer", "capture", "output"):
        stats.add(stage, 0.002)
    assert list(stats.stages()) == ["capture", "infer", "output"]
    assert stats.stages()["infer"].median_ms == pytest.approx(2.0, rel=0.0101)


def test_a_block_that_raises_is_not_counted() -> None:
    stats = Stats()
    with pytest.raises(LookupError), stats.time("infer"):
        raise LookupError
    with stats.time("output"):
        pass
    assert list(stats.stages()) == ["output"]


def test_time_to_go() -> None:
    progress = Progress(frames=25, expected=100, seconds=1.0, fps=25.0, speed=1.0, dropped=0)
    assert progress.eta == 3.0
    assert Progress(0, 100, 0.0, 0.0, 0.0, 0).eta is None
    assert Progress(25, None, 1.0, 25.0, 1.0, 0).eta is None


def test_a_summary_is_json_and_one_line() -> None:
    summary = Summary(
        frames_in=10,
        frames_out=9,
        frames_dropped=1,
        seconds=0.5,
        fps=18.0,
        model="fast",
        provider="CPUExecutionProvider",
        provider_reason="asked for",
        stages={"infer": StageTime(1.25, 2.5)},
        notes=("cut short",),
    )
    assert json.loads(json.dumps(summary.as_dict()))["stages"]["infer"]["p95_ms"] == 2.5
    line = str(summary)
    assert "\n" not in line
    for part in ("10 frames in", "9 out", "1 dropped", "18.0 fps", "infer 1.2/2.5", "asked for"):
        assert part in line


class _Clock:
    """A clock that the test moves."""

    def __init__(self, now: float = 1000.25) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("fps", [1.0, 12.5, 30.0, 59.94])
def test_a_rate_is_that_of_the_last_seconds(fps: float) -> None:
    clock = _Clock()
    stats = Stats(clock)
    for _ in range(int(20 * fps)):
        stats.count("captured")
        clock.now += 0.01
    fast = stats.rate("captured")
    for _ in range(int(10 * fps)):
        stats.count("captured")
        clock.now += 1 / fps
    assert fast == pytest.approx(100, rel=0.06)
    assert stats.rate("captured") == pytest.approx(fps, rel=0.01, abs=1 / 5)
    assert stats.total("captured") == int(20 * fps) + int(10 * fps)


def test_a_rate_is_right_from_the_first_second_on() -> None:
    clock = _Clock()
    stats = Stats(clock)
    for _ in range(10):
        stats.count("captured")
        clock.now += 1 / 30
    assert stats.rate("captured") == pytest.approx(30, rel=0.11)


def test_what_stopped_or_never_was_has_a_rate_of_zero() -> None:
    clock = _Clock()
    stats = Stats(clock)
    assert stats.rate("captured") == 0
    assert stats.total("captured") == 0
    stats.count("captured")
    assert stats.rate("captured") == 0
    clock.now += 3
    stats.count("captured")
    clock.now += 10
    assert stats.rate("captured") == 0
    assert stats.total("captured") == 2


def test_recent_times_forget_what_is_long_ago() -> None:
    clock = _Clock()
    stats = Stats(clock)
    for _ in range(100):
        stats.add("infer", 0.100)
    stats.add("preprocess", 0.001)
    clock.now += 10
    for _ in range(10):
        stats.add("infer", 0.002)
        clock.now += 0.4
    assert list(stats.recent()) == ["infer"]
    assert stats.recent()["infer"].p95_ms == pytest.approx(2, rel=0.02)
    assert stats.stages()["infer"].median_ms == pytest.approx(100, rel=0.02)
    clock.now += 10
    assert stats.recent() == {}


def test_recent_times_are_the_percentiles_of_all_their_seconds() -> None:
    clock = _Clock()
    stats = Stats(clock)
    for milliseconds in range(1, 101):
        stats.add("infer", milliseconds / 1e3)
        clock.now += 0.04  # 4 s in all, over five seconds of the clock
    recent = stats.recent()["infer"]
    assert recent.median_ms == pytest.approx(50, rel=0.02)
    assert recent.p95_ms == pytest.approx(95, rel=0.02)


def test_memory_of_live_figures_does_not_grow() -> None:
    clock = _Clock()
    stats = Stats(clock)
    for _ in range(500):
        stats.add("infer", 0.01)
        stats.count("captured")
        clock.now += 1
    assert len(stats._stages["infer"]._seconds) <= 5
    assert len(stats._events["captured"]._seconds) <= 6


def example_figures(state: str = "live") -> Figures:
    """Such as a run might have."""
    return Figures(
        state=state,
        seconds=754.2,
        capture_fps=30.02,
        delivered_fps=29.98,
        frames_in=22626,
        frames_out=22612,
        frames_dropped=14,
        frames_withheld=0,
        placeholders=3,
        stages={
            "preprocess": StageTime(0.62, 1.04),
            "infer": StageTime(3.71, 5.22),
            "smooth": StageTime(0.34, 0.51),
            "alpha age": StageTime(9.84, 14.0),
            "composite": StageTime(4.18, 6.9),
            "output": StageTime(1.02, 2.2),
            "latency": StageTime(15.4, 23.7),
        },
        provider="CPUExecutionProvider",
        provider_reason="no NVIDIA driver",
        governor="full",
    )


def test_figures_are_json() -> None:
    values = json.loads(json.dumps(example_figures().as_dict()))
    assert values["stages"]["infer"] == {"median_ms": 3.71, "p95_ms": 5.22}
    assert values["governor"] == "full"
