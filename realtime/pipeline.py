"""The three threads and what lies between them.

A capture thread feeds frames into a bounded channel, an inference thread turns them into mattes,
an output thread composites them and sends them out.

    source ─ capture ─▶ [frames] ─ inference ─▶ [mattes] ─ output ─▶ sink

This is how files run, which lose nothing; `realtime.live` has the same threads for cameras.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.capture.source import Source
from realtime.channel import Channel, ChannelClosed
from realtime.frame import Frame, Matte
from realtime.output.sink import Sink
from realtime.running import Estimator, Run
from realtime.stats import Stats

# Enough that a slow frame of one stage does not starve the next.
_CAPACITY = 4


class Pipeline(Run):
    """Runs frames from a source through to a sink, once, and loses none.

    A full channel makes the thread before it wait.

    Args:
        source: where frames come from.
        estimator: finds the alpha of each.
        composite: makes the finished frame of a matte.
        sink: where finished frames go.
        transparent: whether finished frames have an alpha.
        stats: where to count durations; share it with the estimator to have its stages too.
        report: is told in one line what computes.
    """

    def __init__(
        self,
        source: Source,
        estimator: Estimator,
        composite: Callable[[Matte], Frame],
        sink: Sink,
        *,
        transparent: bool = False,
        stats: Stats | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        super().__init__(
            source,
            estimator,
            sink,
            source.format,
            transparent=transparent,
            stats=stats or Stats(),
            report=report,
        )
        self._composite = composite
        self._frames: Channel[Frame] = Channel(_CAPACITY, "block")
        self._mattes: Channel[Matte] = Channel(_CAPACITY, "block")

    def _capture(self) -> None:
        while not self._stopping.is_set():
            start = time.perf_counter()
            frame = self._source.read()
            if frame is None:
                break
            self._stats.add("capture", time.perf_counter() - start)
            self._frames_in += 1
            try:
                self._frames.put(frame)
            except ChannelClosed:
                return
        self._frames.close()

    def _infer(self) -> None:
        for frame in self._frames:
            matte = self._estimator.matte(frame)
            try:
                self._mattes.put(matte)
            except ChannelClosed:
                return
        self._mattes.close()

    def _output(self) -> None:
        for matte in self._mattes:
            with self._stats.time("composite"):
                frame = self._composite(matte)
            with self._stats.time("output"):
                self._sink.write(frame)
            self._frames_out += 1

    def _cancel_channels(self) -> None:
        self._frames.cancel()
        self._mattes.cancel()

    def _dropped(self) -> int:
        return self._sink.dropped
