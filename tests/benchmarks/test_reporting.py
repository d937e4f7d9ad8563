"""Reports of the benchmarks: whether they can be written, and what is said of bad ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.reporting import check_writable, kept, read_report, run_command
from models.errors import ModelsError


def test_looking_leaves_what_is_there(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("old")
    check_writable(old)
    assert old.read_text() == "old"
    check_writable(tmp_path / "new" / "new.json")
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("name", ["file/report.json", "folder", "astray.json"])
def test_what_cannot_be_written_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "astray.json").symlink_to(tmp_path / "missing" / "report.json")
    with pytest.raises(ModelsError, match=rf"{name}: cannot be written \(.+\); name another place"):
        check_writable(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/null")
def test_a_device_can_be_written() -> None:
    check_writable(Path("/dev/null"))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "{}"])
def test_a_damaged_report_is_named_with_the_command_that_makes_it_anew(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "growth.json"
    path.write_text(text)
    with pytest.raises(
        ModelsError, match=r"growth\.json: is another report, .*; run python -m benchmarks\.growth$"
    ):
        read_report(path, lambda report: report["panels"][0])


def test_what_was_written_before_an_interrupt_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> int:
        with kept(tmp_path / "soak.json"):
            raise KeyboardInterrupt

    assert run_command(interrupted) == 130
    assert capsys.readouterr().err == f"interrupted, only {tmp_path / 'soak.json'} was written\n"
