"""All of the table of goals in one run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.goals import check, commands, measure
from benchmarks.throughput import read_reports
from models.errors import ModelsError
from tests.media import write_clip

_BEGAN = "2031-05-06 07:08 UTC"

# Any report in which nothing was measured.
_NOTHING: dict[str, Any] = {
    **{"machine": {"cpu": "one"}, "runs": [], "picked": "", "networks": {}, "clips": {}},
    **{"gpu": None, "frames": [], "live": []},
}


class _Runner:
    """Stands in for the commands: each writes a report that says how many ran before it."""

    def __init__(self, fails: str = "") -> None:
        self._fails = fails
        self.ran: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> int:
        target = next(Path(part) for part in arguments if part.endswith(".json"))
        if target.stem == self._fails:
            return 3
        target.write_text(json.dumps(_NOTHING | {"before": len(self.ran)}))
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
    (tmp_path / "gpu.json").write_text(json.dumps(_NOTHING))
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
    clip = write_clip(tmp_path / "a.mp4", frames=2)
    check([clip], tmp_path, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    text = tmp_path / "a.json"
    text.write_text("{}")
    for clips, peers, results, fault in (
        ([clip, tmp_path / "b.mp4"], None, tmp_path, r"b\.mp4: is no video; .* --clip"),
        ([clip, text], None, tmp_path, r"a\.json: is no video; .* --clip"),
        ([clip], tmp_path / "nets", tmp_path, r"no folder at .*nets; .* --peers"),
        ([clip], None, clip, r"a\.mp4/bench\.json: cannot be written"),
    ):
        with pytest.raises(ModelsError, match=fault):
            check(clips, peers, results)


@pytest.mark.parametrize("name", ["bench", "compositor", "peers"])
def test_a_report_that_cannot_be_replaced_is_told_first(tmp_path: Path, name: str) -> None:
    clip = write_clip(tmp_path / "a.mp4", frames=2)
    (tmp_path / f"{name}.json").mkdir()
    with pytest.raises(ModelsError, match=rf"{name}\.json: cannot be written \(Is a directory\)"):
        check([clip], None, tmp_path)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("name", ["bench", "compositor", "peers"])
def test_where_one_cannot_be_written_after_all_none_is_and_nothing_is_lost(
    tmp_path: Path, name: str, temporary: Path
) -> None:
    results = tmp_path / "results"
    others = {"bench", "compositor", "peers"} - {name}
    (results / f"{name}.json").mkdir(parents=True)
    for other in others:
        (results / f"{other}.json").write_text("old")
    with pytest.raises(ModelsError, match="what was measured is in ") as raised:
        measure([Path("a.mp4")], None, results, _BEGAN, _Runner())
    (elsewhere,) = temporary.iterdir()
    assert str(raised.value).endswith(str(elsewhere))
    assert {path.name for path in results.iterdir()} == {f"{n}.json" for n in (*others, name)}
    assert {(results / f"{other}.json").read_text() for other in others} == {"old"}
    assert len(list(elsewhere.iterdir())) == 3
    assert json.loads((elsewhere / "peers.json").read_text("utf-8"))["began"] == _BEGAN


@pytest.mark.usefixtures("temporary")
def test_a_full_disk_leaves_the_reports_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for name in ("bench", "compositor", "peers"):
        (results / f"{name}.json").write_text("old")
    written: list[Path] = []

    def fill(path: Path, report: dict[str, Any]) -> None:
        if path.parent == results and len(written) == 2:
            raise OSError(28, "No space left on device")
        path.write_text(json.dumps(report))
        written.append(path)

    monkeypatch.setattr("benchmarks.goals.write_report", fill)
    with pytest.raises(ModelsError, match=r"No space left on device\); what was measured is in "):
        measure([Path("a.mp4")], None, results, _BEGAN, _Runner())
    assert len(list(results.iterdir())) == 3
    assert {path.read_text() for path in results.iterdir()} == {"old"}
