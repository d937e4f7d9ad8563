"""Figures with their noise: what several rounds of a measurement say together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from realtime.bench.significance import chance_difference

Better = Literal["lower", "higher"]
Verdict = Literal["within noise", "unknown", "faster", "slower", "better", "worse"]

# Two runs of one program differ by so much even where each agrees with itself.
DRIFT = 0.03

# Likewise, by unit, whatever the ratio: mostly no frame is lost, of which any loss is infinitely
# many times as much.
_LEAST_DIFFERENCE = {"of the frames": 0.01}

# What one calls a change depends on what is measured.
_TIMES = ("ms", "fps", "s")


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, measured in several rounds.

    Attributes:
        unit: such as "ms" or "fps".
        better: which way is the good one.
        rounds: the figure of each round.
        p95: 95th percentile within a round, its median over the rounds; None where the figure is
            one for the whole round, as the mean of a codec's frames.
    """

    unit: str
    better: Better
    rounds: tuple[float, ...]
    p95: float | None = None

    @property
    def median(self) -> float:
        """The figure."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """How far apart the rounds are, relative to the median; 0 where there is but one."""
        middle = abs(self.median)
        return (max(self.rounds) - min(self.rounds)) / middle if middle else 0.0

    @property
    def mean(self) -> float:
        """What is compared: how far off it may be, is known best."""
        return statistics.fmean(self.rounds)

    @property
    def scatter(self) -> float:
        """Standard deviation of the rounds, relative to the mean; 0 where there is but one."""
        middle = abs(self.mean)
        return statistics.stdev(self.rounds) / middle if middle and len(self.rounds) > 1 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"median": self.median, "spread": self.spread}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Metric:
        """What `as_dict` gave."""
        return cls(plain["unit"], plain["better"], tuple(plain["rounds"]), plain.get("p95"))


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs from an earlier one.

    Attributes:
        ratio: of the means, new by old; NaN where both are 0.
        noise: difference that means nothing here, relative to the old mean; infinite where nobody
            can know it, and where that mean is 0.
        verdict: what to think of it; "unknown" where one of them is of a single round.
    """

    ratio: float
    noise: float
    verdict: Verdict


def compare(old: Metric, new: Metric) -> Change:
    """Judges a difference by how much the rounds of both differ among themselves.

    It counts where it is more than chance makes (see `significance`), than 3 %, and, of shares of
    the frames, than a hundredth of all.
    """
    from_zero = math.inf if new.mean else math.nan
    ratio = new.mean / old.mean if old.mean else from_zero
    if min(len(old.rounds), len(new.rounds)) < 2:
        return Change(ratio, math.inf, "unknown")
    noise = max(
        chance_difference(old.rounds, new.rounds),
        DRIFT * min(abs(old.mean), abs(new.mean)),
        _LEAST_DIFFERENCE.get(new.unit, 0.0),
    )
    relative = noise / abs(old.mean) if old.mean else math.inf
    if abs(new.mean - old.mean) <= noise:
        return Change(ratio, relative, "within noise")
    good = (new.mean > old.mean) == (new.better == "higher")
    if new.unit in _TIMES:
        return Change(ratio, relative, "faster" if good else "slower")
    return Change(ratio, relative, "better" if good else "worse")


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of all are at or under; NaN when there are none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
