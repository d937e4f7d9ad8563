"""Earlier reports, whole and damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realtime.bench import comparison, earlier, report
from realtime.errors import RealtimeError
from tests.bench.made_up import a_report

_COMMITTED = Path(__file__).parents[2] / "benchmarks" / "results"

_METRIC = ("runs", 0, "metrics", "whole file")


def _without(*path: str | int) -> Callable[[Any], None]:
    def damage(plain: Any) -> None:
        for key in path[:-1]:
            plain = plain[key]
        del plain[path[-1]]

    return damage


def _with(value: object, *path: str | int) -> Callable[[Any], None]:
    def damage(plain: Any) -> None:
        for key in path[:-1]:
            plain = plain[key]
        plain[path[-1]] = value

    return damage


class TestEarlier:
    def test_a_report_survives_its_file(self, tmp_path: Path) -> None:
        path = tmp_path / "r.json"
        path.write_text(json.dumps(a_report(), allow_nan=False), "utf-8")
        read = earlier.read(path)
        assert report.text(read) == report.text(a_report() | {"machine": read["machine"]})

    @pytest.mark.parametrize("name", ["bench.json", "bench_before.json"])
    def test_reports_of_earlier_versions_are_read(self, name: str) -> None:
        old = earlier.read(_COMMITTED / name)
        assert comparison.text(old, a_report())

    @pytest.mark.parametrize(
        "content", ["", "[]", "{}", '{"kind": "realtime bench"}', "null", "[" * 100_000]
    )
    def test_another_file_is_refused(self, content: str, tmp_path: Path) -> None:
        path = tmp_path / "r.json"
        path.write_text(content)
        with pytest.raises(RealtimeError, match=r"is no report of realtime bench, or a damaged"):
            earlier.read(path)

    @pytest.mark.parametrize(
        "damage",
        [
            _with("another", "kind"),
            _without("machine"),
            _with([], "machine"),
            _without("plan"),
            _with("demo", "plan"),
            _without("runs"),
            _with(None, "runs", 0),
            _without("runs", 0, "threads"),
            _with([], "runs", 0, "metrics"),
            _with(None, *_METRIC),
            _without(*_METRIC, "unit"),
            _without(*_METRIC, "rounds"),
            _with([], *_METRIC, "rounds"),
            _with(None, *_METRIC, "rounds"),
            _with("123", *_METRIC, "rounds"),
            _with(["a"], *_METRIC, "rounds"),
            _with([None], *_METRIC, "rounds"),
            _with([True], *_METRIC, "rounds"),
            _with([float("nan")], *_METRIC, "rounds"),
            _with([10**400], *_METRIC, "rounds"),
            _with([1e300, 2e300], *_METRIC, "rounds"),
        ],
    )
    def test_a_damaged_one_is_refused(self, damage: Callable[[Any], None], tmp_path: Path) -> None:
        path = tmp_path / "r.json"
        plain = json.loads(json.dumps(a_report()))
        damage(plain)
        path.write_text(json.dumps(plain), "utf-8")
        with pytest.raises(RealtimeError, match=r"a damaged one; write one anew with --json$"):
            earlier.read(path)
