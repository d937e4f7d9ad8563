"""The race with other programs: turns, floors, stand-ins, and the loops themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import peers
from benchmarks.loads import Load
from benchmarks.peers import (
    FLOOR,
    Arena,
    Contestant,
    Took,
    Unavailable,
    compete,
    contestants,
    table,
)
from models.errors import ModelsError
from tests.media import decode, write_clip

_CLIP = Path("clip.mp4")

EVERYBODY = (
    Contestant(FLOOR, "the floor"),
    Contestant("ours", "ours"),
    Contestant("slow", "a slow one", most_frames=20),
)


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
        took = peers._launched([sys.executable, "-c", code])
        assert took["status"] == 0
        assert took["seconds"] > 0
        assert took["user"] > 0
        # Its memory, and not that of the tests which started it.
        assert 60 < took["peak_mb"] < 100

    def test_what_it_answers_is_kept(self) -> None:
        code = "print('ready'); print('{\"frames\": 5}')"
        assert peers._launched([sys.executable, "-c", code])["answer"] == {"frames": 5}
        for other in ("print('done')", "print(5)", ""):
            assert peers._launched([sys.executable, "-c", other])["answer"] == {}

    def test_ours_says_why_it_fails_where_it_writes_nothing(self) -> None:
        load = json.dumps(asdict(Load("null", 64, 48, 0.1)))
        command = [sys.executable, "-m", "benchmarks.loads", load, "/nowhere.mp4", "fast"]
        with pytest.raises(Unavailable, match=r"^failed: /nowhere\.mp4: no such file"):
            peers._launched(command)

    def test_a_failure_says_why(self) -> None:
        with pytest.raises(Unavailable, match=r"^failed: ValueError: no good$"):
            peers._launched([sys.executable, "-c", "raise ValueError('no good')"])
        with pytest.raises(Unavailable, match=r"^cannot be started: .*nowhere"):
            peers._launched(["/nowhere/to/be/found"])


class TestInstalling:
    def _arena(self, tmp_path: Path) -> Arena:
        return Arena(tmp_path / "environments", tmp_path / "b.jpg", tmp_path, lambda line: None)

    def test_what_pip_cannot_install_is_unavailable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(command: list[str], **options: Any) -> None:
            raise subprocess.CalledProcessError(1, command, stderr="WARNING\nERROR: not found\n")

        monkeypatch.setattr("benchmarks.peers.venv.create", lambda folder, **options: None)
        monkeypatch.setattr("benchmarks.peers.subprocess.run", fail)
        peer = Contestant("x", "x", "transcode.py", ("x==1",))
        with pytest.raises(Unavailable, match=r"^pip cannot install it: ERROR: not found$"):
            self._arena(tmp_path).run(peer, _CLIP, 1)

    def test_what_is_installed_is_used_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[Path] = []

        def create(folder: Path, **options: Any) -> None:
            made.append(folder)
            folder.mkdir(parents=True, exist_ok=True)

        monkeypatch.setattr("benchmarks.peers.venv.create", create)
        nothing = subprocess.CompletedProcess([], 0, stdout="[]")
        monkeypatch.setattr("benchmarks.peers.subprocess.run", lambda command, **options: nothing)
        for _ in range(2):
            python = self._arena(tmp_path)._python(("x==1",))
        assert python == str(tmp_path / "environments" / "x--1" / "bin" / "python")
        assert len(made) == 1
        # The same program with something else beside it is another environment.
        self._arena(tmp_path)._python(("x==1", "y"))
        assert len(made) == 2

    def test_it_tells_what_is_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arena = self._arena(tmp_path)
        monkeypatch.setattr(arena, "_environment", lambda requirements: sys.executable)
        arena._python(("numpy", "av>=1"))
        ((asked, versions),) = arena.installed.items()
        assert asked == "numpy av>=1"
        assert versions["numpy"] == np.__version__


class TestLoops:
    @pytest.fixture
    def arena(self, tmp_path: Path) -> Arena:
        background = tmp_path / "b.png"
        cv2.imwrite(str(background), np.full((40, 40, 3), 200, np.uint8))
        out = tmp_path / "out"
        out.mkdir()
        return Arena(tmp_path / "environments", background, out, lambda line: None)

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

    def test_one_that_delivers_less_is_found_out(
        self, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (floor,) = (c for c in contestants(None, tmp_path) if c.name == FLOOR)
        with pytest.raises(Unavailable, match="delivered 8 of 9 frames"):
            arena.run(floor, clip, 9)


def test_a_clip_that_is_none_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=8)
    assert peers.describe(clip) == {"width": 64, "height": 48, "codec": "h264", "frames": 8}
    with pytest.raises(ModelsError, match=r"nope.mp4: is no video; name one with --clip"):
        peers.describe(tmp_path / "nope.mp4")
