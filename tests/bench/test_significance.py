"""Student's t for few rounds."""

from __future__ import annotations

import pytest

from realtime.bench.significance import chance_difference, student_quantile


class TestSignificance:
    @pytest.mark.parametrize(
        ("chance", "freedom", "quantile"),
        [
            # Abramowitz and Stegun, Handbook of Mathematical Functions, table 26.10.
            (0.05, 1, 12.706),
            (0.05, 2, 4.303),
            (0.05, 8, 2.306),
            (0.001, 1, 636.619),
            (0.001, 2, 31.598),
            (0.001, 3, 12.924),
            (0.001, 4, 8.610),
            (0.001, 10, 4.587),
            (0.001, 30, 3.646),
            (0.001, 120, 3.373),
        ],
    )
    def test_quantiles_are_those_of_the_tables(
        self, chance: float, freedom: float, quantile: float
    ) -> None:
        assert student_quantile(chance, freedom) == pytest.approx(quantile, rel=1e-3)

    def test_between_whole_degrees_it_falls(self) -> None:
        found = [student_quantile(0.0015, 1 + number / 10) for number in range(31)]
        assert found == sorted(found, reverse=True)
        assert student_quantile(0.0015, 1e9) > 3.17

    def test_many_rounds_do_not_speak_for_two(self) -> None:
        by_chance = chance_difference((1.0, 1.0001), tuple(range(100)))
        assert by_chance > student_quantile(0.0015, 3) * 2.9

    def test_without_scatter_there_is_no_chance(self) -> None:
        assert chance_difference((1.0, 1.0), (2.0, 2.0, 2.0)) == 0
