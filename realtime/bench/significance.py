"""What the rounds of two measurements tell of a difference: Welch's t test for few rounds.

B. L. Welch, "The generalization of 'Student's' problem when several different population variances
are involved", Biometrika 34 (1947).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cache

# How often chance alone may call a figure changed. A configuration has some 33: one of them in one
# comparison of twenty.
CHANCE = 0.0015

# Standard errors that a difference seems smaller than it is, at most, in nine cases of ten.
_NINE_OF_TEN = statistics.NormalDist().inv_cdf(0.9)

# Beyond, the quantile hardly changes, and the gamma function overflows.
_MOST_FREEDOM = 200.0

_STEPS = 200
_HALVINGS = 40


def chance_difference(old: Sequence[float], new: Sequence[float]) -> float:
    """How far apart the means of two rounds or more each are by chance, at most.

    In the figure's own unit; 0 where none of the rounds differ among themselves.
    """
    parts = [statistics.variance(rounds) / len(rounds) for rounds in (old, new)]
    if not any(parts):
        return 0.0
    counts = [len(rounds) - 1 for rounds in (old, new)]
    # Of shares, as squares of what is tiny are nothing.
    shares = [part / sum(parts) for part in parts]
    freedom = 1 / sum(share**2 / count for share, count in zip(shares, counts, strict=True))
    # Two rounds that agree by chance would leave all freedom to the other side's many.
    freedom = min(freedom, 2.0 * min(counts))
    return student_quantile(CHANCE, freedom) * math.sqrt(sum(parts))


def sure_change(scatter: float, rounds: int, least: float) -> float:
    """A difference that is told from noise in some nine cases of ten.

    Args:
        scatter: standard deviation of the rounds.
        rounds: on each side.
        least: what is noise even where no rounds differ.
    """
    error = math.sqrt(2 / rounds) * scatter
    # The fewest degrees of freedom that Welch's way can find.
    return max(student_quantile(CHANCE, rounds - 1) * error, least) + _NINE_OF_TEN * error


def student_quantile(chance: float, freedom: float) -> float:
    """What |t| exceeds by chance.

    Args:
        chance: how often, of both tails together.
        freedom: degrees of freedom, 1 or more; tenths are enough, and rounded down.
    """
    return _quantile(chance, math.floor(min(freedom, _MOST_FREEDOM) * 10 + 1e-9) / 10)


@cache
def _quantile(chance: float, freedom: float) -> float:
    """By the angle of which √freedom / tan is t: there the density is a power of its sine."""
    power = freedom - 1
    whole = math.sqrt(math.pi) / 2 * math.gamma(freedom / 2) / math.gamma((freedom + 1) / 2)
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        angle = (low + high) / 2
        step = angle / _STEPS
        tail = step * sum(math.sin(step * (index + 0.5)) ** power for index in range(_STEPS))
        low, high = (low, angle) if tail > chance * whole else (angle, high)
    return math.sqrt(freedom) / math.tan(high)
