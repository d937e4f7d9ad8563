"""All of the table of goals in one run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.goals import check, commands, measure
from benchmarks.throughput import read_reports
from models.errors import ModelsError

_BEGAN = "2031-05-06 07:08 UTC"


class _Runner:
    """Stands in for the commands: each writes a report that says how many ran before it."""

    def __init__(self, fails: str = "") -> None:
        self._fails = fails
        self.ran: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> int:
        target = next(Path(part) for part in arguments if part.endswith(".json"))
        if target.stem == self._fails:
            return 3
        target.write_text(json.dumps({"machine": {"cpu": "one"}, "before": len(self.ran)}))
        self.ran.append(arguments)
        return 0


def test_one_after_the_other_is_measured_and_marked_with_the_same_time(tmp_path: Path) -> None:
    runner, results = _Runner(), tmp_path / "new"
    measure([Path("a.mp4"), Path("b.mp4")], Path("nets"), results, _BEGAN, runner)
    reports = {path.stem: json.loads(path.read_text("utf-8")) for path in results.iterdir()}
    assert sorted(reports) == ["bench", "compositor", "peers"]
    assert sorted(report["before"] for report in reports.values()) == [0, 1, 2]
    assert {report["began"] for report in reports.values()} == {_BEGAN}
    race = next(ran for ran in runner.ran if "benchmarks.peers" in ran)
    assert race[2:8] == ["--clip", "a.mp4", "--clip", "b.mp4", "--peers", "nets"]


def test_the_table_reads_what_is_written(tmp_path: Path) -> None:
    measure([Path("a.mp4")], None, tmp_path, _BEGAN, _Runner())
    (tmp_path / "gpu.json").write_text("{}")
    bench, peers, compositor, _ = read_reports(tmp_path)
    assert bench["began"] == peers["began"] == compositor["began"] == _BEGAN


@pytest.mark.parametrize("fails", ["bench", "compositor", "peers"])
def test_where_one_fails_what_was_measured_before_stays(tmp_path: Path, fails: str) -> None:
    old = tmp_path / "bench.json"
    old.write_text("old")
    with pytest.raises(ModelsError, match=f"{fails}: failed with 3; nothing was written"):
        measure([Path("a.mp4")], None, tmp_path, _BEGAN, _Runner(fails))
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]
    assert old.read_text() == "old"


def test_without_peers_no_folder_is_asked_for(tmp_path: Path) -> None:
    assert "--peers" not in commands([Path("a.mp4")], None, tmp_path)["peers"]


def test_what_is_wrong_with_an_argument_is_said_first(tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    clip.touch()
    check([clip], tmp_path, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    for clips, peers, results, fault in (
        ([clip, tmp_path / "b.mp4"], None, tmp_path, r"no video at .*b\.mp4; .* --clip"),
        ([clip], tmp_path / "nets", tmp_path, r"no folder at .*nets; .* --peers"),
        ([clip], None, clip, r"a\.mp4: .* --results"),
    ):
        with pytest.raises(ModelsError, match=fault):
            check(clips, peers, results)
