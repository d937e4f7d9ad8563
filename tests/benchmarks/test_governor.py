"""Measures of a governed run against values worked out by hand."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks import governor
from benchmarks.governor import Delivered, longest_excess, phases, rates, trace
from benchmarks.reporting import run_command


def _frames(*latencies: float, interval: float = 0.1) -> list[Delivered]:
    return [Delivered(i * interval, latency, "fast", 0.0) for i, latency in enumerate(latencies)]


def test_a_rate_counts_the_last_second() -> None:
    assert rates([0.5 * i for i in range(5)])[2:] == [2, 2, 2]
    assert rates([1.0, 1.1, 1.2, 3.0]) == [1, 2, 3, 1]


def test_single_late_frames_are_no_excess() -> None:
    frames = [(0.1 * i, 0.2 if i % 3 == 0 else 0.05) for i in range(60)]
    assert longest_excess(frames, 0.1) == 0


def test_excess_lasts_from_when_most_frames_are_late_until_they_are_not() -> None:
    frames = [(0.1 * i, 0.2 if 20 <= i < 40 else 0.05) for i in range(60)]
    # The fifth late one of nine is frame 24, and frame 43 the last with five.
    assert longest_excess(frames, 0.1) == pytest.approx(1.9)


def test_phases_leave_out_what_settles() -> None:
    frames = _frames(*[0.02] * 100, *[0.2] * 20, *[0.08] * 80, *[0.02] * 101)
    found = phases(frames, (10.0, 20.0), 0.05)
    assert found["before"]["latency_p50_ms"] == 20
    assert found["beside"] == {
        "fps": 10.0,
        "latency_p50_ms": 80,
        "latency_p95_ms": 80,
        "over_budget": 1.0,
    }
    assert found["after"]["over_budget"] == 0


def test_a_percentile_is_the_value_that_so_many_are_at_or_under() -> None:
    (row,) = trace(_frames(*[0.001 * i for i in range(1, 21)], interval=0.04))
    assert (row["latency_p50_ms"], row["latency_p95_ms"]) == (10, 19)


def test_a_trace_has_a_row_for_each_second_also_where_nothing_came() -> None:
    frames = [
        Delivered(0.1, 0.02, "fast", 0.0),
        Delivered(0.6, 0.03, "slow", 0.0),
        Delivered(2.5, 0.04, "slow", 0.0),
    ]
    rows = trace(frames)
    assert [row["fps"] for row in rows] == [2, 0, 1]
    assert [row["levels"] for row in rows] == ["fast → slow", "", "slow"]
    assert "latency_p50_ms" not in rows[1]


@pytest.mark.parametrize(
    "given",
    [
        ("--size", "abc"),
        ("--size", "1280"),
        ("--size", "1281x720"),
        ("--seconds", "0"),
        ("--seconds", "8"),
        ("--seconds", "nan"),
        ("--seconds", "inf"),
        ("--hogs", "-1"),
        ("--fps", "0"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(
    given: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(governor, "run", lambda *arguments: pytest.fail("it began"))
    monkeypatch.setattr(sys, "argv", ["governor", *given, "--out", str(tmp_path)])
    assert run_command(governor.main) == 2
    assert re.fullmatch(r"error: .+(must be|write) .+\n", capsys.readouterr().err)
