"""The command `realtime bench`."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from realtime.bench import earlier, page, report, runner
from realtime.bench.runner import Plan
from realtime.cli import cli
from realtime.errors import RealtimeError
from realtime.holding import held
from tests.bench.made_up import a_report


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command measures, in no time."""
    found = a_report()
    monkeypatch.setattr("realtime.bench.runner.run", lambda plan, say: found)
    return found


class TestCommand:
    def _fails(self, message: str, *arguments: str) -> None:
        done = CliRunner().invoke(cli, ["bench", *arguments])
        assert done.exit_code in (1, 2)
        assert message in done.output
        assert "Traceback" not in done.output

    def test_it_measures_writes_and_remembers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        written, drawn = tmp_path / "r.json", tmp_path / "r.html"
        command = ["bench", "--size", "320x180", "--seconds", "0.5", "--repeats", "1"]
        files = ["--json", str(written), "--html", str(drawn)]
        done = CliRunner().invoke(cli, [*command, *files, "--device", "cpu"])
        assert done.exit_code == 0, done.output
        assert "320×180 at 30: model " in done.output

        def constant(name: str) -> float:
            raise AssertionError(f"{name} is no JSON")

        json.loads(written.read_text("utf-8"), parse_constant=constant)
        (run,) = earlier.read(written)["runs"]
        assert (run["width"], run["height"]) == (320, 180)
        assert run["metrics"]["first frame"]["median"] > 0
        assert run["metrics"]["memory"]["median"] > 50
        assert drawn.read_text("utf-8").count("<svg") == 3
        (entry,) = held(tmp_path / "realtime" / "held.json")
        assert (entry.width, entry.height, entry.fps) == (320, 180, 30)

    def test_what_is_there_is_not_overwritten_unasked(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: dict[str, Any]
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        there = tmp_path / "r.json"
        there.write_text("precious", "utf-8")
        self._fails("exists already; add -y", "--json", str(there))
        self._fails("nope: no such model; choose default, fast", "--model", "fast,nope")
        self._fails("is a folder", "--html", str(tmp_path))
        assert there.read_text("utf-8") == "precious"
        for files in (["--json", str(there), "-y"], ["--json", os.devnull]):
            done = CliRunner().invoke(cli, ["bench", "--quiet", *files])
            assert done.exit_code == 0, done.output
        assert earlier.read(str(there))

    def test_figures_are_said_even_where_they_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "gone"
        folder.mkdir()
        measured = a_report()

        def run(plan: Plan, say: object) -> dict[str, Any]:
            folder.rmdir()
            return measured

        monkeypatch.setattr("realtime.bench.runner.run", run)
        done = CliRunner().invoke(cli, ["bench", "--quiet", "--json", str(folder / "r.json")])
        assert done.exit_code == 1
        assert report.text(measured) in done.output
        assert "cannot be written" in done.output

    def test_what_cannot_be_written_costs_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "gone"
        folder.mkdir()
        before, drawn = tmp_path / "old.json", tmp_path / "r.html"
        before.write_text(json.dumps(a_report()), "utf-8")

        measured = a_report((90.0, 91.0))

        def run(plan: Plan, say: object) -> dict[str, Any]:
            folder.rmdir()
            return measured

        monkeypatch.setattr("realtime.bench.runner.run", run)
        files = ["--json", str(folder / "r.json"), "--html", str(drawn)]
        done = CliRunner().invoke(cli, ["bench", "--quiet", "--compare", str(before), *files])
        assert done.exit_code == 1
        assert "r.json: cannot be written: " in done.output
        assert "</html>" in drawn.read_text("utf-8")
        assert "faster" in done.output
        assert held()

    def test_what_is_held_is_kept_whatever_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: dict[str, Any]
    ) -> None:

        def fail(measured: object) -> str:
            raise ZeroDivisionError

        monkeypatch.setattr(report, "text", fail)
        assert isinstance(CliRunner().invoke(cli, ["bench"]).exception, ZeroDivisionError)
        assert held()

    def test_a_file_is_there_as_a_whole_or_as_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: dict[str, Any]
    ) -> None:
        there = tmp_path / "r.json"
        there.write_text("precious", "utf-8")
        write = Path.write_bytes

        def full(path: Path, data: bytes) -> int:
            write(path, data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_bytes", full)
        self._fails("No space left", "-y", "--json", str(there))
        assert there.read_text("utf-8") == "precious"
        assert list(tmp_path.iterdir()) == [there]

    def test_one_file_cannot_be_two(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("realtime.bench.runner.run", lambda *_: pytest.fail("measured"))
        path, link, video = tmp_path / "r", tmp_path / "link", tmp_path / "talk.mp4"
        message = "is both --json and --html; name two files"
        self._fails(message, "--json", str(path), "--html", str(tmp_path / "." / "r"))
        link.symlink_to(path)
        self._fails(message, "--json", str(path), "--html", str(link))
        video.write_text("precious", "utf-8")
        self._fails("is the video itself", str(video), "-y", "--json", str(video))

    def test_ctrl_c_between_the_files_tells_which_is_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: dict[str, Any]
    ) -> None:

        def interrupt(measured: object) -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr(page, "render", interrupt)
        written = tmp_path / "r.json"
        files = ["--json", str(written), "--html", str(tmp_path / "r.html")]
        done = CliRunner().invoke(cli, ["bench", "--quiet", *files])
        assert done.exit_code == 130
        assert f"Error: interrupted, only {written} was written" in done.output
        assert earlier.read(written)

    def test_a_damaged_report_is_refused_before_anything_is_measured(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        damaged = tmp_path / "old.json"
        plain = a_report()
        del plain["machine"]
        monkeypatch.setattr("realtime.bench.runner.run", lambda *_: pytest.fail("measured"))
        damaged.write_text(json.dumps(plain), "utf-8")
        self._fails("write one anew with --json", "--compare", str(damaged))

    def test_a_code_page_without_arrows_spells_them_out(self, tmp_path: Path) -> None:
        files = [tmp_path / "old.json", tmp_path / "new.json"]
        for file in files:
            made_up = a_report()
            made_up["machine"]["cpu"] = file.stem
            file.write_text(json.dumps(made_up), "utf-8")
        code = f"""\
import json, sys
from pathlib import Path
from realtime.bench import runner
from realtime.cli import main
runner.run = lambda plan, say: json.loads(Path({str(files[1])!r}).read_text("utf-8"))
sys.argv = ["realtime", "bench", "--quiet", "--compare", {str(files[0])!r}]
main()
"""
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": "cp1252"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        text = done.stdout.decode("cp1252")
        assert "cpu old \\u2192 new" in text
        assert "640×360" in text

    def test_ctrl_c_ends_it_and_whatever_it_started(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "realtime", "bench", "--size", "320x180"]
        files = ["--json", str(tmp_path / "r.json")]
        with subprocess.Popen(
            [*command, *files, "--seconds", "20"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        ) as process:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            assert next(line for line in lines if line.startswith("round 1"))
            process.send_signal(signal.SIGINT)
            # Ends with the last process that holds the other end.
            rest = process.stderr.read()
        assert process.returncode == 130
        assert rest.strip() == "Error: interrupted, nothing was written"
        assert not (tmp_path / "r.json").exists()
        assert not (tmp_path / "realtime").exists()

    def test_comparing_ends_with_verdicts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        earlier = tmp_path / "old.json"
        earlier.write_text(json.dumps(a_report()), "utf-8")
        new = a_report((90.0, 91.0))
        monkeypatch.setattr("realtime.bench.runner.run", lambda plan, say: new)
        done = CliRunner().invoke(cli, ["bench", "--quiet", "--compare", str(earlier)])
        assert done.exit_code == 0, done.output
        assert "faster" in done.output

    @pytest.mark.parametrize(
        ("message", "arguments"),
        [
            ("'5p' is not a size; write 360p, 720p", ["--size", "720p,5p"]),
            ("'641x360' is not a size", ["--size", "641x360"]),
            ("'gpu' is not a device; choose from auto, cpu, cuda", ["--device", "gpu"]),
            ("'0' is not a number of threads", ["--threads", "0"]),
            ("'0' is not a frame rate; write 1 to 240", ["--fps", "0"]),
            ("'241' is not a frame rate; write 1 to 240", ["--fps", "30,241"]),
            ("23.976 and 23.97602 are too alike", ["--fps", "23.976,30,23.97602"]),
            ("158×90 is too small to draw a time into", ["--size", "720p,158x90"]),
            ("160×30 is too small to draw a time into", ["--size", "160x30"]),
            ("8194×720 is too large to run live", ["--size", "8194x720"]),
            ("leave out --size or the video", ["--size", "720p", "talk.mp4"]),
            ("talk.mp4: no such file", ["talk.mp4"]),
            ("nope.json: cannot be read", ["--compare", "nope.json"]),
            ("nope/r.json: its folder does not exist", ["--json", "nope/r.json"]),
            ("nope/r.html: its folder does not exist", ["--html", "nope/r.html"]),
        ],
    )
    def test_mistakes_are_said_at_once(
        self, message: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runner, "_in_a_process", lambda *_: pytest.fail("measured"))
        self._fails(message, *arguments)

    def test_sizes_have_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[Plan] = []

        def run(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
            asked.append(plan)
            raise RealtimeError("enough")

        monkeypatch.setattr("realtime.bench.runner.run", run)
        arguments = ["--size", "360p,1080p,4K,640x480", "--threads", "1,auto", "--fps", "30,59.94"]
        CliRunner().invoke(cli, ["bench", *arguments, "--model", "fast,quality"])
        assert asked[0].sizes == ((640, 360), (1920, 1080), (3840, 2160), (640, 480))
        assert asked[0].threads == (1, None)
        assert asked[0].rates == (30.0, 59.94)
        assert asked[0].models == ("fast", "quality")
