"""Several outputs at once: one that breaks or dawdles is no concern of the others."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from realtime.errors import OutputError
from realtime.frame import Frame, VideoFormat
from realtime.output.fanout import FanoutSink
from realtime.output.sink import NullSink
from tests.media import gray_frame

FORMAT = VideoFormat(64, 48, Fraction(30), Fraction(1, 30))


class Part(NullSink):
    """Keeps frames; breaks, closes and drops as it is told."""

    def __init__(self, name: str, pump_interval: float = 0.1) -> None:
        self.name = name
        self.pump_interval = pump_interval
        self.frames: list[Frame] = []
        self.events: list[str] = []
        self.broken = ""
        self.failure: type[Exception] = OutputError
        self.goes_on = True
        self.leaves_out = False

    def _may_break(self, where: str) -> None:
        if self.broken == where:
            raise self.failure(f"{self.name} broke in {where}")

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        self._may_break("open")
        self.events.append("open")

    def write(self, frame: Frame) -> None:
        self._may_break("write")
        self.dropped += self.leaves_out
        self.frames.append(frame)

    def pump(self) -> bool:
        self._may_break("pump")
        return self.goes_on

    def notes(self) -> tuple[str, ...]:
        return (f"from {self.name}",)

    def close(self, *, early: bool = False) -> None:
        self.events.append("close early" if early else "close")
        self._may_break("close")

    def abort(self) -> None:
        self.events.append("abort")
        self._may_break("abort")


@pytest.fixture
def parts() -> tuple[Part, Part]:
    return Part("camera"), Part("window", 0.005)


def test_each_gets_every_frame(parts: tuple[Part, Part]) -> None:
    sink = FanoutSink(parts)
    sink.open(FORMAT, transparent=False)
    for index in range(3):
        sink.write(gray_frame(50, index))
        assert sink.pump()
    sink.close(early=True)
    for part in parts:
        assert [frame.index for frame in part.frames] == [0, 1, 2]
        assert part.events == ["open", "close early"]
    assert sink.notes() == ("from camera", "from window")
    assert sink.failures() == ()
    assert sink.pump_interval == 0.005


@pytest.mark.parametrize("where", ["write", "pump"])
@pytest.mark.parametrize("which", [0, 1])
def test_one_that_breaks_is_given_up_and_told_of(
    parts: tuple[Part, Part], which: int, where: str
) -> None:
    told: list[str] = []
    sink = FanoutSink(parts, told.append)
    sink.open(FORMAT, transparent=False)
    parts[which].broken = where
    for index in range(3):
        sink.write(gray_frame(50, index))
        assert sink.pump()
    sink.close()
    assert len(parts[1 - which].frames) == 3
    assert parts[1 - which].events == ["open", "close"]
    assert parts[which].events == ["open", "abort"]
    assert told == [f"an output was given up: {parts[which].name} broke in {where}"]
    assert sink.failures() == tuple(told)


@pytest.mark.parametrize("where", ["write", "pump"])
def test_the_last_one_that_breaks_fails_the_run(parts: tuple[Part, Part], where: str) -> None:
    sink = FanoutSink(parts)
    sink.open(FORMAT, transparent=False)
    parts[0].broken = parts[1].broken = where

    def step() -> None:
        sink.write(gray_frame(50))
        sink.pump()

    with pytest.raises(OutputError, match="window broke"):
        step()


def test_one_that_cannot_be_opened_fails_the_run(parts: tuple[Part, Part]) -> None:
    parts[1].broken = "open"
    sink = FanoutSink(parts)
    with pytest.raises(OutputError, match="window broke in open"):
        sink.open(FORMAT, transparent=False)
    sink.abort()
    assert parts[0].events == ["open", "abort"]


def test_the_user_closing_one_ends_the_run(parts: tuple[Part, Part]) -> None:
    sink = FanoutSink(parts)
    sink.open(FORMAT, transparent=False)
    parts[1].goes_on = False
    assert not sink.pump()
    sink.close()


def test_all_are_closed_even_if_one_cannot_be(parts: tuple[Part, Part]) -> None:
    sink = FanoutSink(parts)
    sink.open(FORMAT, transparent=False)
    parts[0].broken = "close"
    with pytest.raises(OutputError, match="camera broke in close"):
        sink.close()
    assert parts[1].events == ["open", "close"]


@pytest.mark.parametrize("end", [FanoutSink.close, FanoutSink.abort])
def test_all_are_ended_whatever_becomes_of_one(
    parts: tuple[Part, Part], end: Callable[[FanoutSink], None]
) -> None:
    sink = FanoutSink(parts)
    sink.open(FORMAT, transparent=False)
    for part in parts:
        part.broken, part.failure = end.__name__, RuntimeError
    with pytest.raises(RuntimeError, match="camera broke"):
        end(sink)
    for part in parts:
        assert part.events == ["open", end.__name__]


def test_what_one_leaves_out_is_not_lost(parts: tuple[Part, Part]) -> None:
    sink = FanoutSink(parts)
    sink.open(FORMAT, transparent=False)
    parts[0].leaves_out = parts[1].leaves_out = True
    sink.write(gray_frame(50))
    parts[0].leaves_out = False
    for _ in range(50):
        sink.write(gray_frame(50))
    assert sink.dropped == 1


def test_what_one_left_out_before_is_not_lost_when_the_other_breaks(
    parts: tuple[Part, Part],
) -> None:
    sink = FanoutSink(parts)
    sink.open(FORMAT, transparent=False)
    parts[1].leaves_out = True
    sink.write(gray_frame(50))
    parts[0].broken = "write"
    parts[1].leaves_out = False
    sink.write(gray_frame(50))
    assert sink.dropped == 0


def test_there_must_be_one() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FanoutSink([])
