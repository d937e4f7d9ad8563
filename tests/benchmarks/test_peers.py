"""The race with other programs: turns, floors, stand-ins, and the loops themselves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

# isort: split
import av

from benchmarks import peers, race_environment
from benchmarks.loops import to_null
from benchmarks.peers import chosen, contestants, table
from benchmarks.race import FLOOR, Contestant, Took, Unavailable, compete, ratio
from benchmarks.race_arena import Arena, describe, describe_all
from benchmarks.race_environment import Environments, base_python
from benchmarks.race_process import launched
from benchmarks.reporting import run_command
from models.errors import ModelsError
from realtime.inference.model import EMBEDDED
from tests.media import decode, remux, write_clip

_CLIP = Path("clip.mp4")

EVERYBODY = (
    Contestant(FLOOR, "the floor"),
    Contestant("ours", "ours"),
    Contestant("slow", "a slow one", most_frames=20),
)

# Programs in the place of others, which get CLIP OUT BACKGROUND FRAMES.
_TRANSCODE = str(Path(peers.__file__).parent / "loops" / "transcode.py")
_COPY = f"import runpy\nrunpy.run_path({_TRANSCODE!r}, run_name='__main__')"
_WRITE_SOUND = (
    "import wave\n"
    "with wave.open(sys.argv[2], 'wb') as target:\n"
    "    target.setparams((1, 2, 8000, 0, 'NONE', ''))\n"
    "    target.writeframes(bytes(16000))\n"
)


def _script(path: Path, code: str) -> str:
    path.write_text(f"import sys\n{code}\n", "utf-8")
    return str(path)


class _Race:
    """Runs nobody, and remembers who was asked. The slow one takes 2 s to start.

    Args:
        fps: of each by name.
        broken: who cannot run, and from which call on.
    """

    def __init__(self, fps: dict[str, float], broken: dict[str, int] | None = None) -> None:
        self._fps = fps
        self._broken = broken or {}
        self.asked: list[tuple[str, int]] = []

    def __call__(self, contestant: Contestant, clip: Path, frames: int) -> Took:
        calls = sum(name == contestant.name for name, _ in self.asked)
        self.asked.append((contestant.name, frames))
        if calls >= self._broken.get(contestant.name, 99):
            raise Unavailable("failed: out of luck")
        seconds = frames / self._fps[contestant.name] + 2 * (contestant.name == "slow")
        return Took(frames, seconds, 1.5 * seconds, 0.1 * seconds, 100.0)


def _compete(race: _Race, everybody: Sequence[Contestant] = EVERYBODY) -> dict[str, Any]:
    return compete(everybody, _CLIP, 300, 2, race, lambda line: None)


def test_everybody_is_tried_and_then_takes_turns() -> None:
    race = _Race({FLOOR: 80, "ours": 60, "slow": 4})
    _compete(race)
    names = [FLOOR, "ours", "slow"]
    assert [name for name, _ in race.asked] == [*names, *[*names, "slow"] * 2]
    assert [frames for _, frames in race.asked[3:]] == [300, 300, 10, 20] * 2


def test_figures_are_those_of_whole_processes_beside_the_floor() -> None:
    result = _compete(_Race({FLOOR: 80, "ours": 60, "slow": 4}))
    assert result["skipped"] == {}
    ours = result["contestants"]["ours"]
    assert ours["fps"] == pytest.approx(60)
    assert ours["of_transcode"] == pytest.approx(0.75)
    assert ours["cpu_seconds"] == pytest.approx(1.6 * 300 / 60)
    assert ours["cpu_ms_per_frame"] == pytest.approx(1.6 * 1000 / 60)


def test_a_slow_one_starts_once_also_where_most_of_its_clip_is_reckoned() -> None:
    slow = _compete(_Race({FLOOR: 80, "ours": 60, "slow": 4}))["contestants"]["slow"]
    assert (slow["frames"], slow["frames_run"]) == (300, 20)
    assert slow["fps"] == pytest.approx(300 / (2 + 300 / 4))
    assert slow["cpu_seconds"] == pytest.approx(1.6 * (2 + 300 / 4))


@pytest.mark.parametrize("call", [0, 1, 2, 3])
def test_who_cannot_run_is_left_out_whenever_that_shows(call: int) -> None:
    race = _Race({FLOOR: 80, "ours": 60, "slow": 4}, {"slow": call})
    result = _compete(race)
    assert list(result["contestants"]) == [FLOOR, "ours"]
    assert result["skipped"] == {"slow": "failed: out of luck"}
    # Nor is it asked again.
    assert [name for name, _ in race.asked].count("slow") == call + 1


@pytest.mark.parametrize("call", [0, 1])
def test_without_the_floor_there_is_no_race(call: int) -> None:
    with pytest.raises(ModelsError, match="bare transcode"):
        _compete(_Race({FLOOR: 80, "ours": 60, "slow": 4}, {FLOOR: call}))


@pytest.mark.parametrize("missing", [False, True])
def test_a_stand_in_runs_where_the_original_does_not(missing: bool) -> None:
    everybody = (
        *EVERYBODY[:2],
        Contestant("original", "the original"),
        Contestant("stand-in", "another", instead_of="original"),
    )
    fps = {FLOOR: 80.0, "ours": 60.0, "original": 30.0, "stand-in": 31.0}
    result = _compete(_Race(fps, {"original": 0} if missing else None), everybody)
    third = "stand-in" if missing else "original"
    assert list(result["contestants"]) == [FLOOR, "ours", third]


@pytest.mark.parametrize(("call", "rounds"), [(1, 2), (2, 1)])
def test_a_stand_in_takes_over_where_the_original_breaks_later(call: int, rounds: int) -> None:
    everybody = (
        Contestant(FLOOR, "the floor"),
        Contestant("original", "the original"),
        Contestant("stand-in", "another", instead_of="original"),
    )
    race = _Race({FLOOR: 80, "original": 30, "stand-in": 40}, {"original": call})
    result = _compete(race, everybody)
    assert list(result["contestants"]) == [FLOOR, "stand-in"]
    assert result["skipped"] == {"original": "failed: out of luck"}
    figures = result["contestants"]["stand-in"]
    assert figures["fps_rounds"] == pytest.approx([40] * rounds)
    assert figures["of_transcode"] == pytest.approx(0.5)
    # It was tried first, as all are.
    assert [frames for name, frames in race.asked if name == "stand-in"] == [3, *[300] * rounds]
    clip = {"width": 2, "height": 2, "frames": 300} | result
    note = "another: ran in the last 1 rounds only, in place of one that broke."
    shown = table({"machine": {"cpu": "one"}, "clips": {"a.mp4": clip}}).splitlines()
    assert (note in shown) == (rounds == 1)


def test_a_late_stand_in_is_compared_by_the_rounds_that_it_shares() -> None:
    assert ratio([60, 40, 20], [10]) == 2
    assert ratio([30], [10, 20, 60]) == 0.5


def test_rounds_before_the_floor_breaks_are_kept() -> None:
    result = _compete(_Race({FLOOR: 80, "ours": 60, "slow": 4}, {FLOOR: 2}))
    assert result["ended"] == "the bare transcode broke in round 2: failed: out of luck"
    assert [len(c["fps_rounds"]) for c in result["contestants"].values()] == [1, 1, 1]
    clip = {"width": 2, "height": 2, "frames": 300} | result
    shown = table({"machine": {"cpu": "one"}, "clips": {"a.mp4": clip}})
    assert f"The race ended early: {result['ended']}." in shown.splitlines()


def test_the_table_shows_every_clip_and_what_was_left_out() -> None:
    size = {"width": 1280, "height": 720, "frames": 300}
    larger = {"width": 1920, "height": 1080, "frames": 300}
    report = {
        "machine": {"cpu": "one", "cores": 2},
        "installed": {
            "x[cpu]==1.5 y>=2,<3": {"y": "2.4", "x": "1.5", "z": "7"},
            "w-w_w.w": {"w-w_w.w": "9"},
        },
        "clips": {
            "a.mp4": size | _compete(_Race({FLOOR: 80, "ours": 60, "slow": 4})),
            "b.mp4": larger | _compete(_Race({FLOOR: 40, "ours": 40, "slow": 4}, {"slow": 0})),
        },
    }
    lines = table(report).splitlines()
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert "720p: fps (× transcode)" in lines[0]
    assert "1080p: fps (× transcode)" in lines[0]
    assert "| ours | 60.0 (0.75) | 26.7 | 40.0 (1.00) | 40.0 | 100 |" in lines
    assert "| a slow one | 3.9 (0.05) | 410.7 |  |  | 100 |" in lines
    assert lines[-3] == "In environments of their own: x 1.5, y 2.4; w-w_w.w 9."
    assert lines[-2] == (
        "a slow one: 20 of 300 frames were run, and the rest was reckoned from them without "
        "start-up."
    )
    assert lines[-1] == "Left out: slow, which failed: out of luck."


class TestNetworks:
    """What the report has of the networks that ours told."""

    @staticmethod
    def _clip(height: int, *networks: str | None) -> dict[str, Any]:
        told = iter(networks)

        def run(contestant: Contestant, clip: Path, frames: int) -> Took:
            # The trial is no round.
            model = next(told) if contestant.name != FLOOR and frames > 3 else None
            return Took(frames, 1, 1, 1, 100.0, model=model)

        everybody = [Contestant(name, f"it, {name}") for name in (FLOOR, "ours")]
        result = compete(everybody, _CLIP, 300, len(networks), run, lambda line: None)
        return {"width": 2, "height": height, "frames": 300} | result

    @staticmethod
    def _rows(**clips: dict[str, Any]) -> list[str]:
        return table({"machine": {"cpu": "one"}, "clips": clips}).splitlines()[2:4]

    def test_it_is_told_by_clip_and_contestant(self) -> None:
        racers = self._clip(720, "quality", "quality")["contestants"]
        assert racers["ours"]["model"] == "quality"
        assert "model" not in racers[FLOOR]

    def test_where_rounds_differ_each_is_told(self) -> None:
        clip = self._clip(720, "quality", "fast", "quality")
        assert clip["contestants"]["ours"]["model"] == ["quality", "fast", "quality"]
        assert self._rows(a=clip)[1].startswith("| it, ours (`quality` or `fast`) |")

    def test_one_of_all_clips_stands_behind_the_title(self) -> None:
        floor, ours = self._rows(a=self._clip(720, "fast"), b=self._clip(1080, "fast"))
        assert floor.startswith(f"| it, {FLOOR} |")
        assert ours.startswith("| it, ours (`fast`) |")

    def test_clips_that_differ_are_told_apart(self) -> None:
        _, ours = self._rows(a=self._clip(720, "quality"), b=self._clip(1080, "fast"))
        assert ours.startswith("| it, ours (`quality` of a, `fast` of b) |")

    def test_a_title_that_says_it_stays(self) -> None:
        clip = self._clip(720, "fast")
        clip["contestants"]["ours"]["title"] = "it with `--model fast`"
        assert self._rows(a=clip)[1].startswith("| it with `--model fast` |")


def test_everybody_has_a_loop_that_is_there(tmp_path: Path) -> None:
    for name in ("selfie_segmentation.onnx", "rvm_mobilenetv3_nhwc.onnx"):
        (tmp_path / name).touch()
    everybody = contestants(tmp_path, tmp_path)
    loops = Path(peers.__file__).parent / "loops"
    assert [c.name for c in everybody][:2] == [FLOOR, "transcode"]
    assert {"ours", "mediapipe", "onnx-selfie", "rembg", "rvm"} <= {c.name for c in everybody}
    assert all(c.loop is None or (loops / c.loop).is_file() for c in everybody)
    without = {c.name for c in contestants(None, tmp_path)}
    assert not {"onnx-selfie", "rvm"} & without


class TestLaunching:
    def test_a_process_is_measured(self) -> None:
        code = "x = bytearray(60_000_000); print(sum(i * i for i in range(300_000)))"
        took = launched([sys.executable, "-c", code])
        assert took["status"] == 0
        assert took["seconds"] > 0
        assert took["user"] > 0
        # Its memory, and not that of the tests which started it.
        assert 60 < took["peak_mb"] < 100

    def test_what_it_answers_is_kept(self) -> None:
        code = "print('ready'); print('{\"frames\": 5}')"
        assert launched([sys.executable, "-c", code])["answer"] == {"frames": 5}
        for other in ("print('done')", "print(5)", ""):
            assert launched([sys.executable, "-c", other])["answer"] == {}

    def test_ours_says_why_it_fails_where_it_writes_nothing(self) -> None:
        command = [sys.executable, "-m", to_null.__name__, "/nowhere.mp4", "fast"]
        with pytest.raises(Unavailable, match=r"^failed: /nowhere\.mp4: no such file"):
            launched(command)

    def test_a_failure_says_why(self) -> None:
        with pytest.raises(Unavailable, match=r"^failed: ValueError: no good$"):
            launched([sys.executable, "-c", "raise ValueError('no good')"])
        with pytest.raises(Unavailable, match=r"^failed: status 3$"):
            launched([sys.executable, "-c", "raise SystemExit(3)"])
        with pytest.raises(Unavailable, match=r"^cannot be started: .*nowhere"):
            launched(["/nowhere/to/be/found"])

    @pytest.mark.parametrize("hangs", [True, False])
    def test_nothing_of_a_contestant_outlives_it(self, hangs: bool, tmp_path: Path) -> None:
        fcntl = pytest.importorskip("fcntl")
        held, survived = tmp_path / "held", tmp_path / "survived"
        helper = (
            "import fcntl, os, sys, time\n"
            f"lock = open({str(held)!r}, 'w')\n"
            "fcntl.flock(lock, fcntl.LOCK_EX)\n"
            "os.write(int(sys.argv[1]), b'locked')\n"
            "time.sleep(15)\n"
            f"open({str(survived)!r}, 'w').close()\n"
        )
        # It starts a helper, waits until this runs, and then hangs or leaves it behind.
        code = (
            "import os, subprocess, sys, time\n"
            "read, write = os.pipe()\n"
            f"command = [sys.executable, '-I', '-S', '-c', {helper!r}, str(write)]\n"
            "null = subprocess.DEVNULL\n"
            "subprocess.Popen(command, stdout=null, stderr=null, pass_fds=[write])\n"
            "os.read(read, 6)\n"
            f"time.sleep({15 * hangs})\n"
        )
        command = [sys.executable, "-I", "-S", "-c", code]
        if hangs:
            with pytest.raises(Unavailable, match=r"^took more than 3 s$"):
                launched(command, patience=3)
        else:
            assert launched(command)["status"] == 0
        with held.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Which its end gives free.
        assert not survived.exists()


class _Shell:
    """Stands in for the processes that make an environment.

    Args:
        fails: what they say on stderr, by a word of the command that fails; None is nothing.
    """

    def __init__(self, fails: dict[str, str | None] | None = None) -> None:
        self._fails = fails or {}
        self.commands: list[list[str]] = []

    def __call__(
        self, command: Sequence[str | Path], patience: float = 0
    ) -> subprocess.CompletedProcess[str]:
        parts = [str(part) for part in command]
        self.commands.append(parts)
        for word, why in self._fails.items():
            if word in parts:
                return subprocess.CompletedProcess(parts, 1, "", why or "")
        if "venv" in parts:
            python = Path(parts[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        return subprocess.CompletedProcess(parts, 0, "[]", "")

    def count(self, word: str) -> int:
        return sum(word in command for command in self.commands)


class TestInstalling:
    def _environments(self, tmp_path: Path) -> Environments:
        return Environments(tmp_path / "environments", lambda line: None)

    def _shell(
        self, monkeypatch: pytest.MonkeyPatch, fails: dict[str, str | None] | None = None
    ) -> _Shell:
        shell = _Shell(fails)
        monkeypatch.setattr("benchmarks.race_environment.finished", shell)
        return shell

    @pytest.mark.parametrize(
        ("word", "said", "reason"),
        [
            (
                "install",
                "WARNING\nERROR: not found\n",
                "cannot be installed by pip: ERROR: not found",
            ),
            ("install", None, "cannot be installed by pip: status 1"),
            ("venv", "Error: no room", "has no environment: Error: no room"),
            (
                "ensurepip",
                "python: No module named ensurepip",
                "has no pip, .*python3-venv.*ensurepip",
            ),
            ("list", "broken", r"does not tell what is installed \(delete .*x--1 .*\): broken"),
        ],
    )
    def test_what_cannot_be_installed_is_unavailable_and_tried_once(
        self,
        word: str,
        said: str | None,
        reason: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        shell = self._shell(monkeypatch, {word: said})
        arena = Arena(self._environments(tmp_path), tmp_path / "b.jpg", tmp_path)
        for name in ("x", "x-h264"):
            with pytest.raises(Unavailable, match=f"^{reason}$"):
                arena.run(Contestant(name, "x", "transcode.py", ("x==1",)), _CLIP, 1)
        assert shell.count(word) == 1

    def test_a_pip_that_hangs_is_unavailable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hang(command: Sequence[str]) -> None:
            raise Unavailable("took more than 600 s")

        self._environments(tmp_path)
        monkeypatch.setattr("benchmarks.race_environment.finished", hang)
        with pytest.raises(Unavailable, match=r"^does not tell what is .*: took more than 600 s$"):
            race_environment._versions(Path(sys.executable))

    def test_what_is_installed_is_used_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shell = self._shell(monkeypatch)
        for _ in range(2):
            python = self._environments(tmp_path).python(("x==1",))
        assert python == str(tmp_path / "environments" / "x--1" / "bin" / "python")
        assert shell.count("install") == 1
        # The same program with something else beside it is another environment.
        self._environments(tmp_path).python(("x==1", "y"))
        assert shell.count("install") == 2
        # Nor is one of use whose Python is gone.
        Path(python).unlink()
        self._environments(tmp_path).python(("x==1", "y"))
        assert shell.count("install") == 3
        # No module of the user's folder is taken for what is run.
        assert all(command[1] == "-I" for command in shell.commands)

    def test_it_tells_what_is_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "pip.py").write_text("raise SystemExit('not this one')")
        monkeypatch.chdir(tmp_path)
        environments = self._environments(tmp_path)
        here = Path(sys.executable)
        monkeypatch.setattr(environments, "_environment", lambda requirements, pythons: here)
        environments.python(("numpy", "av>=1"))
        ((asked, versions),) = environments.installed.items()
        assert asked == "numpy av>=1"
        assert versions["numpy"] == np.__version__

    def test_a_python_that_fits_is_looked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        this = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert base_python(()) == base_python(("2.9", this)) == sys.executable
        # As pyenv has one for a version that is installed and not chosen.
        for folder, script in (("shims", "exit 127"), ("bin", "echo 2.9")):
            python = tmp_path / folder / "python2.9"
            python.parent.mkdir()
            python.write_text(f"#!/bin/sh\n{script}\n")
            python.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}{os.pathsep}{tmp_path / 'bin'}")
        assert base_python(("2.8", "2.9")) == str(tmp_path / "bin" / "python2.9")
        why = f"needs Python 2.7 or 2.8: this is {this}, and PATH has no python2.7 or python2.8 "
        with pytest.raises(Unavailable, match=re.escape(why)):
            base_python(("2.7", "2.8"))

    def test_it_is_made_with_a_python_that_fits(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Sequence[str]] = []

        def base(versions: Sequence[str]) -> str:
            asked.append(versions)
            return "/another/python"

        monkeypatch.setattr("benchmarks.race_environment.base_python", base)
        shell = self._shell(monkeypatch)
        (peer,) = (c for c in contestants(None, tmp_path) if c.name == "mediapipe")
        self._environments(tmp_path).python(peer.requirements, peer.pythons)
        assert asked == [("3.11", "3.12")]
        assert shell.commands[0][:4] == ["/another/python", "-I", "-m", "venv"]


class TestLoops:
    @pytest.fixture
    def arena(self, tmp_path: Path) -> Arena:
        background = tmp_path / "b.png"
        cv2.imwrite(str(background), np.full((40, 40, 3), 200, np.uint8))
        out = tmp_path / "out"
        out.mkdir()
        return Arena(Environments(tmp_path / "environments"), background, out)

    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        return write_clip(tmp_path / "clip.mp4", frames=8, size=(64, 48))

    @pytest.mark.parametrize("name", [FLOOR, "transcode", "ours"])
    def test_ours_and_the_floor_deliver_every_frame(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        took = arena.run(contestant, clip, 5)
        assert took.frames == 5
        assert len(decode(arena.out / f"{name}.mp4")) == 5

    @pytest.mark.parametrize("name", ["ours", "ours-fast", "ours-null", "ours-null-fast"])
    def test_ours_tells_which_network_it_ran(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        told = arena.run(contestant, clip, 2).model
        assert told == "fast" if name.endswith("fast") else told in EMBEDDED

    def test_the_floor_runs_over_what_ours_made_too(
        self, arena: Arena, tmp_path: Path, clip: Path
    ) -> None:
        (over,) = (c for c in contestants(None, tmp_path) if c.over_ours)
        arena.prepare(clip, 5)
        assert arena.run(over, clip, 3).frames == 3
        assert arena.run(over, clip, 5).frames == 5
        # Nobody is in the clip, so that the background shows.
        (_, luma), *_ = decode(arena.out / f"{over.name}.mp4")
        assert luma.mean() > 150

    def test_where_ours_made_nothing_only_who_needs_it_cannot_run(
        self, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        by_name = {c.name: c for c in contestants(None, tmp_path)}
        arena.prepare(clip, 9)
        with pytest.raises(
            Unavailable, match=r"^has nothing to run over: ours delivered 8 of 9 frames$"
        ):
            arena.run(by_name["transcode-ours"], clip, 3)
        assert arena.run(by_name[FLOOR], clip, 3).frames == 3

    @pytest.mark.parametrize("name", ["ours", "ours-null"])
    @pytest.mark.parametrize("frames", [3, 5, 8, 9])
    def test_ours_delivers_the_frames_of_a_variable_rate(
        self, name: str, frames: int, arena: Arena, tmp_path: Path
    ) -> None:
        # In ms. The fifth picture is on for so long that ours repeats it, and so is the last.
        pts = [0, 10, 100, 110, 200, 3000, 3010, 3100, 4500]
        # Stored in the order in which they are shown, so that the last is the last.
        unit, options = Fraction(1, 1000), {"bf": "0"}
        clip = tmp_path / "clip.mp4"
        write_clip(clip, frames=len(pts), pts=pts, time_base=unit, options=options)

        def hold_the_last(_kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            if index == len(pts) - 1:
                packet.duration = round(2 / (packet.time_base or 1))
            return packet

        film = remux(clip, tmp_path / "film.mp4", hold_the_last)
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        assert arena.run(contestant, film, frames).frames == frames

    @pytest.mark.parametrize("name", ["decode", "ours-null"])
    def test_those_that_write_nothing_run(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        assert arena.run(contestant, clip, 5).frames == 5
        assert not list(arena.out.iterdir())

    @pytest.mark.parametrize("name", ["decode", "ours-null"])
    def test_fewer_frames_are_found_out_where_nothing_is_written(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        with pytest.raises(Unavailable, match=r"^delivered 8 of 9 frames$"):
            arena.run(contestant, clip, 9)

    @pytest.mark.parametrize("name", ["onnx-selfie", "rvm"])
    def test_loops_with_networks_of_others_do(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path, shared: Path
    ) -> None:
        everybody = contestants(shared / "peers", tmp_path)
        (contestant,) = (c for c in everybody if c.name == name)
        assert arena.run(contestant, clip, 3).frames == 3
        # Nobody is in the clip, so that the background shows.
        (_, luma), *_ = decode(arena.out / f"{name}.mp4")
        assert luma.mean() > 150

    @pytest.mark.parametrize("name", [FLOOR, "ours", "ours-null"])
    def test_modules_of_the_users_folder_are_not_taken_for_ours(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "user"
        folder.mkdir()
        for module in ("av", "realtime", "benchmarks"):
            (folder / f"{module}.py").write_text("raise SystemExit('not this one')")
        monkeypatch.chdir(folder)
        # An empty entry is that folder.
        monkeypatch.setenv("PYTHONPATH", os.pathsep)
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        assert arena.run(contestant, clip, 5).frames == 5

    def test_those_in_an_environment_of_their_own_see_nothing_of_ours(
        self, arena: Arena, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = "import json, sys; print(json.dumps({'frames': sys.flags.isolated}))"
        loop = _script(tmp_path / "loop.py", code)
        here = sys.executable
        monkeypatch.setattr(arena.environments, "python", lambda requirements, pythons: here)
        apart = Contestant("apart", "apart", loop, ("x==1",), writes=False)
        assert arena.run(apart, clip, 1).frames == 1

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            ("open(sys.argv[2], 'w').write('hello')", "Invalid data found when processing input"),
            (_WRITE_SOUND, "there is no video in it"),
        ],
    )
    def test_a_broken_file_is_found_out(
        self, code: str, why: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        broken = Contestant("broken", "broken", _script(tmp_path / "loop.py", code))
        with pytest.raises(Unavailable, match=f"^wrote a file that cannot be read: {why}$"):
            arena.run(broken, clip, 5)

    def test_one_that_delivers_less_is_found_out(
        self, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (floor,) = (c for c in contestants(None, tmp_path) if c.name == FLOOR)
        with pytest.raises(Unavailable, match="delivered 8 of 9 frames"):
            arena.run(floor, clip, 9)


def test_a_clip_that_is_none_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=8)
    assert describe(clip) == {"width": 64, "height": 48, "codec": "h264", "frames": 8}
    with pytest.raises(ModelsError, match=r"nope.mp4: is no video; name one with --clip"):
        describe(tmp_path / "nope.mp4")


def test_a_clip_without_frames_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "none.avi"), "w") as container:
        container.add_stream("libx264", rate=30, width=64, height=48)
        container.start_encoding()
    with pytest.raises(ModelsError, match=r"none.avi: has no frames; name another with --clip"):
        describe(tmp_path / "none.avi")


@pytest.mark.parametrize("size", [(65, 48), (64, 49)])
def test_a_clip_of_an_odd_size_is_refused(size: tuple[int, int], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "odd.mkv", frames=2, size=size, codec="ffv1", pixels="yuv444p")
    fault = f"odd.mkv: is {size[0]}×{size[1]}, .* ffmpeg -i odd.mkv -vf crop=64:48 OUT, .* --clip$"
    with pytest.raises(ModelsError, match=fault):
        describe(clip)


def test_clips_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/one.mp4", "b/one.mp4", "a/two.mp4")]
    for number, path in enumerate(paths, 1):
        path.parent.mkdir(exist_ok=True)
        write_clip(path, frames=number)
    found = describe_all([*paths, paths[0]])
    assert list(found) == [str(paths[0]), str(paths[1]), "two.mp4"]
    assert [size["frames"] for _, size in found.values()] == [1, 2, 3]
    assert [path for path, _ in found.values()] == paths


class TestChoosing:
    EVERYBODY = (
        *EVERYBODY[:2],
        Contestant("original", "the original"),
        Contestant("stand-in", "another", instead_of="original"),
    )

    def test_all_are_by_default(self) -> None:
        assert chosen(self.EVERYBODY, []) == list(self.EVERYBODY)

    @pytest.mark.parametrize("others", [[], ["original"]])
    def test_what_is_asked_for_by_name_runs(self, others: list[str]) -> None:
        race = _Race({FLOOR: 80, "original": 30, "stand-in": 31})
        result = _compete(race, chosen(self.EVERYBODY, ["stand-in", *others]))
        assert list(result["contestants"]) == [FLOOR, *others, "stand-in"]

    def test_an_unknown_name_is_refused(self) -> None:
        names = "transcode-plain, ours, original, stand-in"
        with pytest.raises(ModelsError, match=f"^--only TYPO: there is none such; .* {names}$"):
            chosen(self.EVERYBODY, ["ours", "TYPO"])
        with pytest.raises(ModelsError, match=r"^--only rvm: its network is missing; .*--peers$"):
            chosen(self.EVERYBODY, ["rvm"])


class TestCommand:
    """The whole of it, with the floor and scripts in place of others."""

    @pytest.fixture
    def clips(self, tmp_path: Path) -> list[Path]:
        for name in "ab":
            (tmp_path / name).mkdir()
        return [write_clip(tmp_path / name / "clip.mp4", frames=4, size=(64, 48)) for name in "ab"]

    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
        def run(
            *arguments: object,
            scripts: dict[str, str] | None = None,
            everybody: Sequence[Contestant] = (),
        ) -> int:
            others = list(everybody) or [
                Contestant(name, name, _script(tmp_path / f"{name}.py", code))
                for name, code in (scripts or {}).items()
            ]
            if not everybody and FLOOR not in (scripts or {}):
                others.insert(0, Contestant(FLOOR, "the floor", "transcode.py"))
            monkeypatch.setattr(peers, "contestants", lambda networks, folder: others)
            report = ("--json", tmp_path / "new" / "peers.json", "--repeats", 2)
            monkeypatch.setattr(sys, "argv", ["peers", *map(str, (*report, *arguments))])
            return run_command(peers.main)

        return run

    def test_a_peer_that_writes_rubbish_is_left_out_and_others_go_on(
        self, run: Callable[..., int], clips: list[Path], tmp_path: Path
    ) -> None:
        broken = {"broken": "open(sys.argv[2], 'w').write('hello')", "copies": _COPY}
        clip = clips[0]
        assert run("--clip", clip, scripts=broken) == 0
        report = json.loads((tmp_path / "new" / "peers.json").read_text("utf-8"))
        found = report["clips"]["clip.mp4"]
        assert list(found["contestants"]) == [FLOOR, "copies"]
        assert found["skipped"]["broken"].startswith("wrote a file that cannot be read: Invalid")

    def test_what_was_measured_stays_when_a_later_clip_fails(
        self,
        run: Callable[..., int],
        clips: list[Path],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        floor = {FLOOR: f"assert sys.argv[1] == {str(clips[0])!r}\n{_COPY}"}
        assert run("--clip", clips[0], "--clip", clips[1], "--frames", 4, scripts=floor) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"error: {clips[1]}: the bare transcode does not run: failed: ")
        assert error.endswith("peers.json; run it again for the rest")
        report = json.loads((tmp_path / "new" / "peers.json").read_text("utf-8"))
        assert list(report["clips"]) == [str(clips[0])]

    @pytest.mark.parametrize("target", ["a/clip.mp4/peers.json", "a"])
    def test_where_no_report_can_be_written_nothing_is_run(
        self,
        target: str,
        run: Callable[..., int],
        clips: list[Path],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(peers, "compete", lambda *arguments: pytest.fail("it began"))
        assert run("--clip", clips[0], "--json", tmp_path / target) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert re.fullmatch(r"error: .*: cannot be written \(.+\); name another place for it", line)

    def test_what_ours_makes_of_a_clip_is_made_before_its_race(
        self,
        run: Callable[..., int],
        clips: list[Path],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        calls: list[tuple[Path, int] | str] = []

        def take_turns(everybody: Sequence[Contestant], *arguments: object) -> dict[str, Any]:
            calls.append("race")
            return {"contestants": {}, "skipped": {}}

        monkeypatch.setattr(peers, "compete", take_turns)
        monkeypatch.setattr(
            Arena, "prepare", lambda arena, clip, frames: calls.append((clip, frames))
        )
        monkeypatch.setattr(peers, "table", lambda report: "")
        everybody = contestants(None, tmp_path)
        over_ours = ("--clip", clips[0], "--clip", clips[1], "--frames", 3)
        assert run(*over_ours, "--only", "transcode-ours", everybody=everybody) == 0
        assert calls == [(clips[0], 3), "race", (clips[1], 3), "race"]
        calls.clear()
        assert run("--clip", clips[0], "--only", "ours", everybody=everybody) == 0
        assert calls == ["race"]

    def test_who_interrupts_a_later_clip_is_told_that_the_others_are_there(
        self,
        run: Callable[..., int],
        clips: list[Path],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def interrupted_at(last: Path) -> Callable[..., dict[str, Any]]:
            def take_turns(everybody: object, clip: Path, *others: object) -> dict[str, Any]:
                if clip == last:
                    raise KeyboardInterrupt
                return {"contestants": {}, "skipped": {}}

            return take_turns

        report = tmp_path / "new" / "peers.json"
        for last, told in zip(clips, ("", f", only {report} was written"), strict=True):
            monkeypatch.setattr(peers, "compete", interrupted_at(last))
            assert run("--clip", clips[0], "--clip", clips[1]) == 130
            assert capsys.readouterr().err == f"interrupted{told}\n"

    def test_a_report_that_cannot_be_written_after_all_is_shown(
        self,
        run: Callable[..., int],
        clips: list[Path],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def full(path: Path, figures: dict[str, Any]) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(peers, "write_report", full)
        assert run("--clip", clips[0]) == 2
        said = capsys.readouterr()
        assert "| the floor |" in said.out
        assert "No space left on device" in said.err.splitlines()[-1]

    def test_the_committed_report_can_be_read(self) -> None:
        results = Path(peers.__file__).parent / "results" / "peers.json"
        assert "| program |" in table(json.loads(results.read_text("utf-8")))
