"""Figures of a run, in constant memory however long it lasts."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

# Durations are counted in buckets that are 2 % wide: percentiles are then exact to 1 %, which is
# finer than one run differs from the next.
_BUCKET_RATIO = math.log(1.02)


class Histogram:
    """Counts durations so that any percentile can be read later; one thread adds."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0

    def add(self, seconds: float) -> None:
        self._buckets[round(math.log(max(seconds, 1e-9)) / _BUCKET_RATIO)] += 1
        self.count += 1

    def percentile(self, percent: float) -> float:
        """The duration in seconds that `percent` of all are at or under; NaN when empty."""
        remaining = max(1, math.ceil(self.count * percent / 100))
        for bucket, count in sorted(self._buckets.items()):
            remaining -= count
            if remaining <= 0:
                return math.exp(bucket * _BUCKET_RATIO)
        return math.nan


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long one stage took for a frame, in milliseconds."""

    median_ms: float
    p95_ms: float


class Stats:
    """Durations by the name of their stage; stages of different threads may be timed at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._histograms: dict[str, Histogram] = {}

    def add(self, stage: str, seconds: float) -> None:
        with self._lock:
            self._histograms.setdefault(stage, Histogram()).add(seconds)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Counts the duration of the block; a block that raises is not counted."""
        start = time.perf_counter()
        yield
        self.add(stage, time.perf_counter() - start)

    def stages(self) -> dict[str, StageTime]:
        """Median and 95th percentile of each stage, in the order in which they first ran."""
        with self._lock:
            return {
                stage: StageTime(h.percentile(50) * 1e3, h.percentile(95) * 1e3)
                for stage, h in self._histograms.items()
            }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        frames: frames delivered so far.
        expected: frames in all, None where unknown.
        seconds: time since the start of the run.
        fps: frames delivered in a second, over the whole run.
        speed: seconds of video done in a second; 1 is real time.
        dropped: frames given up so far.
    """

    frames: int
    expected: int | None
    seconds: float
    fps: float
    speed: float
    dropped: int

    @property
    def eta(self) -> float | None:
        """Seconds still to go, None where unknown."""
        if self.expected is None or self.fps == 0:
            return None
        return max(0, self.expected - self.frames) / self.fps


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes:
        frames_in: frames that the source delivered.
        frames_out: frames that the sink took.
        frames_dropped: frames given up by full queues and by the sink.
        seconds: duration of the run, start-up excluded.
        fps: frames_out / seconds.
        provider: what computed the alpha, as onnxruntime calls it.
        provider_reason: why this one.
        stages: time per frame of each stage; "latency" is from capture to output.
        notes: what else the user should know, one sentence each.
    """

    frames_in: int
    frames_out: int
    frames_dropped: int
    seconds: float
    fps: float
    provider: str
    provider_reason: str
    stages: dict[str, StageTime]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        stages = " · ".join(
            f"{name} {stage.median_ms:.1f}/{stage.p95_ms:.1f}"
            for name, stage in self.stages.items()
        )
        return (
            f"{self.frames_in} frames in, {self.frames_out} out, {self.frames_dropped} dropped · "
            f"{self.fps:.1f} fps · ms per frame (median/p95): {stages} · "
            f"{self.provider} ({self.provider_reason})"
        )
