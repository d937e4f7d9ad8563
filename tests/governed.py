"""A live run that the tests imagine: a camera, a network and an output under a load of choice."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from realtime.channel import Channel
from realtime.governor import Cost, Governor, Level, Measurement
from realtime.live_pipeline import channel

LEVELS = (
    Level("quality"),
    Level("balanced"),
    Level("balanced", every=2),
    Level("fast"),
    Level("fast", scale=0.65),
    Level("fast", scale=0.65, plain=True),
    Level("fast", scale=0.65, plain=True, every=2),
    Level("fast", scale=0.65, plain=True, every=3),
)
COSTS = (
    Cost(11.5, 11.5, 2.0),
    Cost(7.8, 7.8, 2.0),
    Cost(4.6, 8.8, 2.0),
    Cost(3.0, 3.0, 2.0),
    Cost(1.8, 1.8, 2.0),
    Cost(1.8, 1.8),
    Cost(1.45, 2.2),
    Cost(1.2, 2.2),
)

Load = Callable[[float], float]


@dataclass
class Trace:
    """What happened in a simulated run.

    Attributes:
        captured: seconds at which each frame was captured.
        spoiled: whether each came late or never.
        levels: (seconds, index) at the start and at every change.
        lines: what was announced.
    """

    captured: list[float] = field(default_factory=list)
    spoiled: list[bool] = field(default_factory=list)
    levels: list[tuple[float, int]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def changes(self) -> int:
        return len(self.levels) - 1

    def level_at(self, seconds: float) -> int:
        return [level for time, level in self.levels if time <= seconds][-1]

    def longest_excess(self) -> float:
        """Seconds of the longest time in which at any moment most of nine frames were spoiled."""
        longest, begin = 0.0, None
        for i in range(8, len(self.captured)):
            if sum(self.spoiled[i - 8 : i + 1]) <= 4:
                begin = None
                continue
            begin = self.captured[i - 8] if begin is None else begin
            longest = max(longest, self.captured[i] - begin)
        return longest

    def spoiled_between(self, begin: float, end: float) -> float:
        """Share of the frames captured in this time that were spoiled."""
        inside = [b for t, b in zip(self.captured, self.spoiled, strict=True) if begin <= t < end]
        return sum(inside) / len(inside)


def simulate(
    load: Load,
    seconds: float,
    *,
    unit: float = 0.001,
    rest: float = 0.006,
    output_load: Load | None = None,
    frame_rate: float = 30.0,
    seed: int = 0,
    noise: float = 0.1,
    hiccups: float = 0.0,
    surprise: float = 0.0,
    start: int = 0,
    opening: float = 0.0,
    costs: Sequence[Cost] = COSTS,
    levels: Sequence[Level] = LEVELS,
    budget: float = 0.0,
) -> Trace:
    """Runs a governor over an imagined pipeline with a live run's channels before its stages.

    Args:
        load: by how much everything is slowed down at a moment; 1 is not at all.
        seconds: how long.
        unit: seconds of a unit of cost on the machine without load.
        rest: seconds that the output stage takes without load, at the lowest level.
        output_load: that of the output stage, if it differs.
        frame_rate: in Hz.
        seed: of the noise.
        noise: standard deviation of the logarithm of every duration.
        hiccups: share of the frames on which the scheduler takes another 50 ms.
        surprise: by up to how much true costs differ from foreseen ones, as a logarithm.
        start: first level.
        opening: seconds that pass before a level is in place.
        costs: foreseen ones.
        levels: their levels.
        budget: seconds, see `Governor`.
    """
    rng = random.Random(seed)
    now = 0.0
    trace = Trace()
    governor = Governor(
        levels,
        costs,
        frame_rate,
        budget,
        start=start,
        clock=lambda: now,
        announce=trace.lines.append,
    )
    slower = [math.exp(rng.uniform(-surprise, surprise)) for _ in levels]
    interval = 1 / frame_rate
    late: dict[int, bool] = {}
    finished: list[tuple[float, float]] = []
    output_free = 0.0
    frames_at = mattes_at = 0.0
    frames: Channel[int] = channel(interval, lambda: frames_at)
    # Frames with the time at which they are ready, and what outlines cost then.
    mattes: Channel[tuple[int, float, float]] = channel(interval, lambda: mattes_at)
    captured = given_up = 0
    level, wanted_since, wanted = start, 0.0, start
    since_network, last_index, index = 0, -1, -1
    trace.levels.append((0.0, start))

    def lasting(seconds: float, by: float) -> float:
        hiccup = 0.05 if rng.random() < hiccups else 0.0
        return seconds * by * math.exp(rng.gauss(0, noise)) + hiccup

    def send(until: float) -> None:
        """Has the output take what waits for it, as long as it begins before that."""
        nonlocal output_free, mattes_at
        while len(mattes) and max(output_free, mattes_at) <= until:
            begin = mattes_at = max(output_free, mattes_at)
            index, _, after = mattes.get()
            output_free = begin + lasting(rest + after * unit, (output_load or load)(begin))
            latency = output_free - index * interval
            late[index] = latency > governor.budget
            finished.append((output_free, latency))

    while now < seconds:
        while captured * interval <= now + 1e-9 or not len(frames):
            frames_at = captured * interval
            frames.put(captured)
            captured += 1
        frames_at = now = max(now, frames_at)
        index = frames.get()
        if wanted != level and now - wanted_since >= opening:
            level, since_network = wanted, 0
        skipped = since_network and since_network < levels[level].every
        cost = costs[level].peak
        if skipped:
            every = levels[level].every
            cost = (costs[level].mean * every - cost) / (every - 1)
        since_network = since_network + 1 if skipped else 1
        busy = lasting(cost * slower[level] * unit, load(now))
        now += busy
        send(now)
        mattes_at = max(mattes_at, now)
        mattes.put((index, now, costs[level].after))
        send(now)
        out = [entry for entry in finished if entry[0] <= now]
        finished = [entry for entry in finished if entry[0] > now]
        before = governor.level
        found = governor.observe(
            Measurement(
                level=level,
                busy=busy,
                latency=max(latency for _, latency in out) if out else None,
                dropped=index - last_index - 1 + mattes.dropped - given_up,
                interval=interval,
            )
        )
        last_index, given_up = index, mattes.dropped
        if found != before:
            trace.levels.append((now, found))
            wanted, wanted_since = found, now
            if not opening:
                level, since_network = found, 0
    trace.captured = [i * interval for i in range(index)]
    trace.spoiled = [late.get(i, True) for i in range(index)]
    return trace
