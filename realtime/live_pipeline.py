"""The three threads for a camera: they stay current, survive gaps, and never send the raw room.

    source ─ capture ─▶ [frames] ─ inference ─▶ [mattes] ─ output ─▶ guard ─▶ sink

Where there is no picture, a `Gap` travels through the channels in its place, so that every thread
learns of it in order; whatever happens to the threads before, the output goes on at its rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from realtime.capture.source import Lost, Source
from realtime.channel import Channel, ChannelClosed
from realtime.frame import Frame, Matte, VideoFormat
from realtime.output.fitting import Fitter
from realtime.output.guard import Gap, Guard, State
from realtime.output.sink import Sink
from realtime.running import Estimator, Run
from realtime.settings import Settings, SettingsStore
from realtime.stats import Figures, Stats, Summary

# Where the camera, its driver or this process was held up, frames come in a burst: so many may
# wait, and for so many of their intervals a stage may take to catch up with them. Later, one that
# has waited for as long as the next takes to come is given up, so that stages which cannot keep up
# add no more than one interval each. What has waited for so many seconds is too old in any case: of
# a slow camera, `max_staleness` would be near.
_CAPACITY = 3
_BURST = 2.0 * _CAPACITY
_LIMIT = 0.12

# Failures in a row that a run survives behind the placeholder, and seconds before the next attempt:
# together some six seconds, in which a driver can recover. What fails for longer will not mend.
_MOST_FAILURES = 10
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

# Seconds after which the same failure is news again.
_TELL_AGAIN = 60.0


class LiveEstimator(Estimator, Protocol):
    """What the inference thread of a live run uses; `LiveMatting` is the one."""

    def reset(self) -> None:
        """Forgets the past: the next frame belongs to another video."""

    @property
    def level(self) -> str:
        """How the governor has frames treated now, in words."""

    @property
    def plain(self) -> bool:
        """Whether outlines are to be left as they come; from any thread."""

    def delivered(self, latency: float) -> None:
        """Is told that a frame has left, so many seconds after its capture; from any thread."""


class Composite(Protocol):
    """Makes the finished frame of a matte; `LiveCompositor` is the one."""

    def __call__(self, matte: Matte, settings: Settings, *, plain: bool) -> Frame:
        """By the settings of the moment; `plain` as the estimator says it."""


class _Attempts:
    """Bounds how often in a row something may fail, and tells why it does.

    Attributes:
        lost: frames that were given up for it.
    """

    def __init__(self, what: str, report: Callable[[str], None]) -> None:
        self._what = what
        self._report = report
        self._failures = 0
        self._told, self._told_at = "", 0.0
        self.lost = 0

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, error: Exception) -> float:
        """Seconds to wait before the next attempt; raises the error after too many."""
        self.lost += 1
        self._failures += 1
        if self._failures > _MOST_FAILURES:
            raise error
        lines = str(error).split("\n")
        line = f"{self._what} failed: {lines[0] or type(error).__name__}"
        now = time.monotonic()
        if line != self._told or now - self._told_at > _TELL_AGAIN:
            # What fails with every other frame would fill the screen.
            self._told, self._told_at = line, now
            self._report(line)
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (self._failures - 1))


def _state_of(lost: Lost) -> State:
    if lost.paused:
        return State.PAUSED
    return State.STARTING if lost.starting else State.LOST


def channel(interval: float, clock: Callable[[], float] = time.monotonic) -> Channel[Any]:
    """For frames that come so many seconds apart, and for gaps, which are no loss."""
    return Channel(
        _CAPACITY,
        "drop-oldest",
        patience=interval,
        burst=_BURST * interval,
        limit=_LIMIT,
        counts=lambda item: not isinstance(item, Gap),
        clock=clock,
    )


class LivePipeline(Run):
    """Runs frames from a live source through to a sink, once.

    Frames that wait too long are given up for newer ones, and counted. Every picture that leaves
    was let through by the guard, which sends a placeholder in place of what may not be seen.

    Args:
        source: where frames come from, and go on coming after a loss.
        estimator: finds the alpha of each.
        composite: makes the finished frame of a matte.
        sink: where frames of one size go.
        video: the format of what leaves; frames of another size are brought to it.
        settings: read anew for every frame.
        seconds: how long to run at most; None until stopped.
        stats: where to count durations; share it with the estimator to have its stages too.
        report: is told in one line what the output is, and why frames fail; from any thread.
        clock: seconds, of the kind that stamps the source's frames.
    """

    _estimator: LiveEstimator

    def __init__(
        self,
        source: Source,
        estimator: LiveEstimator,
        composite: Composite,
        sink: Sink,
        video: VideoFormat,
        settings: SettingsStore,
        *,
        seconds: float | None = None,
        stats: Stats | None = None,
        report: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            source,
            estimator,
            sink,
            video,
            transparent=False,
            stats=stats or Stats(),
            report=report,
        )
        self._composite = composite
        self._settings = settings
        self._clock = clock
        self._seconds = seconds
        interval = float(1 / source.format.frame_rate)
        self._frames: Channel[Frame | Gap] = channel(interval)
        self._mattes: Channel[Matte | Gap] = channel(interval)
        self._matting_attempts = _Attempts("matting", report)
        self._compositing_attempts = _Attempts("compositing", report)
        self._guard = Guard(video, interval)
        self._fit = Fitter(video.width, video.height, color=video.color)

    def figures(self) -> Figures:
        """How it does at this moment; from any thread."""
        provider, reason = self._estimator.computes
        return Figures(
            state=self._guard.state.value,
            seconds=self._elapsed(),
            capture_fps=self._stats.rate("captured"),
            delivered_fps=self._stats.rate("delivered"),
            frames_in=self._captured(),
            frames_out=self._frames_out,
            frames_dropped=self._dropped(),
            frames_withheld=self._guard.withheld,
            placeholders=self._guard.repeats,
            stages=self._stats.recent(),
            provider=provider,
            provider_reason=reason,
            governor=self._estimator.level,
        )

    def _capture(self) -> None:
        while not self._stopping.is_set():
            item: Frame | Gap | None
            try:
                item = self._source.read()
            except Lost as lost:
                item = Gap(_state_of(lost))
            else:
                if item is None:
                    break
                self._frames_in += 1
                self._stats.count("captured")
            try:
                self._frames.put(item)
            except ChannelClosed:
                return
        self._frames.close()

    def _infer(self) -> None:
        attempts = self._matting_attempts
        epoch: int | None = 0
        for item in self._frames:
            result: Matte | Gap
            if isinstance(item, Gap):
                result = item
            else:
                try:
                    if item.epoch != epoch:
                        epoch = item.epoch
                        self._estimator.reset()
                    result = self._estimator.matte(item)
                    attempts.succeeded()
                except Exception as error:  # noqa: BLE001 - raised when it does not mend
                    pause = attempts.failed(error)
                    epoch = None  # whatever it was in the middle of, it starts afresh
                    result = Gap(State.FAILED)
            try:
                self._mattes.put(result)
            except ChannelClosed:
                return
            if result == Gap(State.FAILED):
                self._stopping.wait(pause)
        self._mattes.close()

    def _output(self) -> None:
        attempts = self._compositing_attempts
        retry_at = 0.0
        while True:
            try:
                item = self._mattes.get(self._guard.patience(self._clock()))
            except TimeoutError:
                pass
            except ChannelClosed:
                return
            else:
                if isinstance(item, Gap):
                    self._guard.interrupt(item.state)
                elif self._clock() < retry_at:
                    attempts.lost += 1
                else:
                    try:
                        self._finish(item)
                        attempts.succeeded()
                    except Exception as error:  # noqa: BLE001 - raised when it does not mend
                        retry_at = self._clock() + attempts.failed(error)
                        self._guard.interrupt(State.FAILED)
            self._send()

    def _finish(self, matte: Matte) -> None:
        self._stats.add("alpha age", self._clock() - matte.frame.time)
        self._guard.saw(matte)
        settings = self._settings.get()
        with self._stats.time("composite"):
            frame = self._composite(matte, settings, plain=self._estimator.plain)
            self._fit.fit = settings.output_fit
            frame = self._fit(frame)
        self._guard.finish(frame)

    def _send(self) -> None:
        # Asked for anew after compositing: a panic must not wait for the next frame.
        frame = self._guard.next(self._clock(), self._settings.get())
        if frame is None:
            return
        before = self._sink.dropped
        with self._stats.time("output"):
            self._sink.write(frame)
        # Perhaps an older one, which waited to be shown, that this one took the place of.
        dropped = self._sink.dropped - before
        live = self._guard.state is State.LIVE
        self._frames_out += live - dropped
        if live:
            if not dropped:
                self._stats.count("delivered")
            latency = self._clock() - frame.time
            self._stats.add("latency", latency)
            self._estimator.delivered(latency)

    def _cancel_channels(self) -> None:
        self._frames.cancel()
        self._mattes.cancel()

    def _expired(self) -> bool:
        return self._seconds is not None and self._elapsed() >= self._seconds

    def _written(self) -> int:
        return self._frames_out + self._guard.repeats

    def _dropped(self) -> int:
        stages = self._source, self._frames, self._mattes, self._sink
        failures = self._matting_attempts, self._compositing_attempts
        return sum(stage.dropped for stage in stages) + sum(part.lost for part in failures)

    def _opened(self) -> None:
        for note in self._sink.notes():
            self._report(note)
        super()._opened()

    def _summary(self) -> Summary:
        return replace(super()._summary(), frames_withheld=self._guard.withheld)

    def _notes(self) -> tuple[str, ...]:
        return (*super()._notes(), *self._guard.notes())
