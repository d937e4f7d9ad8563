"""A camera that goes and comes back, told in steps: nothing here waits for time to pass."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import cast

import pytest

from realtime.capture import reconnecting as module
from realtime.capture.reconnecting import Reconnecting
from realtime.capture.source import Lost, Source
from realtime.errors import SourceError
from realtime.frame import Frame, VideoFormat
from realtime.worker import Worker
from tests.capture.fakes import FORMAT, FakeSource, frame

# Real seconds after which a test has failed; nothing that passes waits so long.
_HANGS = 10.0


class Driven(Source):
    """Reads what the desk is told to deliver, as a camera without blocking reads does."""

    def __init__(self, desk: Desk, format: VideoFormat = FORMAT) -> None:
        self._desk = desk
        self.format = format
        self.closed = 0

    def read(self) -> Frame | None:
        try:
            item = self._desk.items.get(timeout=0.01)
        except queue.Empty:
            raise Lost("nothing yet") from None
        if isinstance(item, BaseException):
            raise item
        return item

    def notes(self) -> tuple[str, ...]:
        return (f"source {len(self._desk.opened)}",)

    def close(self) -> None:
        self.closed += 1


class Desk:
    """Where a camera is plugged in: opens it, keeps time, and hands out what comes from it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.items: queue.Queue[Frame | BaseException | None] = queue.Queue()
        self.refusals: list[BaseException] = []
        self.opened: list[Source] = []
        self.openings = 0
        self.rests: list[float] = []
        self.patience: list[float] = []
        self.reports: list[str] = []
        self.impatient = False
        self.format = FORMAT
        self.open_next: Callable[[], Source] = lambda: Driven(self, self.format)

    def open(self) -> Source:
        self.openings += 1
        if self.refusals:
            raise self.refusals.pop(0)
        self.opened.append(self.open_next())
        return self.opened[-1]

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        if threading.current_thread().name == "realtime-camera":
            self.rests.append(seconds)
            self.now += seconds
        else:
            self.patience.append(seconds)
            if not self.impatient:
                assert condition.wait(_HANGS), "nothing happened"

    def reconnecting(self, format: VideoFormat | None = None) -> Reconnecting:
        return Reconnecting(
            self.open,
            format=format,
            report=self.reports.append,
            clock=lambda: self.now,
            wait=self.wait,
        )


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def source(desk: Desk) -> Iterator[Reconnecting]:
    with desk.reconnecting() as source:
        yield source


def _next(source: Source) -> Frame:
    """The next frame, however often the source is lost before."""
    for _ in range(100):
        with suppress(Lost):
            frame = source.read()
            assert frame is not None
            return frame
    raise AssertionError("never came back")


def test_frames_pass_with_their_times(desk: Desk, source: Reconnecting) -> None:
    for index in range(3):
        desk.items.put(frame(index, 1000 + 33 * index))
        received = source.read()
        assert received is not None
        assert (received.index, received.pts, received.epoch) == (index, 1000 + 33 * index, 0)
    assert source.format == FORMAT
    assert source.notes() == ("source 1",)


def test_it_refuses_what_cannot_be_opened_at_first(desk: Desk) -> None:
    desk.refusals = [SourceError("camera 0: in use; close zoom")]
    with pytest.raises(SourceError, match="in use; close zoom"):
        desk.reconnecting()
    assert threading.active_count() == 1


def test_unplugging_is_told_at_once_and_what_comes_back_goes_on(
    desk: Desk, source: Reconnecting
) -> None:
    desk.items.put(frame(0, 5000))
    before = _next(source)
    desk.refusals = [SourceError("waiting for it to return")]
    desk.items.put(SourceError("unplugged"))
    with pytest.raises(Lost, match=r"unplugged|waiting"):
        source.read()
    # The new device counts from its own start.
    desk.items.put(frame(0, 12))
    after = _next(source)
    assert (before.index, after.index) == (0, 1)
    assert after.pts > before.pts
    assert (before.epoch, after.epoch) == (0, 1)
    assert source.losses == 1
    assert source.notes() == ("source 2", "the camera was lost once")
    assert [opened.closed for opened in desk.opened] == [1, 0]  # type: ignore[attr-defined]


def test_it_is_tried_again_after_longer_and_longer_times(desk: Desk, source: Reconnecting) -> None:
    desk.items.put(frame())
    _next(source)
    desk.refusals = [SourceError("not yet")] * 5
    desk.items.put(SourceError("unplugged"))
    desk.items.put(frame())
    _next(source)
    assert desk.rests == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]
    # And from the beginning once it has worked.
    desk.items.put(SourceError("unplugged"))
    desk.items.put(frame())
    _next(source)
    assert desk.rests[6:] == [0.25]


def test_a_camera_that_opens_without_a_picture_is_not_tried_ever_faster(
    desk: Desk, source: Reconnecting
) -> None:
    for _ in range(4):
        desk.items.put(SourceError("broken"))
    desk.items.put(frame())
    _next(source)
    assert desk.rests == [0.25, 0.5, 1.0, 2.0]


@pytest.mark.parametrize(("rate", "patience"), [(30, 0.4), (60, 0.4), (5, 0.6)])
def test_a_driver_that_hangs_is_noticed_in_time(desk: Desk, rate: int, patience: float) -> None:
    """The reader is held inside the driver; read() must return all the same."""
    held = threading.Event()

    class Hanging(FakeSource):
        def read(self) -> Frame | None:
            assert held.wait(_HANGS)
            return frame()

    hanging = Hanging()
    hanging.format = replace(FORMAT, frame_rate=Fraction(rate))
    desk.open_next = lambda: hanging
    desk.impatient = True
    with desk.reconnecting() as source:
        with pytest.raises(Lost):
            source.read()
        assert desk.patience == [patience]
        held.set()


def test_a_silent_camera_is_lost_and_the_next_frame_is_of_another_epoch(
    desk: Desk, source: Reconnecting
) -> None:
    desk.items.put(frame())
    assert _next(source).epoch == 0
    desk.impatient = True
    for _ in range(3):
        with pytest.raises(Lost, match=r"no picture for 0\.4 s"):
            source.read()
    desk.impatient = False
    desk.items.put(frame())
    assert _next(source).epoch == 1
    assert source.losses == 1
    assert desk.openings == 1


def test_a_camera_that_stays_silent_is_opened_anew(desk: Desk, source: Reconnecting) -> None:
    desk.items.put(frame())
    _next(source)
    desk.now += 1.9
    desk.items.put(frame())
    assert _next(source).epoch == 0
    desk.now += 2.1
    with pytest.raises(Lost, match="no picture for 2 s"):
        source.read()
    desk.items.put(frame())
    assert _next(source).epoch == 1
    assert desk.openings == 2


def test_a_slow_first_picture_is_waited_for(desk: Desk, source: Reconnecting) -> None:
    desk.impatient = True
    desk.now += 4.5
    with pytest.raises(Lost, match="no picture yet") as caught:
        source.read()
    assert caught.value.starting
    assert (source.trouble, desk.reports) == ("", [])
    desk.impatient = False
    desk.items.put(frame())
    first = _next(source)
    assert (first.index, first.epoch, source.losses, desk.openings) == (0, 0, 0, 1)


@pytest.mark.parametrize(("times", "openings"), [(3, 1), (10, 2)])
def test_a_stream_that_waits_for_a_key_frame_is_opened_anew_only_after_long(
    desk: Desk, source: Reconnecting, times: int, openings: int
) -> None:
    for _ in range(times):
        for _ in range(2):  # when the second is taken, the first has been heeded
            desk.items.put(Lost("no key frame yet", starting=True))
        while not desk.items.empty():
            threading.Event().wait(0.001)
        desk.now += 4.5
    desk.items.put(frame())
    assert _next(source).index == 0
    assert desk.openings == openings


def test_a_burst_waits_and_of_more_the_oldest_are_counted(desk: Desk, source: Reconnecting) -> None:
    for index in range(module._WAITING + 2):
        desk.items.put(frame(index, index))
    desk.items.put(SourceError("unplugged"))
    # Once it is opened anew, everything before has been handed over.
    desk.refusals = [SourceError("waiting")] * 1000
    while desk.openings < 3:
        threading.Event().wait(0.001)
    received = [source.read() for _ in range(module._WAITING)]
    assert [frame and frame.index for frame in received] == [2, 3, 4]
    assert source.dropped == 2
    with pytest.raises(Lost):
        source.read()


def test_what_the_source_gave_up_is_counted(
    desk: Desk, source: Reconnecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.items.put(frame())
    assert _next(source).index == 0
    read = Driven.read

    def giving_up(driven: Driven) -> Frame | None:
        found = read(driven)
        driven.dropped += 7
        return found

    monkeypatch.setattr(Driven, "read", giving_up)
    desk.items.put(frame(1, 1))
    desk.items.put(frame(2, 2))
    assert [_next(source).index, _next(source).index] == [1, 2]
    assert source.dropped in (7, 14)  # one may have been asked for before the change


def test_what_holds_an_opening_does_not_hold_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, until: Callable[[Callable[[], bool]], None]
) -> None:
    desk, asked, answered = Desk(), threading.Event(), threading.Event()

    def open() -> Source:
        asked.set()
        assert answered.wait(_HANGS)
        return desk.open()

    wait = Worker.wait

    def interrupted(worker: Worker, timeout: float) -> bool:
        assert asked.wait(_HANGS)
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Reconnecting(open)
    monkeypatch.setattr(Worker, "wait", wait)
    answered.set()
    until(lambda: bool(desk.opened and cast(Driven, desk.opened[0]).closed))


def test_a_frame_that_waits_as_it_is_paused_is_counted(desk: Desk, source: Reconnecting) -> None:
    for index in range(2):
        desk.items.put(frame(index, index))
    while source.dropped + len(source._frames) < 2:
        threading.Event().wait(0.001)
    source.pause()
    assert source.dropped == 2
    with pytest.raises(Lost):
        source.read()


def test_a_loss_is_told_right_after_the_last_frame(desk: Desk, source: Reconnecting) -> None:
    """Also to a reader that is late: the frame was there before it asked."""
    desk.items.put(frame())
    desk.items.put(SourceError("unplugged"))
    desk.refusals = [SourceError("waiting")] * 1000
    while desk.openings < 2:
        threading.Event().wait(0.001)
    assert source.read() is not None
    with pytest.raises(Lost):
        source.read()
    assert desk.patience == []


def test_a_loss_that_nobody_noticed_is_told_by_the_epoch_alone(
    desk: Desk, source: Reconnecting
) -> None:
    desk.items.put(frame())
    _next(source)
    desk.items.put(SourceError("unplugged"))
    desk.items.put(frame())
    while not source._frames:
        threading.Event().wait(0.001)
    received = source.read()
    assert received is not None
    assert received.epoch == 1
    desk.items.put(frame())
    assert source.read() is not None


def test_times_increase_whatever_the_device_says(desk: Desk, source: Reconnecting) -> None:
    pts = []
    for stamp in (50, 50, 49, 60):
        desk.items.put(frame(0, stamp))
        pts.append(_next(source).pts)
    assert pts == [50, 51, 52, 60]


def test_pausing_lets_the_device_go_and_resuming_takes_it_again(
    desk: Desk, source: Reconnecting
) -> None:
    desk.items.put(frame())
    _next(source)
    source.pause()
    source.pause()
    with pytest.raises(Lost) as caught:
        source.read()
    assert caught.value.paused
    first = desk.opened[0]
    assert isinstance(first, Driven)
    while not first.closed:
        threading.Event().wait(0.001)
    assert desk.openings == 1
    source.resume()
    source.resume()
    desk.items.put(frame())
    assert _next(source).epoch == 1
    assert desk.openings == 2
    assert source.losses == 0


def test_a_frame_from_before_the_pause_is_not_shown_after_it(
    desk: Desk, source: Reconnecting
) -> None:
    desk.items.put(frame(0, 1))
    while not desk.items.empty():
        threading.Event().wait(0.001)
    source.pause()
    with pytest.raises(Lost):
        source.read()
    source.resume()
    desk.items.put(frame(0, 2))
    assert _next(source).pts == 2


def test_a_source_that_begins_paused_is_not_opened(desk: Desk) -> None:
    asked = VideoFormat(1280, 720, Fraction(30), Fraction(1, 10**9))
    desk.impatient = True
    with desk.reconnecting(asked) as source:
        assert source.format == asked
        with pytest.raises(Lost) as caught:
            source.read()
        assert caught.value.paused
        assert desk.openings == 0
        source.resume()
        with pytest.raises(Lost) as caught:
            source.read()
        assert (caught.value.paused, caught.value.starting) == (False, True)
        desk.impatient = False
        desk.items.put(frame())
        assert _next(source).index == 0
        desk.items.put(SourceError("unplugged"))
        with pytest.raises(Lost) as caught:
            source.read()
        assert not caught.value.starting


def test_a_camera_missing_on_resume_is_waited_for(desk: Desk) -> None:
    desk.refusals = [SourceError("there is no /dev/video0")] * 3
    with desk.reconnecting(FORMAT) as source:
        source.resume()
        desk.items.put(frame())
        assert _next(source).epoch == 0
    assert desk.openings == 4


def test_a_source_that_ends_has_ended(desk: Desk, source: Reconnecting) -> None:
    desk.items.put(None)
    assert [source.read() for _ in range(3)] == [None] * 3


def test_closing_ends_a_read_under_way(desk: Desk, source: Reconnecting) -> None:
    results: queue.Queue[Frame | None] = queue.Queue()
    reader = threading.Thread(target=lambda: results.put(source.read()))
    reader.start()
    source.close()
    assert results.get(timeout=_HANGS) is None
    reader.join()
    assert source.read() is None
    source.close()


@pytest.mark.parametrize("state", ["reading", "lost", "paused", "never read"])
def test_closing_releases_the_camera_in_every_state(desk: Desk, state: str) -> None:
    source = desk.reconnecting()
    if state != "never read":
        desk.items.put(frame())
        _next(source)
    if state == "lost":
        desk.refusals = [SourceError("gone")] * 1000
        desk.items.put(SourceError("unplugged"))
        with pytest.raises(Lost):
            source.read()
    elif state == "paused":
        source.pause()
    source.close()
    assert all(isinstance(opened, Driven) and opened.closed == 1 for opened in desk.opened)
    assert source.read() is None


def test_closing_interrupts_the_wait_between_attempts() -> None:
    """With the real way of waiting: a second and more lies before the next attempt."""
    attempts = threading.Semaphore(0)
    sources = iter([FakeSource(frame(), SourceError("unplugged"))])

    def open() -> Source:
        attempts.release()
        source = next(sources, None)
        if source is None:
            raise SourceError("waiting")
        return source

    source = Reconnecting(open)
    assert attempts.acquire(timeout=_HANGS)
    assert attempts.acquire(timeout=_HANGS)
    source.close()


def test_a_reader_that_is_held_is_left_behind_and_closes_its_camera_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_JOIN_SECONDS", 0.01)
    held, inside = threading.Event(), threading.Event()

    class Hanging(FakeSource):
        def read(self) -> Frame | None:
            inside.set()
            assert held.wait(_HANGS)
            return frame()

    hanging = Hanging()
    desk.open_next = lambda: hanging
    source = desk.reconnecting()
    assert inside.wait(_HANGS)
    reader = next(each for each in threading.enumerate() if each.name == "realtime-camera")
    assert reader.daemon
    source.close()
    closings = [hanging.closed]
    assert source.read() is None
    held.set()
    reader.join(_HANGS)
    closings.append(hanging.closed)
    assert closings == [0, 1]


def test_a_defect_comes_out_in_the_reading_thread(desk: Desk, source: Reconnecting) -> None:
    desk.items.put(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        source.read()
    assert [opened.closed for opened in desk.opened] == [1]  # type: ignore[attr-defined]


def test_a_camera_that_returns_with_another_rate_is_watched_by_it(
    desk: Desk, source: Reconnecting
) -> None:
    desk.items.put(frame())
    _next(source)
    assert source.patience == 0.4
    desk.format = replace(FORMAT, frame_rate=Fraction(5))
    desk.items.put(SourceError("unplugged"))
    desk.items.put(frame())
    _next(source)
    assert source.patience == 0.6


def test_what_it_got_and_why_there_is_nothing_is_told_as_it_happens(
    desk: Desk, source: Reconnecting
) -> None:
    desk.items.put(frame(0, 5000))
    _next(source)
    assert (desk.reports, source.trouble) == (["source 1"], "")
    desk.refusals = [SourceError("in use; close zoom")] * 3
    desk.items.put(SourceError("unplugged"))
    desk.items.put(frame(0, 5000))
    while _next(source).epoch == 0:
        pass
    assert desk.reports == ["source 1", "unplugged", "in use; close zoom", "source 2"]
    assert source.trouble == ""


def test_a_camera_that_falls_silent_is_told_once(desk: Desk, source: Reconnecting) -> None:
    desk.items.put(frame(0, 5000))
    _next(source)
    desk.impatient = True
    for _ in range(3):
        with pytest.raises(Lost, match="no picture for"):
            source.read()
    silence = source.trouble
    assert silence.startswith("no picture for")
    assert desk.reports == ["source 1", silence]
    desk.impatient = False
    desk.items.put(frame(1, 6000))
    _next(source)
    assert source.trouble == ""
    desk.impatient = True
    with pytest.raises(Lost, match="no picture for"):
        source.read()
    assert desk.reports == ["source 1", silence] * 2


def test_a_camera_that_was_never_there_is_told_while_it_is_wanted(desk: Desk) -> None:
    """As with --on-demand, which begins without opening it."""
    desk.refusals = [SourceError("camera 7: there is no such camera")] * 10_000
    desk.impatient = True
    with desk.reconnecting(FORMAT) as source:
        assert source.trouble == ""
        with pytest.raises(Lost):
            source.read()
        assert desk.reports == []
        source.resume()
        while not source.trouble:
            with pytest.raises(Lost):
                source.read()
        with pytest.raises(Lost, match="there is no such camera"):
            source.read()
        assert desk.reports == ["camera 7: there is no such camera"]
        assert source.trouble == "camera 7: there is no such camera"
