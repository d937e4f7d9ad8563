"""A live run by the clock, whose latency is read off the pixels that arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from typing import Any

from realtime.bench import timecode
from realtime.bench.case import Case
from realtime.bench.figures import percentile
from realtime.bench.machine import usable_cores
from realtime.bench.material import ClockedCamera
from realtime.frame import Frame, Matte, VideoFormat
from realtime.live_matting import LiveMatting
from realtime.live_pipeline import LivePipeline
from realtime.output import Sink
from realtime.output.compositor import LiveCompositor
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats

# Seconds at the beginning that do not count: networks are opened meanwhile, memory is taken.
_WARM_UP = 1.0

_BACKGROUND = "demo"

# A picture that comes late counts as late; the program itself would have sent its card.
_STALE = 60.0


class PixelClock(Sink):
    """An output into memory that reads the time code of every picture.

    Args:
        clock: the camera's, in seconds.

    Attributes:
        arrivals: (seconds on the clock at which it was due, seconds of latency) of each distinct
            picture from a camera; a repeated one counts once, a placeholder has no time on it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._drawn: float | None = None
        self.arrivals: list[tuple[float, float]] = []

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        """Nothing to prepare."""

    def write(self, frame: Frame) -> None:
        now = self._clock()
        latency = timecode.age(frame.planes.y, now)
        if latency is None:
            return
        drawn = now - latency
        # Frames are ten ticks apart at the least, and rounding moves one by a tick.
        if self._drawn is not None and abs(drawn - self._drawn) < 5e-4:
            return
        self._drawn = drawn
        self.arrivals.append((drawn, latency))

    def close(self, *, early: bool = False) -> None:
        """Nothing to finish."""

    def abort(self) -> None:
        """Nothing to undo."""


class SparingTheCode(LiveMatting):
    """Matting that does all its work, and then leaves the time code in the foreground."""

    def matte(self, frame: Frame) -> Matte:
        matte = super().matte(frame)
        alpha = matte.alpha.copy()
        rows = -(-2 * timecode.ROWS * len(alpha) // frame.planes.height)
        alpha[:rows] = 1
        return replace(matte, alpha=alpha)


def measure(case: Case, frames: Sequence[Frame], fps: float) -> dict[str, Any]:
    """Runs live for `case.seconds` after the warm-up.

    The governor rests: what is measured is this network at this size, whatever comes of it. The
    camera delivers MJPEG, and decoding it is a part of the work.

    Returns:
        fps: asked. delivered_fps: distinct pictures that arrived. dropped: share of the pictures
        that were due and did not arrive. latencies_ms: of those that did, from the moment at which
        the camera had them. share: part of the cores' time that the process took.
    """
    first = frames[0].planes
    settings = Settings(
        camera="demo",
        outputs=("null",),
        model=case.model,
        device=case.device,
        width=first.width,
        height=first.height,
        fps=fps,
        background=_BACKGROUND,
        governor=False,
        max_staleness=_STALE,
    )
    store, stats, sink = SettingsStore(settings), Stats(), PixelClock()
    with ExitStack() as stack:
        camera = stack.enter_context(ClockedCamera(frames, fps))
        compositor = stack.enter_context(LiveCompositor(settings))
        matting = stack.enter_context(SparingTheCode(store, stats, lambda line: None))
        matting.warm_up(first.width, first.height)
        video = replace(camera.format, frame_rate=Fraction(fps).limit_denominator(1001))
        pipeline = LivePipeline(
            camera,
            matting,
            compositor,
            sink,
            video,
            store,
            seconds=_WARM_UP + case.seconds,
            stats=stats,
        )
        begin = _Moment()
        warm: list[_Moment] = []

        def watch(_: object) -> None:
            if not warm and time.monotonic() >= begin.time + _WARM_UP:
                warm.append(_Moment())

        pipeline.run(watch)
        end = _Moment()
    since = warm[0] if warm else begin
    return _figures(sink.arrivals, fps, since, end)


class _Moment:
    """A point in time, and what the process had used of the processor by then; in seconds."""

    def __init__(self) -> None:
        self.time = time.monotonic()
        self.cpu = time.process_time()


def _figures(
    arrivals: Sequence[tuple[float, float]], fps: float, begin: _Moment, end: _Moment
) -> dict[str, Any]:
    counted = [(due, latency) for due, latency in arrivals if begin.time <= due < end.time]
    latencies = [latency * 1e3 for _, latency in counted]
    seconds = end.time - begin.time
    # From the first that arrived to the last: what was on its way at the ends is not lost.
    expected = round((counted[-1][0] - counted[0][0]) * fps) + 1 if counted else seconds * fps
    return {
        "fps": fps,
        "delivered_fps": len(counted) / seconds,
        "dropped": max(0.0, 1 - len(counted) / expected),
        "latencies_ms": [round(latency, 2) for latency in latencies],
        "latency_median_ms": percentile(latencies, 50) if latencies else None,
        "latency_p95_ms": percentile(latencies, 95) if latencies else None,
        "share": (end.cpu - begin.cpu) / seconds / usable_cores(),
    }
