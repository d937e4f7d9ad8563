"""What is kept of a machine, and when it is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime import remembered
from realtime.remembered import keep, recall


def test_what_is_kept_is_recalled_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "speeds.json"
    assert recall(path) is None
    keep(path, {"fast": [0.004, 3]})
    assert recall(path) == {"fast": [0.004, 3]}
    assert [p.name for p in path.parent.iterdir()] == ["speeds.json"]


def test_of_another_machine_or_network_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "speeds.json"
    keep(path, 1)
    monkeypatch.setattr(remembered, "identity", lambda: "another")
    assert recall(path) is None
    keep(path, 2)
    assert recall(path) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"machine": 1}', '"text"', "\xff"])
def test_a_broken_file_tells_nothing(content: str, tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    path.write_text(content, "latin-1")
    assert recall(path) is None
    keep(path, 1)
    assert recall(path) == 1


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "speeds.json"
    keep(path, 1)

    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no room"):
        keep(path, 2)
    assert recall(path) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["speeds.json"]
