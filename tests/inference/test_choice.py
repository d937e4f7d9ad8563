"""What `default` stands for."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from realtime.inference import choice
from realtime.inference.model import Model


def ticking(*seconds: float) -> Iterator[float]:
    """A clock in which each candidate's runs take so long."""
    now = 0.0
    for duration in seconds:
        for _ in range(choice._RUNS):
            yield now
            now += duration
            yield now


@pytest.mark.parametrize(
    ("milliseconds", "frame_rate", "expected", "share"),
    [
        (8, 30, "quality", 1),
        (8, 60, "quality", 0.65),
        (14, 30, "quality", 0.65),
        (10, 60, "fast", 1),
        (20, 30, "fast", 1),
        (20, 10, "quality", 1),
    ],
)
def test_the_best_that_keeps_up(
    milliseconds: float, frame_rate: float, expected: str, share: float
) -> None:
    clock = ticking(milliseconds / 1e3)
    model = choice.open_model("default", "cpu", frame_rate, clock=lambda: next(clock))
    assert model.name == expected
    whole = Model(expected, "cpu").signature.size_for(16, 9)
    shown = model.signature.size_for(16, 9)
    assert math.prod(shown) / math.prod(whole) == pytest.approx(share, rel=0.05)


def test_the_start_waits_for_no_more_runs_than_it_needs() -> None:
    readings = iter([0.0, 0.1, 0.1, 0.105])
    model = choice.open_model("default", "cpu", 30, clock=lambda: next(readings))
    assert model.name == "quality"


def test_a_named_one_is_not_measured() -> None:
    model = choice.open_model("fast", "cpu", 1000.0, clock=lambda: pytest.fail("measured"))
    assert model.name == "fast"
