"""A live run by the clock, whose latency is read off the pixels that arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from realtime.bench import timecode
from realtime.bench.case import Case
from realtime.bench.figures import percentile
from realtime.bench.material import ClockedCamera
from realtime.cores import usable_cores
from realtime.frame import Frame, Matte, exact_rate
from realtime.inference.session import Device
from realtime.live_matting import LiveMatting
from realtime.live_pipeline import LivePipeline
from realtime.output.fanout import FanoutSink
from realtime.output.live_compositor import LiveCompositor
from realtime.output.sink import NullSink, Sink
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats

# Seconds at the beginning that do not count: memory is being taken.
WARM_UP = 1.0

# And at the end, for the last pictures that count to arrive.
AFTER = 0.5

_BACKGROUND = "demo"

# A picture that comes late counts as late; the program itself would have sent its card.
_STALE = 60.0


class PixelClock(NullSink):
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


class SparingTheCode(LiveMatting):
    """Matting that does all its work, and then leaves the time code in the foreground."""

    def matte(self, frame: Frame) -> Matte:
        matte = super().matte(frame)
        alpha = matte.alpha.copy()
        rows = -(-2 * timecode.ROWS * len(alpha) // frame.planes.height)
        alpha[:rows] = 1
        return replace(matte, alpha=alpha)


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A live run that is open, and does not run yet.

    Attributes:
        pipeline: runs it.
        camera: where its frames come from.
        clock: its first output, which has what arrived.
    """

    pipeline: LivePipeline
    camera: ClockedCamera
    clock: PixelClock


def open_live(
    stack: ExitStack,
    frames: Sequence[Frame],
    fps: float,
    *,
    model: str,
    device: Device = "auto",
    seconds: float,
    beside: Sequence[Sink] = (),
    camera: type[ClockedCamera] = ClockedCamera,
) -> LiveRun:
    """Opens a live run of `seconds` beyond those that do not count; the stack closes it.

    The governor rests: what is measured is this network at this size, whatever comes of it. By
    default the camera delivers MJPEG, and decoding it is a part of the work.

    Args:
        stack: closes it.
        frames: pictures of the camera.
        fps: of the camera, in Hz.
        model: as `Matting` takes it.
        device: likewise.
        seconds: that count; `WARM_UP` comes before them, and `AFTER` behind.
        beside: outputs that get every frame after the clock.
        camera: which kind.

    Raises:
        RealtimeError: something cannot be opened.
    """
    first = frames[0].planes
    settings = Settings(
        camera="demo",
        outputs=("null",),
        model=model,
        device=device,
        width=first.width,
        height=first.height,
        fps=fps,
        background=_BACKGROUND,
        governor=False,
        max_staleness=_STALE,
    )
    store, stats, clock = SettingsStore(settings), Stats(), PixelClock()
    source = stack.enter_context(camera(frames, fps))
    compositor = stack.enter_context(LiveCompositor(settings))
    matting = stack.enter_context(SparingTheCode(store, stats, lambda line: None))
    matting.warm_up(first.width, first.height)
    pipeline = LivePipeline(
        source,
        matting,
        compositor,
        FanoutSink([clock, *beside]) if beside else clock,
        replace(source.format, frame_rate=exact_rate(fps)),
        store,
        seconds=WARM_UP + seconds + AFTER,
        stats=stats,
    )
    return LiveRun(pipeline, source, clock)


def measure(
    case: Case,
    frames: Sequence[Frame],
    fps: float,
    camera: type[ClockedCamera] = ClockedCamera,
) -> dict[str, Any]:
    """Runs live for `case.seconds` after the warm-up.

    Args:
        case: what.
        frames: pictures of the camera.
        fps: of the camera, in Hz.
        camera: which kind.

    Returns:
        fps: asked. model: of the case. delivered_fps: distinct pictures that arrived. dropped:
        share of the pictures that were due and did not arrive. latencies_ms: of those that did,
        from the moment at which the camera had them. share: part of the cores' time that the
        process took.
    """
    with ExitStack() as stack:
        run = open_live(
            stack,
            frames,
            fps,
            model=case.model,
            device=case.device,
            seconds=case.seconds,
            camera=camera,
        )
        moments = [_Moment()]
        since = moments[0].time + WARM_UP

        def watch(_: object) -> None:
            if len(moments) == 1 and time.monotonic() >= since:
                moments.append(_Moment())

        run.pipeline.run(watch)
        end = _Moment()
        until = since + case.seconds
        figures = _figures(run.clock.arrivals, since, until, run.camera.due(since, until))
    # The last moment before what counts, and the end.
    return figures | {"fps": fps, "model": case.model, "share": moments[-1].share(end)}


class _Moment:
    """A point in time, and what the process had used of the processor by then; in seconds."""

    def __init__(self) -> None:
        self.time = time.monotonic()
        self.cpu = time.process_time()

    def share(self, end: _Moment) -> float:
        """Part of all cores' time from here to the end that the process took."""
        return (end.cpu - self.cpu) / (end.time - self.time) / usable_cores()


def _figures(
    arrivals: Sequence[tuple[float, float]], since: float, until: float, due: int
) -> dict[str, Any]:
    """Of the pictures that were due in this time, however late they came."""
    latencies = [latency * 1e3 for when, latency in arrivals if since <= when < until]
    return {
        "delivered_fps": len(latencies) / (until - since),
        # The rounding of drawn times can put one more into it.
        "dropped": max(0.0, 1 - len(latencies) / due) if due else 1.0,
        "latencies_ms": [round(latency, 2) for latency in latencies],
        "latency_median_ms": percentile(latencies, 50) if latencies else None,
        "latency_p95_ms": percentile(latencies, 95) if latencies else None,
    }
