"""The three threads for a camera: they stay current, survive gaps, and never send the raw room.

    source ─ capture ─▶ [frames] ─ inference ─▶ [mattes] ─ output ─▶ guard ─▶ sink

Where there is no picture, a `Gap` travels through the channels in its place, so that every thread
learns of it in order; whatever happens to the threads before, the output goes on at its rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from realtime.capture import Source
from realtime.capture.source import Lost
from realtime.channel import Channel, ChannelClosed
from realtime.frame import Frame, Matte, VideoFormat
from realtime.output import Sink
from realtime.output.fitting import Fitter
from realtime.output.guard import Gap, Guard, State
from realtime.running import Estimator, Run
from realtime.settings import Settings, SettingsStore
from realtime.stats import Figures, Stats

# Each holds one frame of latency: the least that lets the stages overlap.
_CAPACITY = 1

# Failures in a row that a run survives behind the placeholder, and seconds before the next attempt:
# together some six seconds, in which a driver can recover. What fails for longer will not mend.
_MOST_FAILURES = 10
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class LiveEstimator(Estimator, Protocol):
    """What the inference thread of a live run uses; `LiveMatting` is the one."""

    @property
    def level(self) -> str:
        """How the governor has frames treated now, in words."""

    def delivered(self, latency: float) -> None:
        """Is told that a frame has left, so many seconds after its capture; from any thread."""


class _Attempts:
    """Bounds how often in a row something may fail."""

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, error: Exception) -> float:
        """Seconds to wait before the next attempt; raises the error after too many."""
        self._failures += 1
        if self._failures > _MOST_FAILURES:
            raise error
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (self._failures - 1))


class LivePipeline(Run):
    """Runs frames from a live source through to a sink, once.

    A full channel gives up its oldest frame, and counts it. Every picture that leaves was let
    through by the guard, which sends a placeholder in place of what may not be seen.

    Args:
        source: where frames come from, and go on coming after a loss.
        estimator: finds the alpha of each.
        composite: makes the finished frame of a matte, by the settings of the moment.
        sink: where frames of one size go.
        video: the format of what leaves; frames of another size are brought to it.
        settings: read anew for every frame.
        seconds: how long to run at most; None until stopped.
        stats: where to count durations; share it with the estimator to have its stages too.
        clock: seconds, of the kind that stamps the source's frames.
    """

    def __init__(
        self,
        source: Source,
        estimator: LiveEstimator,
        composite: Callable[[Matte, Settings], Frame],
        sink: Sink,
        video: VideoFormat,
        settings: SettingsStore,
        *,
        seconds: float | None = None,
        stats: Stats | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(source, estimator, sink, video, transparent=False, stats=stats or Stats())
        self._matting = estimator
        self._composite = composite
        self._settings = settings
        self._clock = clock
        self._seconds = seconds
        self._frames: Channel[Frame | Gap] = Channel(_CAPACITY, "drop-oldest")
        self._mattes: Channel[Matte | Gap] = Channel(_CAPACITY, "drop-oldest")
        self._guard = Guard(video, float(1 / source.format.frame_rate))
        self._fit = Fitter(video.width, video.height, settings.get().output_fit)

    def figures(self) -> Figures:
        """How it does at this moment; from any thread."""
        return Figures(
            state=self._guard.state.value,
            seconds=time.perf_counter() - self._started,
            capture_fps=self._stats.rate("captured"),
            delivered_fps=self._stats.rate("delivered"),
            frames_in=self._captured(),
            frames_out=self._frames_out,
            frames_dropped=self._dropped(),
            placeholders=self._guard.repeats,
            stages=self._stats.recent(),
            provider=self._estimator.provider,
            provider_reason=self._estimator.provider_reason,
            governor=self._matting.level,
        )

    def _capture(self) -> None:
        while not self._stopping.is_set():
            item: Frame | Gap | None
            try:
                item = self._source.read()
            except Lost as lost:
                item = Gap(State.PAUSED if lost.paused else State.LOST)
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
        attempts = _Attempts()
        epoch: int | None = 0
        for item in self._frames:
            result: Matte | Gap
            if isinstance(item, Gap):
                result = item
            else:
                try:
                    if item.epoch != epoch:
                        epoch = item.epoch
                        self._matting.reset()
                    result = self._matting.matte(item)
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
        attempts = _Attempts()
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
                elif self._clock() >= retry_at:
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
        with self._stats.time("composite"):
            frame = self._composite(matte, self._settings.get())
        self._guard.finish(self._fit(frame))

    def _send(self) -> None:
        # Asked for anew after compositing: a panic must not wait for the next frame.
        frame = self._guard.next(self._clock(), self._settings.get())
        if frame is None:
            return
        with self._stats.time("output"):
            self._sink.write(frame)
        if self._guard.state is State.LIVE:
            self._frames_out += 1
            self._stats.count("delivered")
            latency = self._clock() - frame.time
            self._stats.add("latency", latency)
            self._matting.delivered(latency)

    def _cancel_channels(self) -> None:
        self._frames.cancel()
        self._mattes.cancel()

    def _expired(self) -> bool:
        return self._seconds is not None and time.perf_counter() - self._started >= self._seconds

    def _written(self) -> int:
        return self._frames_out + self._guard.repeats

    def _dropped(self) -> int:
        return (
            self._source.dropped + self._frames.dropped + self._mattes.dropped + self._sink.dropped
        )

    def _notes(self) -> tuple[str, ...]:
        return (*super()._notes(), *self._guard.notes())
