"""The contracts of a live run: current, alive through every gap, and never the raw room."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from realtime.capture.source import Lost, Source
from realtime.errors import Interrupted
from realtime.frame import Frame, Matte, Planes, VideoFormat
from realtime.live_pipeline import LivePipeline, _Attempts
from realtime.output.backgrounds import Color
from realtime.output.compositor import Compositor
from realtime.output.guard import State
from realtime.output.sink import Sink
from realtime.settings import Settings, SettingsStore
from realtime.stats import Progress, Stats
from tests.media import BT709, matte_of

WIDTH, HEIGHT = 64, 48
VIDEO = VideoFormat(WIDTH, HEIGHT, Fraction(200), Fraction(1, 10**9), BT709)

# The raw room, a luma that nothing else here has; the person before it; and its background.
ROOM = 222
PERSON = 90
BACKGROUND = (0, 60, 0)

# No lateness but where a test wants it: this machine may be busy.
PATIENT = 60.0

Script = Iterator[Callable[[], bool]]


class Broken(Exception):  # noqa: N818 - it is the stage that is broken
    """What a failing stage raises here."""


class ScriptedSource(Source):
    """Delivers what the test gives it, and waits while there is nothing, until it is given up."""

    format = VIDEO

    def __init__(self) -> None:
        self._items: queue.Queue[Frame | Lost] = queue.Queue()
        self._index = 0
        self.epoch = 0
        self.given_up: Callable[[], bool] = lambda: False

    def give(self, *, age: float = 0.0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> int:
        """Hands over a raw frame; its left half is the person. Returns its index."""
        width, height = size
        planes = Planes.empty(height, width)
        planes.y[:, : width // 2] = PERSON
        planes.y[:, width // 2 :] = ROOM
        planes.u.fill(128)
        planes.v.fill(128)
        pts = time.monotonic_ns() - round(age * 1e9)
        self._items.put(
            Frame(planes, self._index, pts, Fraction(1, 10**9), BT709, None, self.epoch)
        )
        self._index += 1
        return self._index - 1

    def lose(self, *, paused: bool = False, starting: bool = False) -> None:
        """The camera is gone; what comes after is another epoch."""
        self._items.put(Lost("unplugged", paused=paused, starting=starting))
        self.epoch += 1

    def read(self) -> Frame | None:
        while not self.given_up():
            with suppress(queue.Empty):
                item = self._items.get(timeout=0.01)
                if isinstance(item, Lost):
                    raise item
                return item
        return None

    def close(self) -> None:
        """Nothing is held."""


class QuarterEstimator:
    """Finds the person, a little too small, so that no room is in the alpha; or whatever is told.

    Attributes:
        broken: whether it fails.
        gate: waits for this before each frame.
        nobody: whether it finds none.
    """

    model = "test"
    computes = ("TestProvider", "for a test")
    level = "the only one"
    plain = False

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.broken = False
        self.nobody = False
        self.gate = threading.Event()
        self.gate.set()
        self.attempts = 0
        self.resets = 0

    def tried(self, attempts: int) -> bool:
        return self.attempts >= attempts

    def matte(self, frame: Frame) -> Matte:
        assert self.gate.wait(10)
        self.attempts += 1
        if self.broken:
            raise Broken("inference")
        alpha = np.zeros((12, 16), np.float32)
        if not self.nobody:
            alpha[:, :4] = 1
        return matte_of(frame, alpha)

    def reset(self) -> None:
        self.resets += 1

    def delivered(self, latency: float) -> None:
        self.latencies.append(latency)


class ScriptedSink(Sink):
    """Keeps every frame; the thread that runs the pipeline goes through a script meanwhile.

    The script yields conditions to wait for; at its end the user closes the output.
    """

    pump_interval = 0.001

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.ended = ""
        self.script: Script = iter(())
        self._condition: Callable[[], bool] | None = None
        self._deadline = time.monotonic() + 10

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        assert (video.width, video.height) == (WIDTH, HEIGHT)

    def write(self, frame: Frame) -> None:
        assert frame.planes.y.shape == (HEIGHT, WIDTH)
        self.frames.append(frame)

    def pump(self) -> bool:
        if time.monotonic() > self._deadline:
            self.script.close()  # type: ignore[attr-defined] # it is a generator
            pytest.fail("what the script waits for does not come")
        if self._condition is None or self._condition():
            self._condition = next(self.script, None)
        return self._condition is not None

    def close(self, *, early: bool = False) -> None:
        self.ended = self.ended or "close"

    def abort(self) -> None:
        self.ended = self.ended or "abort"


Composite = Callable[[Matte, Settings], Frame]

_COMPOSITOR = Compositor(Color(BACKGROUND))


def _composite(matte: Matte, settings: Settings) -> Frame:
    return _COMPOSITOR(matte)


def _let_through(matte: Matte, settings: Settings) -> Frame:
    """What must never be: the raw picture."""
    return matte.frame


class Scene:
    """A live run with scripted ends."""

    def __init__(
        self, composite: Composite = _composite, seconds: float | None = None, **options: Any
    ) -> None:
        self.source = ScriptedSource()
        self.estimator = QuarterEstimator()
        self.sink = ScriptedSink()
        self.store = SettingsStore(Settings(**{"max_staleness": PATIENT, **options}))
        self.stats = Stats()
        self.reports: list[str] = []
        # What the compositor was told of outlines, frame by frame.
        self.plain: list[bool] = []

        def finish(matte: Matte, settings: Settings, *, plain: bool) -> Frame:
            self.plain.append(plain)
            return composite(matte, settings)

        self.pipeline = LivePipeline(
            self.source,
            self.estimator,
            finish,
            self.sink,
            VIDEO,
            self.store,
            seconds=seconds,
            stats=self.stats,
            report=self.reports.append,
        )
        self.source.given_up = self.pipeline._stopping.is_set

    def run(self, script: Script, on_progress: Callable[[Progress], None] | None = None) -> Any:
        def to_the_end() -> Script:
            try:
                yield from script
            finally:
                self.estimator.gate.set()

        self.sink.script = to_the_end()
        try:
            return self.pipeline.run(on_progress)
        finally:
            self.sink.script.close()  # type: ignore[attr-defined] # it is a generator

    def shown(self, index: int) -> Callable[[], bool]:
        """Whether frame `index` of the camera has left."""
        return lambda: any(frame.index == index for frame in self.sink.frames)

    def replaced(self, state: State, count: int = 3) -> Callable[[], bool]:
        """Whether so many pictures more have left in that state that no camera took."""
        start: list[int] = []

        def check() -> bool:
            if self.pipeline.figures().state != state.value:
                return False
            if not start:
                start.append(len(self.sink.frames))
            new = self.sink.frames[start[0] :]
            return len([frame for frame in new if frame.index < 0]) >= count

        return check

    def flowing(self) -> Script:
        """Gives frames until one of them leaves."""
        first = self.source.give()
        while not any(frame.index >= first for frame in self.sink.frames):
            self.source.give()
            yield lambda: True

    def live(self, age: float = 0.0) -> Callable[[], bool]:
        """Gives a frame, and waits for it to leave."""
        return self.shown(self.source.give(age=age))


def room_in(frame: Frame) -> bool:
    """Whether a pixel of the raw room can be seen."""
    return bool((np.abs(frame.planes.y.astype(int) - ROOM) <= 6).any())


def test_the_room_would_be_seen_if_it_left() -> None:
    """The proofs below can fail: a compositor that lets it through is found out."""
    scene = Scene(_let_through)
    scene.run(iter([scene.live()]))
    assert any(map(room_in, scene.sink.frames))


def _starting(scene: Scene) -> Script:
    scene.estimator.gate.clear()
    scene.source.give()
    yield scene.replaced(State.STARTING)
    scene.estimator.gate.set()
    yield scene.shown(0)


def _camera_lost(scene: Scene) -> Script:
    yield scene.live()
    scene.source.lose()
    yield scene.replaced(State.LOST)
    yield scene.live()


def _camera_never_there(scene: Scene) -> Script:
    scene.source.lose(starting=True)
    yield scene.replaced(State.STARTING)
    scene.source.lose()
    yield scene.replaced(State.LOST)


def _let_go(scene: Scene) -> Script:
    yield scene.live()
    scene.source.lose(paused=True)
    yield scene.replaced(State.PAUSED)
    yield scene.live()


def _inference_fails(scene: Scene) -> Script:
    yield scene.live()
    scene.estimator.broken = True
    scene.source.give()
    yield scene.replaced(State.FAILED)
    scene.estimator.broken = False
    yield scene.live()


def _first_inference_fails(scene: Scene) -> Script:
    scene.estimator.broken = True
    scene.source.give()
    yield scene.replaced(State.FAILED)


def _silence(scene: Scene) -> Script:
    yield scene.live()
    scene.store.update(max_staleness=0.02)
    yield scene.replaced(State.LATE)
    scene.store.update(max_staleness=PATIENT)
    yield from scene.flowing()


def _late_alpha(scene: Scene) -> Script:
    yield scene.live()
    scene.source.give(age=PATIENT + 1)
    yield scene.replaced(State.LATE)


def _nobody(scene: Scene) -> Script:
    yield scene.live(age=40)
    scene.store.update(nobody_after=5.0)
    scene.estimator.nobody = True
    scene.source.give(age=20)
    yield scene.replaced(State.NOBODY)
    scene.estimator.nobody = False
    yield scene.live()


def _panic(scene: Scene) -> Script:
    yield scene.live()
    scene.store.update(panic=True)
    yield scene.replaced(State.PANIC)
    scene.source.give()
    yield scene.replaced(State.PANIC)
    scene.store.update(panic=False)
    yield scene.live()


def _panic_from_the_start(scene: Scene) -> Script:
    scene.store.update(panic=True)
    scene.source.give()
    yield scene.replaced(State.PANIC)


def _freeze(scene: Scene) -> Script:
    yield scene.live()
    scene.store.update(freeze=True)
    yield scene.replaced(State.FROZEN)
    scene.source.lose()
    scene.source.give()
    yield scene.replaced(State.FROZEN)
    scene.store.update(freeze=False)
    yield scene.live()


def _freeze_before_anything(scene: Scene) -> Script:
    scene.store.update(freeze=True)
    scene.estimator.gate.clear()
    scene.source.give()
    yield scene.replaced(State.STARTING)


SCENARIOS = [
    _starting,
    _camera_lost,
    _camera_never_there,
    _let_go,
    _inference_fails,
    _first_inference_fails,
    _silence,
    _late_alpha,
    _nobody,
    _panic,
    _panic_from_the_start,
    _freeze,
    _freeze_before_anything,
]


@pytest.mark.parametrize("fallback", ["card", "blur", "black"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_room_never_leaves_and_the_output_goes_on(
    scenario: Callable[[Scene], Script], fallback: str
) -> None:
    scene = Scene(fallback=fallback)
    scene.run(scenario(scene))
    assert any(frame.index < 0 for frame in scene.sink.frames)
    assert not any(map(room_in, scene.sink.frames))
    assert scene.sink.ended == "close"


def test_a_panic_takes_hold_of_the_picture_that_is_being_made() -> None:
    store: list[SettingsStore] = []

    def composite(matte: Matte, settings: Settings) -> Frame:
        store[0].update(panic=True)
        return matte.frame

    scene = Scene(composite)
    store.append(scene.store)

    def script() -> Script:
        scene.source.give()
        yield scene.replaced(State.PANIC)

    scene.run(script())
    assert not any(map(room_in, scene.sink.frames))


def test_what_was_sent_before_a_panic_does_not_return_as_a_frozen_or_blurred_picture() -> None:
    scene = Scene(fallback="blur")
    sent: list[int] = []

    def script() -> Script:
        yield scene.live()
        scene.store.update(panic=True, freeze=True)
        yield scene.replaced(State.PANIC)
        sent.append(len(scene.sink.frames))
        scene.store.update(panic=False)
        scene.source.lose()
        yield scene.replaced(State.LOST)

    scene.run(script())
    assert any((frame.planes.u != 128).any() for frame in scene.sink.frames), (
        "the background is green"
    )
    for frame in scene.sink.frames[sent[0] - 3 :]:
        assert (frame.planes.u == 128).all()


def test_a_frozen_picture_is_the_last_that_left() -> None:
    scene = Scene()
    scene.run(_freeze(scene))
    frames = scene.sink.frames
    at = next(number for number, frame in enumerate(frames) if frame.index == 0)
    first, frozen = frames[at], frames[at + 1 : at + 7]
    np.testing.assert_array_equal(frozen[0].planes.y, first.planes.y)
    times = [frame.time for frame in frozen]
    assert times == sorted(set(times))


def test_the_compositor_is_told_how_the_level_treats_outlines() -> None:
    scene = Scene()

    def script() -> Script:
        yield scene.live()
        scene.estimator.plain = True
        yield scene.live()

    scene.run(script())
    assert (scene.plain[0], scene.plain[-1]) == (False, True)


def test_a_camera_that_returns_makes_the_estimator_start_afresh() -> None:
    scene = Scene()
    scene.run(_camera_lost(scene))
    assert scene.estimator.resets == 1


def test_a_failure_makes_the_estimator_start_afresh_and_is_told() -> None:
    scene = Scene()
    summary = scene.run(_inference_fails(scene))
    assert scene.estimator.resets == 1
    assert scene.reports[1:] == ["matting failed: inference"]
    assert summary.frames_out + summary.frames_dropped == summary.frames_in


def test_why_something_fails_is_told_in_one_line() -> None:
    reports: list[str] = []
    attempts = _Attempts("matting", reports.append)
    for error in (ValueError("(-215) size\nin function 'resize'"), MemoryError(), MemoryError()):
        attempts.failed(error)
    assert reports == ["matting failed: (-215) size", "matting failed: MemoryError"]
    assert attempts.lost == 3


def test_a_camera_that_is_let_go_of_and_taken_again_is_not_lost() -> None:
    scene = Scene()

    def script() -> Script:
        yield scene.live()
        scene.source.lose(paused=True)
        yield scene.replaced(State.PAUSED)
        scene.source.lose(starting=True)
        yield scene.replaced(State.STARTING)
        yield scene.live()

    summary = scene.run(script())
    assert not any("lost" in note for note in summary.notes)


def test_figures_from_before_the_start_are_of_no_time() -> None:
    assert Scene().pipeline.figures().seconds == 0


def test_a_network_that_goes_on_failing_fails_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.live_pipeline._LONGEST_PAUSE", 0.0)
    scene = Scene()
    scene.estimator.broken = True

    def script() -> Script:
        attempt = 0
        while True:
            scene.source.give()
            attempt += 1
            yield functools.partial(scene.estimator.tried, attempt)

    with pytest.raises(Broken, match="inference") as caught:
        scene.run(script())
    assert scene.estimator.attempts == 11
    assert any(entry.name == "matte" for entry in caught.traceback)
    assert scene.sink.ended == "abort"
    assert not any(map(room_in, scene.sink.frames))


def test_a_compositor_that_fails_now_and_then_is_survived() -> None:
    def composite(matte: Matte, settings: Settings) -> Frame:
        if matte.frame.index in (1, 2):
            raise Broken("composite")
        return _COMPOSITOR(matte)

    scene = Scene(composite)

    def script() -> Script:
        yield scene.live()
        for _ in range(2):
            scene.source.give()
            yield scene.replaced(State.FAILED)
        yield from scene.flowing()

    summary = scene.run(script())
    assert any(frame.index > 2 for frame in scene.sink.frames)
    assert not any(map(room_in, scene.sink.frames))
    assert scene.reports[1:] == ["compositing failed: composite"]
    assert summary.frames_out + summary.frames_dropped == summary.frames_in
    assert summary.frames_dropped >= 2


def test_a_compositor_that_goes_on_failing_fails_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("realtime.live_pipeline._LONGEST_PAUSE", 0.0)
    tried: list[int] = []

    def composite(matte: Matte, settings: Settings) -> Frame:
        tried.append(matte.frame.index)
        raise Broken("composite")

    scene = Scene(composite)

    def script() -> Script:
        while True:
            count = len(tried)
            scene.source.give()
            yield functools.partial(lambda count: len(tried) > count, count)

    with pytest.raises(Broken, match="composite"):
        scene.run(script())
    assert len(tried) == 11


@pytest.mark.parametrize("stage", ["capture", "output"])
def test_a_broken_end_fails_the_caller(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()

    def fail(*arguments: Any) -> None:
        raise Broken(stage)

    if stage == "capture":
        monkeypatch.setattr(scene.source, "read", fail)
    else:
        monkeypatch.setattr(scene.sink, "write", fail)
    with pytest.raises(Broken, match=stage):
        scene.run(iter([lambda: False]))
    assert scene.sink.ended == "abort"


def test_it_stays_current_and_counts_what_it_gives_up() -> None:
    scene = Scene()
    write = scene.sink.write
    exhausted = threading.Event()

    def hold_first(frame: Frame) -> None:
        if frame.index == 0:
            assert exhausted.wait(10)
        write(frame)

    scene.sink.write = hold_first  # type: ignore[method-assign]

    def script() -> Script:
        for _ in range(50):
            scene.source.give()
        yield lambda: scene.pipeline.figures().frames_in == 50
        exhausted.set()
        yield scene.shown(49)

    summary = scene.run(script())
    indices = [frame.index for frame in scene.sink.frames if frame.index >= 0]
    assert indices == sorted(set(indices))
    assert summary.frames_in == 50
    assert summary.frames_out == len(indices)
    assert summary.frames_out + summary.frames_dropped == 50
    assert {"latency", "alpha age", "composite", "output"} <= set(summary.stages)
    assert "capture" not in summary.stages, "waiting for a camera is no work"


def test_a_burst_is_worked_off_without_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is held up while two more frames come: all leave, none is given up."""
    # However slowly this machine catches up.
    monkeypatch.setattr("realtime.live_pipeline._BURST", 1e6)
    scene = Scene()
    scene.estimator.gate.clear()

    def script() -> Script:
        scene.source.give()
        yield lambda: scene.pipeline.figures().frames_in == 1 and not len(scene.pipeline._frames)
        # One is with the network, and two wait for longer than one takes to come.
        for _ in range(2):
            scene.source.give()
        yield lambda: scene.pipeline.figures().frames_in == 3
        until = time.monotonic() + 2 / float(VIDEO.frame_rate)
        yield lambda: time.monotonic() >= until
        scene.estimator.gate.set()
        yield scene.shown(2)

    summary = scene.run(script())
    assert [frame.index for frame in scene.sink.frames if frame.index >= 0] == [0, 1, 2]
    assert summary.frames_dropped == 0


@pytest.mark.parametrize("scenario", [_late_alpha, _panic, _freeze, _nobody])
def test_what_is_finished_and_does_not_leave_is_counted(
    scenario: Callable[[Scene], Script],
) -> None:
    scene = Scene()
    summary = scene.run(scenario(scene))
    assert summary.frames_withheld >= 1
    assert (
        summary.frames_out + summary.frames_dropped + summary.frames_withheld == summary.frames_in
    )
    assert f", {summary.frames_withheld} withheld" in str(summary)


def test_what_an_output_gives_up_does_not_count_as_delivered() -> None:
    scene = Scene()
    write = scene.sink.write

    def leave_out_the_second(frame: Frame) -> None:
        if frame.index == 1:
            scene.sink.dropped += 1
        write(frame)

    scene.sink.write = leave_out_the_second  # type: ignore[method-assign]
    summary = scene.run(iter([scene.live(), scene.live(), scene.live()]))
    assert (summary.frames_in, summary.frames_out, summary.frames_dropped) == (3, 2, 1)


def test_what_the_output_is_and_what_computes_is_told_at_the_start() -> None:
    scene = Scene()
    told_before: list[list[str]] = []

    def script() -> Script:
        told_before.append(list(scene.reports))
        yield scene.live()

    scene.sink.notes = lambda: ("not listed everywhere",)  # type: ignore[method-assign]
    scene.run(script())
    assert told_before == [["not listed everywhere", "test on TestProvider (for a test)"]]


def test_the_same_failure_is_news_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[str] = []
    now = 1000.0
    monkeypatch.setattr("realtime.live_pipeline.time.monotonic", lambda: now)
    attempts = _Attempts("matting", reports.append)
    for seconds in (0.0, 5.0, 70.0):
        now += seconds
        attempts.failed(ValueError("odd"))
        attempts.succeeded()
    assert reports == ["matting failed: odd"] * 2


def test_a_camera_of_another_size_is_brought_to_the_outputs() -> None:
    scene = Scene()

    def script() -> Script:
        yield scene.shown(scene.source.give(size=(128, 48)))

    scene.run(script())
    wide = next(frame for frame in scene.sink.frames if frame.index == 0)
    assert (wide.planes.y[:12] == 16).all(), "bars above"
    assert (wide.planes.y[12:36] != 16).any()


def test_what_was_shown_instead_is_told() -> None:
    scene = Scene()
    summary = scene.run(_camera_lost(scene))
    assert summary.notes == ("a placeholder was shown: camera lost (1×)",)
    figures = scene.pipeline.figures()
    assert (figures.state, figures.frames_in, figures.frames_out) == ("live", 2, 2)
    assert figures.placeholders == len(scene.sink.frames) - 2
    assert figures.governor == "the only one"
    assert len(scene.estimator.latencies) == 2


@pytest.mark.parametrize("scenario", [_starting, _camera_never_there, _freeze, _panic])
def test_ctrl_c_ends_it_in_every_state(scenario: Callable[[Scene], Script]) -> None:
    scene = Scene()

    def press() -> Script:
        yield from scenario(scene)
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        scene.run(press())
    assert scene.sink.ended == "close"


def test_it_ends_after_the_seconds_asked_for() -> None:
    scene = Scene(seconds=0.01)
    summary = scene.run(iter([lambda: False]))
    assert summary.seconds >= 0.01
    # Without even a placeholder there is nothing to keep.
    assert scene.sink.ended == ("close" if scene.sink.frames else "abort")
