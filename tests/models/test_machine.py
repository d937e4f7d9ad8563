"""Reports are there as a whole, or as they were."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from models.machine import write_report


def test_a_report_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_report(path, {"figure": 1})
    assert json.loads(path.read_text("utf-8")) == write_report(path, {"figure": 1})
    assert [found.name for found in path.parent.iterdir()] == ["report.json"]


def test_a_full_disk_leaves_the_report_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    write = Path.write_text

    def full(target: Path, text: str, **how: Any) -> int:
        write(target, text[: len(text) // 2], **how)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*report\.json'"):
        write_report(path, {"figure": 1})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, target = tmp_path / "link.json", tmp_path / "far" / "report.json"
    target.parent.mkdir()
    link.symlink_to(target)
    write_report(link, {"figure": 1})
    assert link.is_symlink()
    assert json.loads(target.read_text("utf-8"))["figure"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_report(pipe, {"figure": 1})
        assert json.loads(os.read(reader, 10_000))["figure"] == 1
    finally:
        os.close(reader)
    assert pipe.is_fifo()
