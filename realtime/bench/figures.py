"""Figures with their noise: what several rounds of a measurement say together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Better = Literal["lower", "higher"]
Verdict = Literal["within noise", "faster", "slower", "better", "worse"]

# Two runs of one program differ by so much even where each agrees with itself, and by so much where
# there is but one round to tell.
_LEAST_NOISE = 0.03
_UNKNOWN_NOISE = 0.1

# Standard errors of a difference that are still noise: few rounds tell little of how they scatter,
# and of thirty figures none should be called changed by chance.
_ERRORS = 4.0

# Differences that mean nothing whatever their ratio, by unit, where the rounds of both overlap.
# Mostly no frame is lost, of which any loss is infinitely many times as much.
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
    def variance(self) -> float:
        """Squared standard error of the mean round, relative to the median; 0 for one round."""
        if len(self.rounds) < 2 or not self.median:
            return 0.0
        return statistics.variance(self.rounds) / len(self.rounds) / self.median**2

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
        ratio: new by old; NaN where both are 0.
        noise: relative difference that means nothing here.
        verdict: what to think of it.
    """

    ratio: float
    noise: float
    verdict: Verdict


def compare(old: Metric, new: Metric) -> Change:
    """Judges a difference by how much the rounds of both differ among themselves.

    Noise is four standard errors of the difference, and 3 % at least. Where a figure is from one
    round only, nobody can know: then it is 10 % at least. Nor does it mean anything where
    shares of the frames differ by no more than a hundredth of all, and their rounds overlap.
    """
    several = min(len(old.rounds), len(new.rounds)) > 1
    least = _LEAST_NOISE if several else _UNKNOWN_NOISE
    noise = max(_ERRORS * math.sqrt(old.variance + new.variance), least)
    from_zero = math.inf if new.median else math.nan
    ratio = new.median / old.median if old.median else from_zero
    rounds = old.rounds, new.rounds
    overlap = not several or max(map(min, rounds)) <= min(map(max, rounds))
    alike = abs(new.median - old.median) <= _LEAST_DIFFERENCE.get(new.unit, 0.0)
    if (overlap and alike) or (ratio > 0 and abs(math.log(ratio)) <= math.log1p(noise)):
        return Change(ratio, noise, "within noise")
    good = (ratio > 1) == (new.better == "higher")
    if new.unit in _TIMES:
        return Change(ratio, noise, "faster" if good else "slower")
    return Change(ratio, noise, "better" if good else "worse")


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of all are at or under; NaN when there are none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
