"""Figures, their noise, and what counts as a change."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from realtime.bench.figures import Metric, compare, percentile


class TestFigures:
    def test_a_metric_is_the_median_of_its_rounds_and_knows_their_spread(self) -> None:
        metric = Metric("ms", "lower", (10.0, 12.0, 11.0), p95=15.0)
        assert metric.median == 11
        assert metric.spread == pytest.approx(2 / 11)
        assert Metric.from_dict(json.loads(json.dumps(metric.as_dict()))) == metric

    @pytest.mark.parametrize(
        ("unit", "better", "old", "new", "verdict"),
        [
            ("ms", "lower", (10.0, 10.1), (10.2, 10.1), "within noise"),
            ("ms", "lower", (10.0, 10.1), (12.0, 12.1), "slower"),
            ("ms", "lower", (12.0, 12.1), (10.0, 10.1), "faster"),
            ("fps", "higher", (50.0, 50.0), (60.0, 60.0), "faster"),
            ("fps", "higher", (60.0, 60.0), (50.0, 50.0), "slower"),
            # The same difference, but the rounds differ as much among themselves.
            ("fps", "higher", (50.0, 60.0), (60.0, 60.0), "within noise"),
            # And with one round nobody knows by how much.
            ("fps", "higher", (50.0,), (54.0,), "within noise"),
            ("MB", "lower", (100.0, 100.0), (150.0, 150.0), "worse"),
            ("MB", "lower", (150.0, 150.0), (100.0, 100.0), "better"),
            ("of the frames", "lower", (0.0, 0.0), (0.0, 0.0), "within noise"),
            # One frame of 150, and a few.
            ("of the frames", "lower", (0.0,), (1 / 150,), "within noise"),
            ("of the frames", "lower", (0.0, 0.0, 0.0), (0.0, 1 / 150, 1 / 150), "within noise"),
            ("of the frames", "lower", (0.0, 0.0, 0.0), (0.009, 0.009, 0.009), "worse"),
            ("of the frames", "lower", (1 / 150,), (0.0,), "within noise"),
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

    def test_percentiles(self) -> None:
        assert percentile(range(1, 101), 95) == 95
        assert percentile([7.0], 50) == 7
        assert math.isnan(percentile([], 50))
