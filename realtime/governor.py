"""Holds a live run within its latency: gives up some quality at once, and takes it back slowly.

Pure: it is told what each frame took and says at which level to go on. It starts no thread, opens
no network and looks at no clock but the one it is given.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# How far back to look, in seconds: for a load that has to be answered at once, and for one that
# now and then spoils a frame.
_SHORT = 0.4
_LONG = 3.0

# At least so many frames decide, also where frames are slow.
_FEWEST = 5

# From so many frames on, the time between two is their mean: they may come unevenly, and those that
# a stall held up come closer together afterwards.
_INTERVALS = 12

# A stall spoils many frames at one time, and is no load: of those given up in a row so many count,
# and what was spoiled in the short run must be so many seconds apart.
_MOST_DROPPED = 2
_NO_STALL = 0.15

# The budget is a bound, and no place to live: frames are meant to stay within this share of it. But
# no less than what the fastest level reaches, which may be this share of the aim: quality is not
# given up for a few milliseconds.
_AIM = 0.7
_REACHED = 0.8

# Share of spoiled frames that is too much in the short run, there just after a step up, and in the
# long run. Spoiled is what came later than the budget or not at all.
_SPOILED_SHORT = 0.5
_SPOILED_TRIAL = 0.35
_SPOILED_LONG = 0.2

# Share of spoiled frames, and of those later than the aim, that is too much where it lasts for so
# many seconds; and the share of those that missed the aim up to which all is calm.
_SPOILED_LASTING = 0.08
_LATE_LASTING = 0.07
_LASTING = 6.0
_CALM = 0.05

# What a lower level must promise to be chosen, of the frame interval, and of the budget; a higher
# level must promise more, of the aim. Between the two lies the hysteresis. All stages share the
# cores: however short a higher level's network runs, with all of them it must leave them some rest,
# or frames will wait for each other.
_DOWN_BUSY, _DOWN_LATENCY = 0.8, 0.9
_UP_BUSY, _UP_LATENCY, _UP_CORES = 0.7, 0.85, 0.85

# The first frames find cold caches, and memory that is still to be taken: for so many seconds after
# the first one nothing is judged.
_START_UP = 1.0

# Frames that were on their way when the level changed say nothing about the new level.
_SETTLING = 3

# A step down that comes so soon after another, in seconds, goes all the way.
_AGAIN = 1.0

# Seconds of calm before a step up, and before one to a level that had to be left once. These double
# with each further time: a level that barely holds is tried some times an hour.
_PATIENCE = 2.0
_CAUTION = 10.0
_LONGEST_PATIENCE = 600.0

# Where the load is less than this share of what it was when the level had to be left, so much of
# the caution is enough.
_RELIEF = 0.4
_CONFIDENCE = 0.25

# Seconds in which one setback is forgotten.
_FORGETTING = 600.0

# A level that should not fit is tried nevertheless after so many times the calm. One that would
# need more than `_HOPELESS` times the time that there is, or miss the aim, waits on, but what was
# learned of costs is forgotten then: it may be outdated.
_DOUBTING = 10
_HOPELESS = 1.5

# A machine on which the network runs less than this much slower than at its best is not loaded.
_LOADED = 1.25

# Levels are late alike where they take no more than this many times what the lowest one takes.
_ALIKE = 1.25

# A measured cost may differ from the foreseen one by this factor: more is the load that changed.
_SURPRISE = 3.0


@dataclass(frozen=True, slots=True)
class Level:
    """One way of working.

    Attributes:
        model: the network, as `Matting` takes it.
        scale: pixels to show to the network, as a share of its native size.
        plain: whether outlines are left as they come when frames are composited.
        every: the network runs on every n-th frame; others get the alpha before, moved along.
    """

    model: str
    scale: float = 1.0
    plain: bool = False
    every: int = 1

    def __str__(self) -> str:
        parts = [self.model]
        if self.scale != 1:
            parts.append(f"{self.scale:.0%} of the pixels")
        if self.every > 1:
            parts.append(f"every {self.every} frames")
        if self.plain:
            parts.append("plain outlines")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a frame costs at a level, in any unit that all levels share.

    Attributes:
        mean: of finding an alpha, over many frames.
        peak: likewise, of the frames that cost most.
        after: of what can be left out when frames are composited.
    """

    mean: float
    peak: float
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """What became of one frame.

    Attributes:
        level: index of the level that it was made at.
        busy: seconds that finding its alpha took.
        latency: seconds from capture to output of the last frame that came out, None where none
            did since the measurement before.
        dropped: frames given up since the measurement before.
        interval: seconds from one captured frame to the next; None where unknown.
        spent: seconds of the processor that the process has taken so far; None where unknown.
    """

    level: int
    busy: float
    latency: float | None = None
    dropped: int = 0
    interval: float | None = None
    spent: float | None = None


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    busy: float
    latency: float | None
    dropped: int
    spent: float | None


@dataclass(frozen=True, slots=True)
class _Setbacks:
    """How often a level had to be left, fading; when last, and what a unit of cost took then."""

    count: float
    last: float
    unit: float


_Samples = Sequence[_Sample] | deque[_Sample]


class Governor:
    """Steps through levels so that frames keep coming in time.

    It goes down at once, as far as the measured load makes it foresee; if that was not far enough,
    the next step, still within the second, reaches the lowest level. It also goes down, slowly,
    where frames are in time but keep missing the aim: seven tenths of the budget, or what the
    levels can reach. It goes up one level at a time, after a while of calm in which the level above
    would have fitted with room to spare. Each time that a level had to be left, it is not tried
    again for twice as long.

    Where the time is lost behind the network on a machine that is not loaded, such as to a slow
    output, no level would help: none is given up, and one that was is taken back.

    Not for several threads at once.

    Args:
        levels: best first, at least one.
        costs: foreseen cost of each; what is measured replaces it.
        frame_rate: in Hz, as asked from the camera.
        budget: seconds that a frame may take from capture to output; 0 for two frame intervals, as
            they really are.
        cores: that the process may use.
        start: index of the first level.
        clock: monotonic seconds.
        announce: is told every change and its reason in one line.

    Attributes:
        level: index of the level to work at.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        costs: Sequence[Cost],
        frame_rate: float,
        budget: float = 0.0,
        *,
        cores: int = 1,
        start: int = 0,
        clock: Callable[[], float] = time.monotonic,
        announce: Callable[[str], None] = lambda line: None,
    ) -> None:
        if not levels or len(levels) != len(costs) or not 0 <= start < len(levels):
            raise ValueError("a governor needs levels, a cost for each, and to start at one")
        self.levels = tuple(levels)
        self.level = start
        self._foreseen = list(costs)
        self._costs = list(costs)
        self._nominal = self._interval = 1 / frame_rate
        self._intervals: deque[float] = deque(maxlen=_INTERVALS)
        self._asked_budget = budget
        self._aim = _AIM * self.budget
        self._cores = cores
        self._clock = clock
        self._announce = announce
        self._start = start
        self._setbacks = [_Setbacks(0.0, clock(), 0.0)] * len(levels)
        # The least that a unit of cost was ever seen to take: the machine without load.
        self._best_unit = math.inf
        self._went_down = -math.inf
        self._complained = False
        self._first: float | None = None
        # The level below, and its busy time before the last step up, until that is evaluated.
        self._came_from: tuple[int, Cost] | None = None
        self._begin(clock())

    @property
    def budget(self) -> float:
        """Seconds that a frame may take from capture to output."""
        return self._asked_budget or 2 * self._interval

    @budget.setter
    def budget(self, seconds: float) -> None:
        self._asked_budget = seconds

    def restart(self) -> None:
        """Goes back to the first level and forgets what was measured, but not what failed."""
        self.level = self._start
        self._came_from = None
        self._complained = False
        self._begin(self._clock())

    def observe(self, measurement: Measurement) -> int:
        """Takes what became of a frame, and returns the level for the next one."""
        now = self._clock()
        self._follow(measurement.interval)
        if self._first is None:
            self._first = now
        if now - self._first < _START_UP:
            self._nothing_yet(now)
            return self.level
        if measurement.level != self.level:
            # The level is not in place yet.
            self._unsettled = _SETTLING
            self._nothing_yet(now)
            return self.level
        if self._unsettled:
            self._unsettled -= 1
            return self.level
        self._samples.append(self._judge(measurement, now))
        while self._samples[0].time < now - self._long:
            self._samples.popleft()
        self._watch(now)
        reason = self._trouble(now)
        if reason is not None or self._full():
            self._learn()
        if reason is not None:
            self._go_down(reason, now)
            return self.level
        self._helpless_since = now
        if self._full() and now - self._easy_since > _LASTING:
            self._ease(now)
        else:
            self._consider_going_up(now)
        return self.level

    def _follow(self, interval: float | None) -> None:
        """Learns how far frames really are apart, in seconds; a camera slows down in the dark."""
        if interval is None:
            return
        self._intervals.append(interval)
        if len(self._intervals) >= _FEWEST:
            found = statistics.fmean(self._intervals)
            self._interval = min(max(found, self._nominal / 2), self._nominal * 8)

    @property
    def _short(self) -> float:
        return max(_SHORT, _FEWEST * self._interval)

    @property
    def _long(self) -> float:
        return max(_LONG, 8 * self._short)

    def _begin(self, now: float) -> None:
        """Starts to measure a level."""
        self._samples: deque[_Sample] = deque()
        self._unsettled = _SETTLING
        self._nothing_yet(now)

    def _nothing_yet(self, now: float) -> None:
        """Lets all spans of time begin."""
        self._calm_since = self._fit_since = self._fair_since = self._easy_since = now
        self._helpless_since = now

    def _judge(self, measurement: Measurement, now: float) -> _Sample:
        dropped = min(measurement.dropped, _MOST_DROPPED)
        return _Sample(
            time=now,
            busy=measurement.busy,
            latency=measurement.latency,
            dropped=dropped,
            spent=measurement.spent,
        )

    def _missed(self, samples: _Samples, seconds: float) -> float:
        """Share of the frames that came later than that, or were dropped."""
        dropped = _dropped(samples)
        return (_late(samples, seconds) + dropped) / max(1, len(samples) + dropped)

    def _spoiled(self, samples: _Samples) -> float:
        """Share of the frames that came after the budget, or were dropped."""
        return self._missed(samples, self.budget)

    def _recent(self, now: float) -> list[_Sample]:
        count = sum(sample.time >= now - self._short for sample in self._samples)
        # Where a frame takes longer than that, two of them have to do.
        return list(self._samples)[-max(2, count) :]

    def _full(self) -> bool:
        """Whether there are samples for the long run."""
        return self._samples[-1].time - self._samples[0].time > 0.75 * self._long

    def _watch(self, now: float) -> None:
        """Learns how calm it is, and what this level takes at its best."""
        self._aim = self._find_aim()
        if self._missed(self._samples, self._aim) > _CALM:
            self._calm_since = now
        if _late(self._samples, self._aim) <= _LATE_LASTING * _frames(self._samples):
            self._easy_since = now
        if self._spoiled(self._samples) <= _SPOILED_LASTING:
            self._fair_since = now
        if len(self._samples) >= 2 * _FEWEST:
            self._best_unit = min(self._best_unit, self._unit(self._samples))

    def _find_aim(self) -> float:
        """Seconds within which frames are meant to stay: no less than the levels can reach."""
        usual = self._usual_latency(self._samples, 1 - _CALM)
        busy, peak = _mean_busy(self._samples), _peak_busy(self._samples)
        changes = [self._change(level, busy, peak) for level in range(len(self.levels))]
        least = 0.0 if usual is None else usual + min(changes)
        return min(max(_AIM * self.budget, least / _REACHED), self.budget)

    def _learn(self) -> None:
        """Replaces what this level was foreseen to cost, relative to the one below it.

        Only a step up teaches that: it comes out of calm, while a step down is taken because the
        load is changing.
        """
        if self._came_from is None or len(self._samples) < _FEWEST:
            return
        lower, before = self._came_from
        self._came_from = None
        old, below = self._costs[self.level], self._costs[lower]
        guess, guess_below = self._foreseen[self.level], self._foreseen[lower]
        mean = _bounded(_mean_busy(self._samples) / before.mean, guess.mean / guess_below.mean)
        peak = _bounded(_peak_busy(self._samples) / before.peak, guess.peak / guess_below.peak)
        by_mean, by_peak = below.mean * mean / old.mean, below.peak * peak / old.peak
        # What is above keeps its ratio to this level.
        for i in range(self.level + 1):
            cost = self._costs[i]
            self._costs[i] = Cost(cost.mean * by_mean, cost.peak * by_peak, cost.after)

    def _trouble(self, now: float) -> str | None:
        """Why this level cannot go on, None where it can."""
        recent = self._recent(now)
        interval = self._interval
        # What came while a frame took long, and waits, does not count as dropped yet.
        came = max(_frames(recent), sum(sample.busy for sample in recent) / interval)
        if len(recent) < 2 or came < _FEWEST:
            return None
        most = _SPOILED_SHORT if self._came_from is None else _SPOILED_TRIAL
        if self._spoiled(recent) >= most and _apart(
            [sample.time for sample in recent if self._spoiled([sample])]
        ):
            return _excess(recent, self.budget)
        if self._full() and (
            self._spoiled(self._samples) >= _SPOILED_LONG or now - self._fair_since > _LASTING
        ):
            return _excess(self._samples, self.budget)
        # The longest may be one on which the scheduler slept.
        others = sorted(sample.busy for sample in recent)[:-1]
        busy = max(sum(others) / len(others), _mean_busy(self._samples) if self._full() else 0.0)
        if busy > interval and _apart([s.time for s in recent if s.busy > interval]):
            return f"the network takes {busy * 1e3:.0f} of {interval * 1e3:.0f} ms a frame"
        return None

    def _go_down(self, reason: str, now: float) -> None:
        recent = self._recent(now)
        lower = range(self.level + 1, len(self.levels))
        if not self._to_blame(recent, len(self.levels) - 1):
            self._complain(f"{reason}, but not because of the network", now)
            self._go_up_regardless(now)
            return
        self._helpless_since = now
        if not lower:
            self._complain(f"{reason}; there is no faster way of working", now)
            return
        # The earlier half may be from before the load came.
        latest = recent[len(recent) // 2 :]
        within = _DOWN_LATENCY * self.budget
        fitting = [i for i in lower if self._fits(i, latest, _DOWN_BUSY, within, 0.5)]
        # What was foreseen a moment ago was wrong: then as far as there is, and up from there.
        wrong = now - self._went_down < _AGAIN
        target = fitting[0] if fitting and not wrong else lower[-1]
        self._went_down = now
        self._leave_for(target, latest, reason, now)

    def _go_up_regardless(self, now: float) -> None:
        """Where frames are late at any level, and not for the network, quality costs nothing."""
        if self.level == 0 or not self._full():
            return
        target = self.level - 1
        least = self._latency_at(len(self.levels) - 1, self._samples, 0.5) or 0.0
        fits = self._fits(target, self._samples, _UP_BUSY, _ALIKE * least, 0.5)
        if not fits or self._share_at(target) > _UP_CORES:
            self._helpless_since = now
        elif now - self._helpless_since >= self._patience(target, now):
            self._go(target, "no faster way of working is in time either", now)

    def _ease(self, now: float) -> None:
        """Goes down to a level that is foreseen to reach the aim; stays where there is none."""
        self._easy_since = now
        for target in range(self.level + 1, len(self.levels)):
            if self._fits(target, self._samples, _DOWN_BUSY, self._aim, 1 - _LATE_LASTING):
                self._leave_for(target, self._samples, _excess(self._samples, self._aim), now)
                return

    def _leave_for(self, target: int, samples: _Samples, reason: str, now: float) -> None:
        """Goes down, and remembers that this level did not hold."""
        setbacks = self._setbacks_of(self.level, now) + 1
        self._setbacks[self.level] = _Setbacks(setbacks, now, self._unit(samples))
        self._go(target, reason, now)

    def _to_blame(self, recent: Sequence[_Sample], lowest: int) -> bool:
        """Whether a lower level can help: it is the network, or everything is slow."""
        mine, least = self._costs[self.level], self._costs[lowest]
        busy = _mean_busy(recent)
        if busy > 0.9 * self._interval:
            return True
        if self._unit(recent) > _LOADED * self._best_unit:
            return True
        latencies = [s.latency for s in recent if s.latency is not None]
        if not latencies:
            return True
        saved = _peak_busy(recent) * (1 - least.peak / mine.peak)
        saved += busy / mine.mean * (mine.after - least.after)
        return _quantile(latencies, 0.5) - saved <= self.budget

    def _fits(
        self,
        level: int,
        samples: _Samples,
        busy_share: float,
        within: float,
        typical: float,
    ) -> bool:
        """Whether another level is foreseen to hold under the load of these samples.

        Args:
            level: its index.
            samples: of the present level.
            busy_share: of the frame interval, that its mean may take.
            within: seconds that its latency may take.
            typical: which quantile of the present latencies to think of.
        """
        mine, other, interval = self._costs[self.level], self._costs[level], self._interval
        if _mean_busy(samples) * other.mean / mine.mean > busy_share * interval:
            return False
        latency = self._latency_at(level, samples, typical)
        return latency is None or latency <= within

    def _latency_at(self, level: int, samples: _Samples, typical: float) -> float | None:
        """What a quantile of the latencies is foreseen to be at another level."""
        usual = self._usual_latency(samples, typical)
        if usual is None:
            return None
        return usual + self._change(level, _mean_busy(samples), _peak_busy(samples))

    def _usual_latency(self, samples: _Samples, typical: float) -> float | None:
        """A quantile of the latencies, less what a network that is too slow makes frames wait."""
        latencies = [sample.latency for sample in samples if sample.latency is not None]
        if not latencies:
            return None
        interval = self._interval
        # A network that is always busy lets each frame wait, half an interval in the mean.
        waiting = interval / 2 if _mean_busy(samples) > 0.9 * interval else 0.0
        return _quantile(latencies, typical) - waiting

    def _change(self, level: int, busy: float, peak: float) -> float:
        """Seconds by which latencies are foreseen to differ at another level.

        Args:
            level: its index.
            busy: seconds of the present level, in the mean.
            peak: likewise, of the frames that take most.
        """
        mine, other = self._costs[self.level], self._costs[level]
        after = busy / mine.mean * (other.after - mine.after)
        return peak * (other.peak / mine.peak - 1) + after

    def _consider_going_up(self, now: float) -> None:
        if self.level == 0:
            return
        target = self.level - 1
        patience = self._patience(target, now)
        share, within = self._share_at(target), _UP_LATENCY * self._aim
        fits = self._fits(target, self._samples, _UP_BUSY, within, 0.9)
        if not fits or share > _UP_CORES:
            self._fit_since = now
        calm = now - self._calm_since
        if calm < patience or not self._full():
            return
        if now - self._fit_since >= patience:
            self._go(target, "there is room again", now)
        elif calm >= _DOUBTING * patience:
            busy = _UP_BUSY * _HOPELESS
            if share <= 1 and self._fits(target, self._samples, busy, self._aim, 0.9):
                self._go(target, "calm for long, a trial", now)
            else:
                self._calm_since = now
                self._costs = list(self._foreseen)

    def _share_at(self, level: int) -> float:
        """Share of the cores that this process is foreseen to take at a level; 0 if unknown.

        As if one core did what networks differ in: where there are several, there is more room.
        """
        first, last = self._samples[0], self._samples[-1]
        if first.spent is None or last.spent is None or last.time <= first.time:
            return 0.0
        mine, other = self._costs[self.level], self._costs[level]
        more = other.mean + other.after - mine.mean - mine.after
        spent = (last.spent - first.spent) / (last.time - first.time)
        return (spent + more * self._unit(self._samples) / self._interval) / self._cores

    def _setbacks_of(self, level: int, now: float) -> float:
        setbacks = self._setbacks[level]
        return max(0.0, setbacks.count - (now - setbacks.last) / _FORGETTING)

    def _unit(self, samples: _Samples) -> float:
        """Seconds that a unit of cost takes: the load."""
        return _mean_busy(samples) / self._costs[self.level].mean

    def _patience(self, level: int, now: float) -> float:
        """Seconds of calm before a step up to a level."""
        setbacks = self._setbacks_of(level, now)
        if setbacks == 0:
            return _PATIENCE
        caution = float(_CAUTION * 2 ** (setbacks - 1))
        if self._unit(self._samples) < _RELIEF * self._setbacks[level].unit:
            caution *= _CONFIDENCE
        return min(_LONGEST_PATIENCE, max(_PATIENCE, caution))

    def _go(self, target: int, reason: str, now: float) -> None:
        way = "down" if target > self.level else "up"
        self._came_from = None
        if way == "up":
            busy = Cost(_mean_busy(self._samples), _peak_busy(self._samples))
            self._came_from = (self.level, busy)
        line = f"{way} to {self.levels[target]}: {reason}"
        self.level = target
        self._complained = False
        self._begin(now)
        self._announce(line)

    def _complain(self, line: str, now: float) -> None:
        """Says once what no step can mend."""
        self._calm_since = now
        if not self._complained:
            self._complained = True
            self._announce(line)


def _apart(times: Sequence[float]) -> bool:
    """Whether these lie further apart than what a single stall spoils."""
    return len(times) > 1 and times[-1] - times[0] >= _NO_STALL


def _bounded(ratio: float, foreseen: float) -> float:
    return min(max(ratio, foreseen / _SURPRISE), foreseen * _SURPRISE)


def _late(samples: _Samples, seconds: float) -> int:
    return sum([s.latency is not None and s.latency > seconds for s in samples])


def _frames(samples: _Samples) -> int:
    return len(samples) + _dropped(samples)


def _dropped(samples: _Samples) -> int:
    return sum([sample.dropped for sample in samples])


def _excess(samples: _Samples, within: float) -> str:
    """What is too much, in words: frames that were dropped, or came after so many seconds."""
    frames, dropped, late = _frames(samples), _dropped(samples), _late(samples, within)
    if dropped > late:
        return f"{dropped / frames:.0%} of the frames were dropped"
    return f"{late / frames:.0%} of the frames came after {within * 1e3:.0f} ms"


def _mean_busy(samples: _Samples) -> float:
    return sum(sample.busy for sample in samples) / len(samples)


def _peak_busy(samples: _Samples) -> float:
    return _quantile([sample.busy for sample in samples], 0.9)


def _quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of all are at or under."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
