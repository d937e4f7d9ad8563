"""Figures, their noise, and what counts as a change."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from realtime.bench.figures import DRIFT, Metric, compare, percentile
from realtime.bench.significance import CHANCE, student_quantile, sure_change


def _rounds(rng: random.Random, count: int, scatter: float, mean: float = 1.0) -> Metric:
    return Metric("ms", "lower", tuple(rng.gauss(mean, mean * scatter) for _ in range(count)))


def _found(ratio: float, scatter: float, rounds: int) -> float:
    """How often a change is."""
    rng = random.Random(5)
    verdict = "slower" if ratio > 1 else "faster"
    changes = [
        compare(_rounds(rng, rounds, scatter), _rounds(rng, rounds, scatter, ratio))
        for _ in range(500)
    ]
    return sum(change.verdict == verdict for change in changes) / len(changes)


class TestFigures:
    def test_a_metric_is_the_median_of_its_rounds_and_knows_their_spread(self) -> None:
        metric = Metric("ms", "lower", (10.0, 12.0, 11.0), p95=15.0)
        assert metric.median == 11
        assert metric.spread == pytest.approx(2 / 11)
        assert Metric.from_dict(json.loads(json.dumps(metric.as_dict()))) == metric

    @pytest.mark.parametrize(
        ("unit", "better", "old", "new", "verdict"),
        [
            ("ms", "lower", (10.0, 10.1, 9.9), (10.2, 10.1, 10.0), "within noise"),
            ("ms", "lower", (10.0, 10.1, 9.9), (12.0, 12.1, 11.9), "slower"),
            ("ms", "lower", (12.0, 12.1, 11.9), (10.0, 10.1, 9.9), "faster"),
            ("fps", "higher", (50.0, 50.0), (60.0, 60.0), "faster"),
            ("fps", "higher", (60.0, 60.0), (50.0, 50.0), "slower"),
            # So much a machine differs from one run to the next.
            ("fps", "higher", (50.0, 50.0), (51.4, 51.4), "within noise"),
            # The same difference, but the rounds differ as much among themselves.
            ("fps", "higher", (50.0, 60.0), (60.0, 60.0), "within noise"),
            # Two rounds may be close by chance, and three far from two others.
            ("ms", "lower", (10.0, 10.2), (11.5, 11.7), "within noise"),
            ("ms", "lower", (10.0, 10.5, 10.2), (12.5, 11.5, 12.0), "within noise"),
            # One of many rounds may be as slow as the others'.
            ("ms", "lower", (10.0,) * 9 + (12.0,), (12.0,) * 10, "slower"),
            # And with one round nobody knows by how much.
            ("fps", "higher", (50.0,), (92.0,), "unknown"),
            ("fps", "higher", (50.0,) * 3, (92.0,), "unknown"),
            ("MB", "lower", (100.0, 100.0), (150.0, 150.0), "worse"),
            ("MB", "lower", (150.0, 150.0), (100.0, 100.0), "better"),
            ("of the frames", "lower", (0.0, 0.0), (0.0, 0.0), "within noise"),
            # One frame of 150, and a few.
            ("of the frames", "lower", (0.0, 0.0), (1 / 150, 1 / 150), "within noise"),
            ("of the frames", "lower", (0.0, 0.0, 0.0), (0.0, 1 / 150, 1 / 150), "within noise"),
            ("of the frames", "lower", (0.0, 0.0), (0.02, 0.02), "worse"),
            ("of the frames", "lower", (0.0, 0.0), (0.1, 0.1), "worse"),
            ("of the frames", "lower", (0.1, 0.1), (0.0, 0.0), "better"),
        ],
    )
    def test_a_change_counts_where_it_is_more_than_the_noise(
        self, unit: str, better: Any, old: Any, new: Any, verdict: str
    ) -> None:
        change = compare(Metric(unit, better, old), Metric(unit, better, new))
        assert change.verdict == verdict

    def test_ratio_and_noise_are_of_the_means(self) -> None:
        old, new = Metric("ms", "lower", (4.0, 4.0, 4.0)), Metric("ms", "lower", (5.0, 5.0, 8.0))
        change = compare(old, new)
        assert change.ratio == 1.5
        # A standard error of 1 with two degrees of freedom, and a mean of 4.
        assert change.noise == pytest.approx(student_quantile(CHANCE, 2) / 4)

    @pytest.mark.parametrize(("old", "new"), [(2, 2), (3, 3), (5, 5), (2, 10), (3, 10)])
    @pytest.mark.parametrize("scatter", [0.03, 0.1])
    def test_a_program_is_hardly_ever_called_another_than_itself(
        self, old: int, new: int, scatter: float
    ) -> None:
        """In at most one comparison of twenty is one figure of 33 called changed."""
        rng = random.Random(33)
        comparisons = 300
        wrong = sum(
            any(
                compare(_rounds(rng, old, scatter), _rounds(rng, new, scatter)).verdict
                != "within noise"
                for _ in range(33)
            )
            for _ in range(comparisons)
        )
        assert wrong <= 0.05 * comparisons

    @pytest.mark.parametrize("ratio", [1.5, 1 / 1.5])
    def test_a_large_change_is_found(self, ratio: float) -> None:
        assert _found(ratio, 0.03, 5) > 0.99

    @pytest.mark.parametrize("rounds", [3, 4, 6])
    @pytest.mark.parametrize("scatter", [0.005, 0.02])
    def test_a_change_that_is_said_to_be_found_is(self, scatter: float, rounds: int) -> None:
        assert _found(1 + sure_change(scatter, rounds, DRIFT), scatter, rounds) > 0.85

    def test_percentiles(self) -> None:
        assert percentile(range(1, 101), 95) == 95
        assert percentile([7.0], 50) == 7
        assert math.isnan(percentile([], 50))
