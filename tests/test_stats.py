"""Figures of a run."""

from __future__ import annotations

import json
import math
import random

import pytest

from realtime.stats import Histogram, Progress, StageTime, Stats, Summary


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
