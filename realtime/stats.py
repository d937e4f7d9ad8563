"""Figures of a run, in constant memory however long it lasts."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

# Durations are counted in buckets that are 2 % wide: percentiles are then exact to 1 %, which is
# finer than one run differs from the next.
_BUCKET_RATIO = math.log(1.02)

# Seconds that live figures look back: long enough for steady ones, short enough to see a change.
_WINDOW = 5


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

    def merge(self, other: Histogram) -> None:
        """Adds everything that another one counted."""
        self._buckets.update(other._buckets)
        self.count += other.count


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long one stage took for a frame, in milliseconds."""

    median_ms: float
    p95_ms: float

    @classmethod
    def of(cls, histogram: Histogram) -> StageTime:
        return cls(histogram.percentile(50) * 1e3, histogram.percentile(95) * 1e3)


class _Stage:
    """The durations of one stage: of the whole run, and of each of the last seconds."""

    def __init__(self) -> None:
        self.all = Histogram()
        self._seconds: deque[tuple[int, Histogram]] = deque(maxlen=_WINDOW)

    def add(self, duration: float, second: int) -> None:
        self.all.add(duration)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Histogram()))
        self._seconds[-1][1].add(duration)

    def recent(self, second: int) -> Histogram:
        merged = Histogram()
        for when, histogram in self._seconds:
            if when > second - _WINDOW:
                merged.merge(histogram)
        return merged


class _Event:
    """How often something happened: in the whole run, and in each of the last seconds."""

    def __init__(self, now: float) -> None:
        self.all = 0
        self._first = now
        self._seconds: deque[tuple[int, int]] = deque(maxlen=_WINDOW + 1)

    def add(self, second: int) -> None:
        self.all += 1
        before = 0
        if self._seconds and self._seconds[-1][0] == second:
            before = self._seconds.pop()[1]
        self._seconds.append((second, before + 1))

    def rate(self, now: float) -> float:
        """Events in a second over the last `_WINDOW` whole seconds and the one that runs."""
        oldest = math.floor(now) - _WINDOW
        span = now - max(self._first, oldest)
        happened = sum(number for when, number in self._seconds if when >= oldest)
        if self._first >= oldest:
            # The first began what is measured: n events have n - 1 spaces between them.
            happened -= 1
        return happened / span if span > 0 else 0.0


class Stats:
    """Durations by the name of their stage, and how often what happens happened.

    Stages of different threads may be timed at once. Memory does not grow with the run.

    Args:
        clock: seconds, fine enough to time a stage.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stages: defaultdict[str, _Stage] = defaultdict(_Stage)
        self._events: dict[str, _Event] = {}

    def add(self, stage: str, seconds: float, now: float | None = None) -> None:
        """Counts a duration that ended now, which who has just asked the clock may say."""
        second = math.floor(self._clock() if now is None else now)
        with self._lock:
            self._stages[stage].add(seconds, second)

    def count(self, event: str) -> None:
        """Counts that something happened, such as "captured" or "delivered"."""
        now = self._clock()
        with self._lock:
            if event not in self._events:
                self._events[event] = _Event(now)
            self._events[event].add(math.floor(now))

    def total(self, event: str) -> int:
        """How often it happened since the start."""
        with self._lock:
            return self._events[event].all if event in self._events else 0

    def rate(self, event: str) -> float:
        """How often it happened in a second, over the last few; 0 where it never did."""
        now = self._clock()
        with self._lock:
            return self._events[event].rate(now) if event in self._events else 0.0

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Counts the duration of the block; a block that raises is not counted."""
        start = self._clock()
        yield
        end = self._clock()
        self.add(stage, end - start, end)

    def stages(self) -> dict[str, StageTime]:
        """Median and 95th percentile of each stage, in the order in which they first ran."""
        with self._lock:
            return {name: StageTime.of(stage.all) for name, stage in self._stages.items()}

    def recent(self) -> dict[str, StageTime]:
        """Like `stages`, over the last few seconds; without stages that did not run in them."""
        second = math.floor(self._clock())
        with self._lock:
            recent = {name: stage.recent(second) for name, stage in self._stages.items()}
        return {
            name: StageTime.of(durations) for name, durations in recent.items() if durations.count
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """How a live run does at this moment; rates and times are of the last few seconds.

    Attributes:
        state: what leaves: "live", or why something else does.
        seconds: since the start of the run.
        capture_fps: frames in a second from the camera.
        delivered_fps: distinct frames in a second that went out; no repetition, no placeholder.
        frames_in: frames from the camera since the start.
        frames_out: distinct frames that went out since the start.
        frames_dropped: frames given up since the start.
        frames_withheld: finished frames in whose place a placeholder went out.
        placeholders: pictures sent since the start that no camera had just taken.
        stages: time per frame of each stage; "latency" is from capture to output, "alpha age" is
            how old the picture was when its alpha was used.
        provider: what computes the alpha, as onnxruntime calls it.
        provider_reason: why this one.
        governor: its level, in words; empty without one.
    """

    state: str
    seconds: float
    capture_fps: float
    delivered_fps: float
    frames_in: int
    frames_out: int
    frames_dropped: int
    frames_withheld: int
    placeholders: int
    stages: dict[str, StageTime]
    provider: str
    provider_reason: str
    governor: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


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
        frames_withheld: finished frames of a live run in whose place a placeholder went out.
        seconds: duration of the run, start-up excluded.
        fps: frames_out / seconds.
        model: name of the network, at the end of the run.
        provider: what computed the alpha, as onnxruntime calls it.
        provider_reason: why this one.
        stages: time per frame of each stage; "latency" is from capture to output.
        notes: what else the user should know, one sentence each.
        failures: outputs that were given up while others went on, one sentence each.
    """

    frames_in: int
    frames_out: int
    frames_dropped: int
    seconds: float
    fps: float
    model: str
    provider: str
    provider_reason: str
    stages: dict[str, StageTime]
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    frames_withheld: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        stages = " · ".join(
            f"{name} {stage.median_ms:.1f}/{stage.p95_ms:.1f}"
            for name, stage in self.stages.items()
        )
        withheld = f", {self.frames_withheld} withheld" if self.frames_withheld else ""
        return (
            f"{self.frames_in} frames in, {self.frames_out} out, {self.frames_dropped} dropped"
            f"{withheld} · "
            f"{self.fps:.1f} fps · ms per frame (median/p95): {stages} · "
            f"{computing(self.model, self.provider, self.provider_reason)}"
        )


def computing(model: str, provider: str, reason: str) -> str:
    """What really computes the alpha, in words."""
    return f"{model} on {provider} ({reason})"
