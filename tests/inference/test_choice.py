"""What `default` stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from realtime.inference import choice
from realtime.inference.model import Model
from realtime.inference.session import CPU, CUDA


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


class TestOverSeveralStarts:
    """A machine does not change from one start to the next, as other programs' load does."""

    @staticmethod
    def start(monkeypatch: pytest.MonkeyPatch, **milliseconds: float) -> tuple[str, list[str]]:
        """The network that is chosen at 30 fps, and those that were timed for it."""
        timed: list[str] = []

        def duration(model: Model, clock: object, enough: float) -> float:
            timed.append(model.name)
            return milliseconds[model.name] / 1e3

        monkeypatch.setattr(choice, "duration", duration)
        return choice.open_model("default", "cpu", 30).name, timed

    def test_a_network_that_keeps_up_is_not_timed_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            assert self.start(monkeypatch, quality=9) == ("quality", ["quality"])
        assert self.start(monkeypatch) == ("quality", [])

    def test_those_that_never_kept_up_are_not_even_opened(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            chosen, timed = self.start(monkeypatch, quality=30, balanced=20)
            assert (chosen, timed) == ("fast", ["quality", "balanced"])
        opened: list[str] = []

        def open_beside(others: object, name: str, *arguments: object) -> Model:
            opened.append(name)
            return Model(name, "cpu")

        monkeypatch.setattr(choice, "open_beside", open_beside)
        assert self.start(monkeypatch) == ("fast", [])
        assert opened == ["fast"]

    def test_a_busy_start_does_not_decide(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for balanced, chosen in ((15, "fast"), (10, "balanced"), (10, "balanced")):
            assert self.start(monkeypatch, quality=30, balanced=balanced)[0] == chosen
        assert self.start(monkeypatch) == ("balanced", [])

    def test_another_rate_is_another_question(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(3):
            self.start(monkeypatch, quality=30, balanced=20)
        monkeypatch.setattr(choice, "duration", lambda model, clock, enough: 0.03)
        assert choice.open_model("default", "cpu", 10).name == "quality"

    def test_a_gpu_is_timed_at_every_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.starts_with_a_driver(monkeypatch, CUDA) == 5 * ["quality"]

    def test_a_gpu_that_cannot_be_used_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As where CUDA's libraries were not installed."""
        assert self.starts_with_a_driver(monkeypatch, CPU) == 3 * ["quality"]

    def starts_with_a_driver(self, monkeypatch: pytest.MonkeyPatch, provider: str) -> list[str]:
        """The networks that are timed in five starts, where this is what really computes."""
        timed: list[str] = []

        def open_beside(_: object, name: str, *__: object) -> Model:
            model = Model(name, "cpu")
            model.provider = provider
            return model

        def duration(model: Model, clock: object, enough: float) -> float:
            timed.append(model.name)
            return 0.009

        monkeypatch.setattr("realtime.inference.session.cuda_obstacle", lambda: None)
        monkeypatch.setattr(choice, "open_beside", open_beside)
        monkeypatch.setattr(choice, "duration", duration)
        for _ in range(5):
            choice.open_model("default", "auto", 30)
        return timed
