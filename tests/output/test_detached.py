"""An output of its own time: whole where it keeps up, never in the way."""

from __future__ import annotations

import threading
from fractions import Fraction

import pytest

from realtime.errors import OutputError
from realtime.frame import Frame, VideoFormat
from realtime.output.detached import DetachedSink
from realtime.output.sink import NullSink
from tests.media import gray_frame

FORMAT = VideoFormat(64, 48, Fraction(30), Fraction(1, 30))


class Slow(NullSink):
    """Waits for `gate` before each frame."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.frames: list[int] = []
        self.ended = ""
        self.fails = False

    def write(self, frame: Frame) -> None:
        self.begun.set()
        assert self.gate.wait(10)
        if self.fails:
            raise OutputError("the disk is full")
        self.frames.append(frame.index)

    def close(self, *, early: bool = False) -> None:
        self.ended = self.ended or "close"

    def abort(self) -> None:
        self.ended = self.ended or "abort"


@pytest.fixture
def slow() -> Slow:
    return Slow()


def _opened(slow: Slow) -> DetachedSink:
    sink = DetachedSink(slow)
    sink.open(FORMAT, transparent=False)
    return sink


def test_all_that_fits_is_written_in_order(slow: Slow) -> None:
    sink = _opened(slow)
    for index in range(8):
        sink.write(gray_frame(50, index))
    slow.gate.set()
    sink.close()
    assert slow.frames == list(range(8))
    assert (sink.dropped, sink.notes(), slow.ended) == (0, (), "close")


def test_a_slow_one_is_not_waited_for_and_what_it_misses_is_counted(slow: Slow) -> None:
    sink = _opened(slow)
    sink.write(gray_frame(50, 0))
    assert slow.begun.wait(10)
    for index in range(1, 31):
        sink.write(gray_frame(50, index))
    slow.gate.set()
    sink.close()
    assert slow.frames == [0, *range(23, 31)]
    assert sink.dropped == 22
    assert sink.notes() == ("22 frames were left out of a file: it was written too slowly",)


def test_a_failure_is_raised_by_what_comes_next(slow: Slow) -> None:
    slow.fails = True
    slow.gate.set()
    sink = _opened(slow)
    sink.write(gray_frame(50))
    assert sink._worker.wait(10)
    with pytest.raises(OutputError, match="the disk is full"):
        sink.write(gray_frame(50, 1))
    sink.abort()
    assert slow.ended == "abort"


def test_a_failure_with_the_last_frame_is_raised_by_the_end(slow: Slow) -> None:
    slow.fails = True
    sink = _opened(slow)
    sink.write(gray_frame(50))
    slow.gate.set()
    with pytest.raises(OutputError, match="the disk is full"):
        sink.close()
    assert slow.ended == "abort"


def test_giving_up_writes_what_waits(slow: Slow) -> None:
    sink = _opened(slow)
    sink.write(gray_frame(50, 0))
    assert slow.begun.wait(10)
    sink.write(gray_frame(50, 1))
    slow.gate.set()
    sink.abort()
    assert slow.frames == [0, 1]
    assert slow.ended == "abort"
