"""What `default` stands for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from realtime.inference import choice


def ticking(*seconds: float) -> Iterator[float]:
    """A clock in which the runs of one candidate after the other take so long."""
    now = 0.0
    for duration in seconds:
        for _ in range(choice._RUNS):
            yield now
            now += duration
            yield now


@pytest.mark.parametrize(
    ("milliseconds", "frame_rate", "expected"),
    [
        ((8, 5), 30, "quality"),
        ((8, 5), 60, "balanced"),
        ((20, 13), 60, "fast"),
        ((20, 13), 30, "fast"),
        ((15, 10), 30, "balanced"),
        ((20, 13), 10, "quality"),
    ],
)
def test_the_best_that_keeps_up(
    milliseconds: tuple[float, float], frame_rate: float, expected: str
) -> None:
    clock = ticking(*(duration / 1e3 for duration in milliseconds))
    model = choice.open_model("default", "cpu", frame_rate, clock=lambda: next(clock))
    assert model.name == expected


def test_the_start_waits_for_no_more_runs_than_it_needs() -> None:
    readings = iter([0.0, 0.1, 0.1, 0.105])
    model = choice.open_model("default", "cpu", 30, clock=lambda: next(readings))
    assert model.name == "quality"


def test_a_named_one_is_not_measured() -> None:
    model = choice.open_model("fast", "cpu", 1000.0, clock=lambda: pytest.fail("measured"))
    assert model.name == "fast"
