"""The three threads and what lies between them.

A capture thread feeds frames into a bounded channel, an inference thread turns them into mattes,
an output thread composites them and sends them out.

    source ─ capture ─▶ [frames] ─ inference ─▶ [mattes] ─ output ─▶ sink
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from realtime.capture import Source
from realtime.channel import Channel, ChannelClosed, Overflow
from realtime.errors import Interrupted
from realtime.frame import Frame, Matte
from realtime.output import Sink
from realtime.stats import Progress, Stats, Summary
from realtime.worker import Worker

# Enough that a slow frame of one stage does not starve the next. Each holds one frame of latency
# and of memory, so a camera gets the least that lets the stages overlap.
_FILE_CAPACITY = 4
_LIVE_CAPACITY = 1

_PROGRESS_INTERVAL = 0.1

# Seconds after a Ctrl-C in which another is taken for the same one.
_PATIENCE = 1.0

OnProgress = Callable[[Progress], None]


class Estimator(Protocol):
    """What the inference thread runs; `Matting` is the one."""

    provider: str
    provider_reason: str

    def matte(self, frame: Frame) -> Matte: ...


class Pipeline:
    """Runs frames from a source through to a sink, once.

    Files lose nothing: a full channel makes the capture wait. Live sources stay current: a full
    channel gives up its oldest frame, and counts it.

    The caller opens and closes source and estimator; the sink is opened and closed here.

    Args:
        source: where frames come from.
        estimator: finds the alpha of each.
        composite: makes the finished frame of a matte.
        sink: where finished frames go.
        transparent: whether finished frames have an alpha.
        stats: where to count durations; share it with the estimator to have its stages too.
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
    ) -> None:
        self._source = source
        self._estimator = estimator
        self._composite = composite
        self._sink = sink
        self._transparent = transparent
        self._stats = stats or Stats()
        overflow: Overflow = "drop-oldest" if source.live else "block"
        capacity = _LIVE_CAPACITY if source.live else _FILE_CAPACITY
        self._frames: Channel[Frame] = Channel(capacity, overflow)
        self._mattes: Channel[Matte] = Channel(capacity, overflow)
        self._stopping = threading.Event()
        self._frames_in = 0
        self._frames_out = 0
        self._started = 0.0

    def run(self, on_progress: OnProgress | None = None) -> Summary:
        """Runs until the source ends, `stop` is called, or the user closes the output.

        Args:
            on_progress: called now and then from this thread.

        Returns:
            What was done.

        Raises:
            RealtimeError: a stage failed; the output was given up. Any other exception of a stage
                is raised likewise, with its own traceback.
            Interrupted: Ctrl-C; the output was finished and holds every frame captured before.
        """
        try:
            self._sink.open(self._source.format, transparent=self._transparent)
            interrupted = self._run_workers(on_progress)
            if self._frames_out:
                self._sink.close(early=self._stopping.is_set())
            else:
                self._sink.abort()
        except BaseException:
            self._sink.abort()
            raise
        summary = self._summary()
        if interrupted:
            raise Interrupted(summary)
        return summary

    def _run_workers(self, on_progress: OnProgress | None) -> bool:
        """Runs the threads to their end and joins them; returns whether Ctrl-C came.

        Raises what the first failing thread raised.
        """
        workers = [
            Worker("capture", self._capture, self._cancel),
            Worker("inference", self._infer, self._cancel),
            Worker("output", self._output, self._cancel),
        ]
        self._started = time.perf_counter()
        interrupted = False
        try:
            for worker in workers:
                worker.start()
            try:
                self._wait_for(workers[-1], on_progress)
            except KeyboardInterrupt:
                interrupted = True
                self.stop()
                self._finish_in_peace(workers[-1])
        except BaseException:
            self._cancel()
            raise
        finally:
            for worker in workers:
                worker.join()
        for worker in workers:
            if worker.error is not None:
                raise worker.error
        return interrupted

    def stop(self) -> None:
        """Ends the run early; what was captured is still finished. From any thread."""
        self._stopping.set()

    def _capture(self) -> None:
        # A live source waits for its next frame: that is no work of ours to time.
        timed = not self._source.live
        while not self._stopping.is_set():
            start = time.perf_counter()
            frame = self._source.read()
            if frame is None:
                break
            if timed:
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
            if self._source.live:
                self._stats.add("latency", time.monotonic() - frame.time)

    def _cancel(self) -> None:
        """Makes every thread return as soon as its present frame lets it."""
        self._stopping.set()
        self._frames.cancel()
        self._mattes.cancel()

    def _wait_for(self, last: Worker, on_progress: OnProgress | None) -> None:
        reported = 0.0
        while not last.wait(self._sink.pump_interval):
            if not self._sink.pump():
                self.stop()
            now = time.perf_counter()
            if on_progress is not None and now - reported >= _PROGRESS_INTERVAL:
                reported = now
                on_progress(self._progress())
        if on_progress is not None:
            on_progress(self._progress())

    def _finish_in_peace(self, last: Worker) -> None:
        """Waits after Ctrl-C; a second one counts only after a while: fingers bounce."""
        patience = time.perf_counter() + _PATIENCE
        ended = False
        while not ended:
            try:
                self._wait_for(last, None)
                ended = True
            except KeyboardInterrupt:
                if time.perf_counter() > patience:
                    raise

    def _dropped(self) -> int:
        return self._frames.dropped + self._mattes.dropped + self._sink.dropped

    def _progress(self) -> Progress:
        seconds = time.perf_counter() - self._started
        fps = self._frames_out / seconds if seconds else 0.0
        return Progress(
            frames=self._frames_out,
            expected=self._source.format.frame_count,
            seconds=seconds,
            fps=fps,
            speed=fps / float(self._source.format.frame_rate),
            dropped=self._dropped(),
        )

    def _summary(self) -> Summary:
        progress = self._progress()
        return Summary(
            frames_in=self._frames_in,
            frames_out=self._frames_out,
            frames_dropped=progress.dropped,
            seconds=progress.seconds,
            fps=progress.fps,
            provider=self._estimator.provider,
            provider_reason=self._estimator.provider_reason,
            stages=self._stats.stages(),
            notes=(*self._source.notes(), *self._sink.notes()),
        )
