"""Running the three threads: starting, waiting, Ctrl-C, failures and the end. Not what they do."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from realtime.capture.source import Source
from realtime.errors import Interrupted
from realtime.frame import Frame, Matte, VideoFormat
from realtime.interrupts import PATIENCE, bouncing
from realtime.output.sink import Sink
from realtime.stats import Progress, Stats, Summary, computing
from realtime.worker import Worker

_PROGRESS_INTERVAL = 0.1

OnProgress = Callable[[Progress], None]


class Estimator(Protocol):
    """What the inference thread runs: `Matting` for files, `LiveMatting` for cameras."""

    @property
    def model(self) -> str:
        """Name of the network."""

    @property
    def computes(self) -> tuple[str, str]:
        """What computes, as onnxruntime calls it, and why this one; from any thread."""

    def matte(self, frame: Frame) -> Matte: ...


class Run(ABC):
    """Three threads from a source to a sink, run once; subclasses say what each does.

    The caller opens and closes source and estimator; the sink is opened and closed here.

    Args:
        source: where frames come from.
        estimator: finds the alpha of each.
        sink: where finished frames go.
        video: the format of finished frames.
        transparent: whether finished frames have an alpha.
        stats: where durations are counted.
        report: is told in one line what is worth one.
    """

    def __init__(
        self,
        source: Source,
        estimator: Estimator,
        sink: Sink,
        video: VideoFormat,
        *,
        transparent: bool,
        stats: Stats,
        report: Callable[[str], None],
    ) -> None:
        self._source = source
        self._estimator = estimator
        self._sink = sink
        self._video = video
        self._transparent = transparent
        self._stats = stats
        self._report = report
        self._told: set[tuple[str, str]] = set()
        self._stopping = threading.Event()
        self._frames_in = 0
        self._frames_out = 0
        self._started: float | None = None

    @abstractmethod
    def _capture(self) -> None:
        """The capture thread's work, until the source ends or the run is stopping."""

    @abstractmethod
    def _infer(self) -> None:
        """The inference thread's work."""

    @abstractmethod
    def _output(self) -> None:
        """The output thread's work: the last to end."""

    @abstractmethod
    def _cancel_channels(self) -> None:
        """Wakes every thread that waits for another."""

    @abstractmethod
    def _dropped(self) -> int:
        """Frames given up so far."""

    def _opened(self) -> None:
        """Is called when the sink has been opened, before the threads start."""
        self._tell_what_computes()

    def _tell_what_computes(self) -> None:
        """Once for everything that does: who hoped for CUDA should not find out at the end."""
        now = self._estimator.computes
        if now not in self._told:
            self._told.add(now)
            self._report(computing(self._estimator.model, *now))

    def _expired(self) -> bool:
        """Whether the run has lasted as long as it may."""
        return False

    def _written(self) -> int:
        """Frames that the sink has: without any there is nothing to finish."""
        return self._frames_out

    def _captured(self) -> int:
        """Frames that came so far, be it that they were given up at once."""
        return self._frames_in + self._source.dropped

    def run(self, on_progress: OnProgress | None = None) -> Summary:
        """Runs until the source ends, `stop` is called, or the user closes the output.

        Args:
            on_progress: called now and then from this thread.

        Returns:
            What was done.

        Raises:
            RealtimeError: a stage failed; the output was given up, but for what was recorded live.
                Any other exception of a stage is raised likewise, with its own traceback.
            Interrupted: Ctrl-C; the output was finished.
        """
        try:
            self._sink.open(self._video, transparent=self._transparent)
            self._opened()
            interrupted = self._run_workers(on_progress)
            if self._written():
                with bouncing(PATIENCE, since=interrupted):
                    self._sink.close(early=self._stopping.is_set())
            else:
                self._sink.abort()
        except BaseException:
            # A live take is kept, which takes a moment.
            with bouncing(PATIENCE):
                self._sink.abort()
            raise
        summary = self._summary()
        if interrupted is None:
            return summary
        if self._source.format.frame_count is not None and summary.frames_out:
            line = f"interrupted: the first {summary.frames_out} frames are kept"
            summary = replace(summary, notes=(*summary.notes, line))
        raise Interrupted(summary)

    def _run_workers(self, on_progress: OnProgress | None) -> float | None:
        """Runs the threads to their end and joins them; returns when Ctrl-C came, if it did.

        Raises what the first failing thread raised.
        """
        workers = [
            Worker("capture", self._capture, self._cancel),
            Worker("inference", self._infer, self._cancel),
            Worker("output", self._output, self._cancel),
        ]
        self._started = time.perf_counter()
        interrupted: float | None = None
        try:
            for worker in workers:
                worker.start()
            try:
                self._wait_for(workers[-1], on_progress)
            except KeyboardInterrupt:
                interrupted = time.perf_counter()
                self.stop()
                with bouncing(PATIENCE, since=interrupted):
                    self._wait_for(workers[-1], None)
        except BaseException:
            self._cancel()
            raise
        finally:
            with bouncing(math.inf):
                # What a thread still works with must not be closed by an impatient Ctrl-C.
                for worker in workers:
                    worker.join()
        for worker in workers:
            if worker.error is not None:
                raise worker.error
        return interrupted

    def stop(self) -> None:
        """Ends the run early; what was captured is still finished. From any thread."""
        # What waits for an Event hangs where a Ctrl-C breaks its `set` off.
        with bouncing(math.inf):
            self._stopping.set()

    def _cancel(self) -> None:
        """Makes every thread return as soon as its present frame lets it."""
        with bouncing(math.inf):
            self._stopping.set()
            self._cancel_channels()

    def _wait_for(self, last: Worker, on_progress: OnProgress | None) -> None:
        reported = 0.0
        while not last.wait(self._sink.pump_interval):
            if not self._sink.pump() or self._expired():
                self.stop()
            self._tell_what_computes()
            now = time.perf_counter()
            if on_progress is not None and now - reported >= _PROGRESS_INTERVAL:
                reported = now
                on_progress(self._progress())
        if on_progress is not None:
            on_progress(self._progress())

    def _elapsed(self) -> float:
        """Seconds since the threads were started."""
        return 0.0 if self._started is None else time.perf_counter() - self._started

    def _progress(self) -> Progress:
        seconds = self._elapsed()
        fps = self._frames_out / seconds if seconds else 0.0
        return Progress(
            frames=self._frames_out,
            expected=self._source.format.frame_count,
            seconds=seconds,
            fps=fps,
            speed=fps / float(self._source.format.frame_rate),
            dropped=self._dropped(),
        )

    def _notes(self) -> tuple[str, ...]:
        return (*self._source.notes(), *self._sink.notes())

    def _summary(self) -> Summary:
        progress = self._progress()
        provider, reason = self._estimator.computes
        return Summary(
            frames_in=self._captured(),
            frames_out=self._frames_out,
            frames_dropped=progress.dropped,
            seconds=progress.seconds,
            fps=progress.fps,
            model=self._estimator.model,
            provider=provider,
            provider_reason=reason,
            stages=self._stats.stages(),
            notes=self._notes(),
            failures=self._sink.failures(),
        )
