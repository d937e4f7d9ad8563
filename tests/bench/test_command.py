"""The command `realtime bench`."""

from __future__ import annotations

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

from realtime.bench import report
from realtime.bench.runner import Plan
from realtime.cli import cli
from realtime.errors import RealtimeError
from realtime.holding import held
from tests.bench.made_up import a_report


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
        (run,) = report.read(written)["runs"]
        assert (run["width"], run["height"]) == (320, 180)
        assert run["metrics"]["first frame"]["median"] > 0
        assert run["metrics"]["memory"]["median"] > 50
        assert drawn.read_text("utf-8").count("<svg") == 3
        (entry,) = held(tmp_path / "realtime" / "held.json")
        assert (entry.width, entry.height, entry.fps) == (320, 180, 30)

    def test_what_is_there_is_not_overwritten_unasked(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        measured = a_report()
        monkeypatch.setattr("realtime.bench.runner.run", lambda plan, say: measured)
        there = tmp_path / "r.json"
        there.write_text("precious", "utf-8")
        self._fails("exists already; add -y", "--json", str(there))
        self._fails("nope: no such model; choose default, fast", "--model", "fast,nope")
        self._fails("is a folder", "--html", str(tmp_path))
        assert there.read_text("utf-8") == "precious"
        for files in (["--json", str(there), "-y"], ["--json", os.devnull]):
            done = CliRunner().invoke(cli, ["bench", "--quiet", *files])
            assert done.exit_code == 0, done.output
        assert report.read(str(there))

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
            ("'0' is not a frame rate", ["--fps", "0"]),
            ("leave out --size or the video", ["--size", "720p", "talk.mp4"]),
            ("talk.mp4: no such file", ["talk.mp4"]),
            ("nope.json: cannot be read", ["--compare", "nope.json"]),
            ("nope/r.json: its folder does not exist", ["--json", "nope/r.json"]),
            ("nope/r.html: its folder does not exist", ["--html", "nope/r.html"]),
        ],
    )
    def test_mistakes_are_said_at_once(self, message: str, arguments: list[str]) -> None:
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
