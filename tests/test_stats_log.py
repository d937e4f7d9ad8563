"""The figures of a run as a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from realtime.errors import OutputError
from realtime.stats import Figures, StageTime, Summary
from realtime.stats_log import StatsLog
from tests.test_stats import example_figures


def _summary() -> Summary:
    return Summary(
        frames_in=3,
        frames_out=2,
        frames_dropped=1,
        seconds=0.1,
        fps=20.0,
        model="fast",
        provider="CPUExecutionProvider",
        provider_reason="asked for",
        stages={"infer": StageTime(1.0, 2.0)},
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_each_second_and_a_last_one(tmp_path: Path) -> None:
    path = tmp_path / "stats.jsonl"
    now = 50.0
    with StatsLog(path, lambda: now) as log:
        for _ in range(31):
            log.tick(example_figures)
            now += 0.1
        assert len(_lines(path)) == 3  # readable while it runs
        log.summary(_summary())
        assert log.notes() == ()
    lines = _lines(path)
    assert [line["event"] for line in lines] == ["stats", "stats", "stats", "summary"]
    assert lines[0]["delivered_fps"] == 29.98
    assert lines[0]["stages"]["latency"]["p95_ms"] == 23.7
    assert lines[-1]["frames_out"] == 2
    assert lines[0]["unix_time"] > 1.7e9


def test_missed_seconds_are_not_made_up_for(tmp_path: Path) -> None:
    path = tmp_path / "stats.jsonl"
    now = 0.0
    with StatsLog(path, lambda: now) as log:
        for now in (1.0, 9.0, 9.1, 9.2, 10.0, 10.1):  # noqa: B007 - the clock reads it
            log.tick(example_figures)
    assert len(_lines(path)) == 3


def test_figures_are_only_made_when_they_are_due(tmp_path: Path) -> None:
    def never() -> Figures:
        raise AssertionError

    with StatsLog(tmp_path / "stats.jsonl", lambda: 5.0) as log:
        log.tick(never)


@pytest.mark.parametrize("name", ["no/stats.jsonl", ".", "nul\0"])
def test_a_file_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"cannot be written \(.*\); choose another file"):
        StatsLog(tmp_path / name)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a disk that is always full")
def test_a_full_disk_ends_the_log_and_not_the_run() -> None:
    now = 0.0
    with StatsLog("/dev/full", lambda: now) as log:
        now = 2.0
        log.tick(example_figures)
        now = 4.0
        log.tick(example_figures)
        log.summary(_summary())
    (note,) = log.notes()
    assert note.startswith("/dev/full: the figures break off: No space left")


def test_an_earlier_log_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "stats.jsonl"
    for _ in range(2):
        with StatsLog(path) as log:
            log.summary(_summary())
        assert len(_lines(path)) == 1
    path.write_text("precious")
    with pytest.raises(OutputError, match="add -y"):
        StatsLog(path)
    assert path.read_text() == "precious"
    with StatsLog(path, overwrite=True) as log:
        log.summary(_summary())
    assert len(_lines(path)) == 1
