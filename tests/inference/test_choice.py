"""What `default` stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from realtime.inference import choice
from realtime.inference.model import Model


@pytest.fixture(autouse=True)
def _cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "usable_cores", lambda: 2)


@pytest.mark.parametrize(
    ("milliseconds", "frame_rate", "cores", "expected"),
    [
        ((8, 5), 30, 2, "quality"),
        ((8, 5), 60, 2, "balanced"),
        ((20, 13), 60, 2, "fast"),
        ((20, 13), 30, 2, "fast"),
        ((15, 10), 30, 2, "balanced"),
        ((20, 13), 10, 2, "quality"),
        ((8, 5), 30, 1, "balanced"),
        ((8, 5), 30, 16, "quality"),
    ],
)
def test_the_best_that_keeps_up(
    milliseconds: tuple[float, float],
    frame_rate: float,
    cores: int,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "usable_cores", lambda: cores)
    taken = dict(zip(("quality", "balanced"), milliseconds, strict=True))
    monkeypatch.setattr(choice, "duration", lambda model, clock, enough: taken[model.name] / 1e3)
    model = choice.open_model("default", "cpu", frame_rate)
    assert model.name == expected


def test_the_start_waits_for_no_more_runs_than_it_needs() -> None:
    readings = iter([0.0, 0.1, 0.1, 0.105])
    model = choice.open_model("default", "cpu", 30, clock=lambda: next(readings))
    assert model.name == "quality"


@pytest.mark.parametrize(
    ("milliseconds", "runs", "least"),
    [
        ([40, 30, 9, 5], 3, 9),  # enough
        ([40, 30, 16, 5], 3, 16),  # no hope
        ([40, 30, 12, 12, 12, 12, 11, 5], 7, 11),  # neither
    ],
)
def test_a_network_is_judged_in_no_more_runs_than_it_takes(
    milliseconds: list[float], runs: int, least: float
) -> None:
    now = 0.0
    started: list[float] = []

    class Timed:
        def rehearsal(self, *_: object) -> Callable[[], None]:
            return self.run

        def run(self) -> None:
            nonlocal now
            started.append(now)
            now += milliseconds[len(started) - 1]

        def reset(self) -> None: ...

    taken = choice.duration(cast("Model", Timed()), lambda: now, enough=10)
    assert (len(started), taken) == (runs, least)


def test_a_named_one_is_not_measured() -> None:
    model = choice.open_model("fast", "cpu", 1000.0, clock=lambda: pytest.fail("measured"))
    assert model.name == "fast"
