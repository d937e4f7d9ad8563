"""The contracts of a run: order, completeness, own alphas, failures, and the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from realtime.capture.source import Source
from realtime.errors import Interrupted
from realtime.frame import Frame, Matte, VideoFormat
from realtime.output.sink import NullSink, Sink
from realtime.pipeline import Pipeline
from realtime.stats import Progress
from realtime.worker import Worker
from tests.media import gray_frame, luma_of_index, matte_of

_FORMAT = VideoFormat(64, 48, Fraction(30), Fraction(1, 30))


class Broken(Exception):  # noqa: N818 - it is the stage that is broken
    """What a failing stage raises here."""


class CountingSource(Source):
    """Frames whose luma tells their index; calls `gate` before each."""

    def __init__(self, count: int, *, fail_at: int | None = None) -> None:
        self.format = replace(_FORMAT, frame_count=count)
        self.delivered = 0
        self.gate: Callable[[int], None] = lambda index: None
        self._count = count
        self._fail_at = fail_at

    def read(self) -> Frame | None:
        index = self.delivered
        self.gate(index)
        if index == self._fail_at:
            raise Broken("capture")
        if index >= self._count:
            return None
        self.delivered += 1
        return gray_frame(luma_of_index(index), index)

    def notes(self) -> tuple[str, ...]:
        return ("from the source",)

    def close(self) -> None:
        pass


class LumaEstimator:
    """Gives every frame an alpha that says which frame it was made for."""

    model = "test"
    computes = ("TestProvider", "for a test")

    def __init__(self, fail_at: int | None = None) -> None:
        self._fail_at = fail_at

    def matte(self, frame: Frame) -> Matte:
        if frame.index == self._fail_at:
            raise Broken("inference")
        return matte_of(frame, float(frame.planes.y[0, 0]) / 255)

    def reset(self) -> None:
        """It remembers nothing."""


class ListSink(Sink):
    """Keeps every frame."""

    pump_interval = 0.001

    def __init__(self, fail_at: int | None = None) -> None:
        self.frames: list[Frame] = []
        self.events: list[str] = []
        self.close_after: int | None = None
        self.gate: Callable[[Frame], None] = lambda frame: None
        self._fail_at = fail_at

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        self.events.append("open")

    def write(self, frame: Frame) -> None:
        self.gate(frame)
        if frame.index == self._fail_at:
            raise Broken("output")
        self.frames.append(frame)

    def pump(self) -> bool:
        return self.close_after is None or len(self.frames) < self.close_after

    def close(self, *, early: bool = False) -> None:
        self.events.append("close early" if early else "close")

    def abort(self) -> None:
        self.events.append("abort")


def _own_alpha(matte: Matte) -> Frame:
    """A compositor that insists on the alpha that was made for the frame."""
    luma = matte.frame.planes.y[0, 0]
    np.testing.assert_array_equal(np.rint(matte.alpha * 255), luma)
    return matte.frame


def _run(source: Source, sink: Sink, estimator: LumaEstimator | None = None) -> Pipeline:
    return Pipeline(source, estimator or LumaEstimator(), _own_alpha, sink)


def test_a_file_comes_out_whole_in_order_and_with_its_own_alphas() -> None:
    sink = ListSink()
    summary = _run(CountingSource(100), sink).run()
    assert [frame.index for frame in sink.frames] == list(range(100))
    assert (summary.frames_in, summary.frames_out, summary.frames_dropped) == (100, 100, 0)
    assert sink.events == ["open", "close"]
    assert summary.notes == ("from the source",)
    assert (summary.provider, summary.provider_reason) == ("TestProvider", "for a test")


def test_what_computes_is_told_at_the_start_and_when_it_changes() -> None:
    """A device may refuse during a run what it did before."""
    estimator, sink, told = LumaEstimator(), ListSink(), list[str]()
    waiting = threading.Event()

    def gate(index: int) -> None:
        estimator.computes = ("TestProvider", "for a test" if index < 5 else "for lack of memory")
        if index == 9:  # long enough for the caller's thread to see it
            assert waiting.wait(10)

    def report(line: str) -> None:
        told.append(line)
        if "lack" in line:
            waiting.set()

    source = CountingSource(10)
    source.gate = gate
    Pipeline(source, estimator, _own_alpha, sink, report=report).run()
    assert told == [
        "test on TestProvider (for a test)",
        "test on TestProvider (for lack of memory)",
    ]


def test_a_slow_output_loses_nothing_of_a_file_and_bounds_what_is_read_ahead() -> None:
    source, sink = CountingSource(60), ListSink()
    ahead: list[int] = []
    sink.gate = lambda frame: ahead.append(source.delivered - frame.index)
    _run(source, sink).run()
    assert len(sink.frames) == 60
    # Two channels of four, one frame in the hands of each thread, and one being read.
    assert max(ahead) <= 4 + 4 + 3 + 1


@pytest.mark.parametrize("fail_at", [0, 20])
@pytest.mark.parametrize("stage", ["capture", "inference", "output"])
def test_a_failing_stage_fails_the_caller_and_gives_the_output_up(stage: str, fail_at: int) -> None:
    # Endless, so that only the failure can end it.
    source = CountingSource(10**9, fail_at=fail_at if stage == "capture" else None)
    sink = ListSink(fail_at=fail_at if stage == "output" else None)
    estimator = LumaEstimator(fail_at=fail_at if stage == "inference" else None)
    with pytest.raises(Broken, match=stage) as caught:
        _run(source, sink, estimator).run()
    assert sink.events == ["open", "abort"]
    assert any(entry.name in ("read", "matte", "write") for entry in caught.traceback)


def test_a_failing_composite_is_a_failure_of_the_output() -> None:
    def fail(matte: Matte) -> Frame:
        raise Broken("composite")

    sink = ListSink()
    with pytest.raises(Broken, match="composite"):
        Pipeline(CountingSource(10**9), LumaEstimator(), fail, sink).run()
    assert sink.events == ["open", "abort"]
    assert sink.frames == []


def test_a_sink_that_cannot_open_fails_before_anything_runs() -> None:
    class Unopenable(NullSink):
        def open(self, video: VideoFormat, *, transparent: bool) -> None:
            raise Broken("open")

    source = CountingSource(10)
    with pytest.raises(Broken, match="open"):
        _run(source, Unopenable()).run()
    assert source.delivered == 0


def test_stopping_finishes_what_was_captured() -> None:
    source, sink = CountingSource(10**9), ListSink()
    pipeline = _run(source, sink)

    def stop_at(frame: Frame) -> None:
        if frame.index == 10:
            pipeline.stop()

    sink.gate = stop_at
    summary = pipeline.run()
    assert summary.frames_in == summary.frames_out == source.delivered
    assert [frame.index for frame in sink.frames] == list(range(source.delivered))
    assert sink.events == ["open", "close early"]


def test_a_user_who_closes_the_output_ends_the_run() -> None:
    sink = ListSink()
    sink.close_after = 5
    _run(CountingSource(10**9), sink).run()
    assert sink.events == ["open", "close early"]


def test_ctrl_c_finishes_the_output_and_then_interrupts_the_caller() -> None:
    source, sink = CountingSource(10**9), ListSink()

    def press(progress: Progress) -> None:
        if not pressed and progress.frames > 3:
            pressed.append(True)
            raise KeyboardInterrupt

    pressed: list[bool] = []
    with pytest.raises(Interrupted) as caught:
        _run(source, sink).run(press)
    summary = caught.value.summary
    assert summary.frames_out == source.delivered == len(sink.frames)
    assert sink.events == ["open", "close early"]
    assert summary.notes[-1] == f"interrupted: the first {summary.frames_out} frames are kept"


@pytest.fixture
def _ctrl_c_as_usual() -> Iterator[None]:
    """SIGINT as a program finds it, whatever runs the tests has made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c_as_usual")
@pytest.mark.parametrize("bounces", [1, 5])
def test_a_ctrl_c_that_bounces_is_one(monkeypatch: pytest.MonkeyPatch, bounces: int) -> None:
    sink = ListSink()
    pipeline = _run(CountingSource(10**9), sink)
    monkeypatch.setattr("realtime.running.PATIENCE", 1000.0)
    wait_for, left = pipeline._wait_for, [bounces]

    def interrupted(*arguments: Any) -> None:
        while left[0]:
            left[0] -= 1
            signal.raise_signal(signal.SIGINT)
        wait_for(*arguments)

    monkeypatch.setattr(pipeline, "_wait_for", interrupted)
    with pytest.raises(Interrupted):
        pipeline.run()
    assert sink.events == ["open", "close early"]


@pytest.mark.usefixtures("_ctrl_c_as_usual")
def test_a_ctrl_c_while_a_run_is_being_stopped_breaks_nothing_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An Event whose `set` is broken off may stay locked, and who waits for it hangs."""
    sink = ListSink()
    sink.close_after = 5
    pipeline = _run(CountingSource(10**9), sink)
    set_event = pipeline._stopping.set
    pressed: list[bool] = []

    def interrupted() -> None:
        if not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)
        set_event()

    monkeypatch.setattr(pipeline._stopping, "set", interrupted)
    pipeline.run()
    assert pressed
    assert sink.events == ["open", "close early"]


@pytest.mark.parametrize("method", ["open", "close"])
def test_ctrl_c_while_the_output_opens_or_finishes_leaves_nothing_half_done(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    sink = ListSink()

    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sink, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        _run(CountingSource(5), sink).run()
    assert sink.events[-1] == "abort"


@pytest.mark.usefixtures("_ctrl_c_as_usual")
def test_no_ctrl_c_keeps_threads_from_being_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever closes the source next would close it under a thread that reads it."""
    join, joined = Worker.join, []

    def interrupted(worker: Worker) -> None:
        signal.raise_signal(signal.SIGINT)
        join(worker)
        joined.append(worker)

    monkeypatch.setattr(Worker, "join", interrupted)
    _run(CountingSource(3), ListSink()).run()
    assert len(joined) == 3


def test_a_second_ctrl_c_does_not_wait_for_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = ListSink()
    twice = threading.Event()
    presses: list[None] = []

    def press() -> bool:
        presses.append(None)
        if len(presses) == 2:
            twice.set()
        raise KeyboardInterrupt

    def hang(frame: Frame) -> None:
        assert twice.wait(10)

    monkeypatch.setattr("realtime.running.PATIENCE", 0.0)
    monkeypatch.setattr(sink, "pump", press)
    sink.gate = hang
    with pytest.raises(KeyboardInterrupt):
        _run(CountingSource(10**9), sink).run()
    assert sink.events == ["open", "abort"]


def test_a_source_without_frames_leaves_no_output() -> None:
    sink = ListSink()
    summary = _run(CountingSource(0), sink).run()
    assert summary.frames_out == 0
    assert sink.events[:2] == ["open", "abort"]


def test_progress_ends_with_all_frames() -> None:
    seen: list[Progress] = []
    _run(CountingSource(40), ListSink()).run(seen.append)
    assert seen[-1].frames == seen[-1].expected == 40
    assert [p.frames for p in seen] == sorted(p.frames for p in seen)
