"""Who races, what is told of it, and the command as a whole."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.peers import chosen, contestants, table
from benchmarks.race import FLOOR, Contestant, Took, compete
from benchmarks.race_arena import Arena
from benchmarks.reporting import run_command
from models.errors import ModelsError
from tests.benchmarks.racing import CLIP, COPY, EVERYBODY, Race, raced, script
from tests.media import write_clip


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
            "a.mp4": size | raced(Race({FLOOR: 80, "ours": 60, "slow": 4})),
            "b.mp4": larger | raced(Race({FLOOR: 40, "ours": 40, "slow": 4}, {"slow": 0})),
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
        result = compete(everybody, CLIP, 300, len(networks), run, lambda line: None)
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
        race = Race({FLOOR: 80, "original": 30, "stand-in": 31})
        result = raced(race, chosen(self.EVERYBODY, ["stand-in", *others]))
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
                Contestant(name, name, script(tmp_path / f"{name}.py", code))
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
        broken = {"broken": "open(sys.argv[2], 'w').write('hello')", "copies": COPY}
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
        floor = {FLOOR: f"assert sys.argv[1] == {str(clips[0])!r}\n{COPY}"}
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
