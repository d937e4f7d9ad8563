"""Rounds of all configurations, in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from realtime.bench import child, runner
from realtime.bench.case import Case
from realtime.bench.runner import Plan
from realtime.errors import RealtimeError, SourceError
from realtime.frame import VideoFormat
from realtime.inference import choice
from realtime.output.file import FileSink
from tests.bench.made_up import a_report, a_result
from tests.media import gray_frame, write_clip


class TestRunner:
    def test_configurations_take_turns(self) -> None:
        seen: list[tuple[str, str, int | None]] = []

        def measure(task: str, case: Case) -> dict[str, Any]:
            if task == child.FIRST:
                return {"seconds": 1.0}
            seen.append((Path(case.clip).stem, case.model, case.threads))
            width = 64 if "64x48" in case.clip else 96
            return a_result(case) | {"model": case.model, "width": width}

        plan = Plan(
            sizes=((64, 48), (96, 64)), models=("a", "b"), threads=(1, 2), seconds=0.1, repeats=2
        )
        report = runner.run(plan, child=measure)
        once = [
            (clip, model, threads)
            for clip in ("demo_64x48", "demo_96x64")
            for model in ("a", "b")
            for threads in (1, 2)
        ]
        assert seen[:8] == once
        assert [(clip, threads) for clip, _, threads in seen[8:]] == [
            (clip, threads) for clip, _, threads in once
        ]
        assert len(report["runs"]) == 8
        assert all(len(r["metrics"]["whole file"]["rounds"]) == 2 for r in report["runs"])

    def test_figures_of_the_rounds_come_together(self) -> None:
        run = a_report((50.0, 60.0, 52.0))["runs"][0]
        assert run["metrics"]["whole file"]["rounds"] == (50, 60, 52)
        assert run["metrics"]["whole file"]["median"] == 52
        assert run["metrics"]["stage infer"]["p95"] == 3
        assert run["metrics"]["stage encode"]["median"] == 2
        assert run["metrics"]["stage encode"]["p95"] is None
        assert run["metrics"]["first frame"]["median"] == 0.8
        assert run["metrics"]["live 30 share"]["median"] == 0.43
        assert run["latencies_ms"] == {"30": [10.0, 20.0] * 3}

    def test_default_is_the_same_network_in_all_rounds(self) -> None:
        asked: list[tuple[str, str, tuple[str, ...]]] = []

        def measure(task: str, case: Case) -> dict[str, Any]:
            asked.append((task, case.model, case.live_models))
            return {"seconds": 1.0} if task == child.FIRST else a_result(case)

        runner.run(Plan(sizes=((64, 48),), seconds=0.1, repeats=2), child=measure)
        # A user's first frame waits for the choice, too.
        first = (child.FIRST, "default", ())
        measured = [("measure", "default", ()), ("measure", "fast", ("balanced",))]
        assert asked == [measured[0], first, measured[1], first]

    def test_default_is_what_suits_the_rate(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Live as in a file, though a file's is another."""
        monkeypatch.setattr(choice, "keeps_up", lambda seconds, rate: rate < 20)
        found = child.measure(replace(case, model="default", rates=(10.0, 40.0)))
        assert found["model"] == "fast"
        assert [live["model"] for live in found["live"]] == ["quality", "fast"]

    def test_a_configuration_that_cannot_run_is_left_out(self) -> None:
        def measure(task: str, case: Case) -> dict[str, Any]:
            if case.device == "cuda":
                raise RealtimeError("no NVIDIA driver")
            return {"seconds": 1.0} if task == child.FIRST else a_result(case)

        plan = Plan(sizes=((64, 48),), devices=("cpu", "cuda"), seconds=0.1, repeats=2)
        report = runner.run(plan, child=measure)
        assert len(report["runs"]) == 1
        assert report["skipped"] == ["demo_64x48, default, cuda: no NVIDIA driver"]

    def test_of_what_turns_out_to_be_the_same_the_first_is_told(self) -> None:
        def measure(task: str, case: Case) -> dict[str, Any]:
            return {"seconds": 1.0} if task == child.FIRST else a_result(case)

        plan = Plan(sizes=((64, 48),), models=("default", "fast"), seconds=0.1, repeats=1)
        found = runner.run(plan, child=measure)
        assert len(found["runs"]) == 1
        (reason,) = found["skipped"]
        same = "fast, 640×360, CPUExecutionProvider, live 30 fps with balanced"
        assert reason.endswith(f"fast, auto: turned out to be {same} once more")

    def test_the_same_network_in_a_file_and_another_live_is_not_the_same(self) -> None:
        def measure(task: str, case: Case) -> dict[str, Any]:
            if task == child.FIRST:
                return {"seconds": 1.0}
            result = a_result(case)
            result["live"][0]["model"] = "balanced" if case.model == "default" else "fast"
            return result

        plan = Plan(sizes=((64, 48),), models=("default", "fast"), seconds=0.1, repeats=1)
        found = runner.run(plan, child=measure)
        assert [run["live_models"]["30"] for run in found["runs"]] == ["balanced", "fast"]
        assert not found["skipped"]

    def test_a_single_picture_is_no_video_to_measure(self, tmp_path: Path) -> None:
        clip = write_clip(tmp_path / "one.mp4", frames=1)
        with pytest.raises(SourceError, match="one picture only; choose a longer video"):
            runner.run(Plan(input=str(clip)), child=lambda *_: pytest.fail("measured"))

    @pytest.mark.parametrize("size", [(158, 90), (160, 30)])
    def test_a_video_that_live_runs_cannot_have_is_refused_at_once(
        self, size: tuple[int, int], tmp_path: Path
    ) -> None:
        clip = write_clip(tmp_path / "small.mp4", frames=3, size=size)
        with pytest.raises(SourceError, match=r"small.mp4: .* too small .* 160×32 or more"):
            runner.run(Plan(input=str(clip)), child=lambda *_: pytest.fail("measured"))

    def test_pictures_that_come_again_are_told(self, tmp_path: Path) -> None:
        def measure(task: str, case: Case) -> dict[str, Any]:
            return {"seconds": 1.0} if task == child.FIRST else a_result(case)

        def again(levels: Sequence[int]) -> Any:
            clip = tmp_path / "clip.mp4"
            sink = FileSink(clip, overwrite=True)
            sink.open(VideoFormat(320, 180, Fraction(30), Fraction(1, 30)), transparent=False)
            for index, level in enumerate(levels):
                sink.write(gray_frame(level, index, size=(320, 180)))
            sink.close()
            return runner.run(Plan(input=str(clip), repeats=1), child=measure)["repeated"]

        assert again([90, 120, 150, 180, 210]) == 0
        assert again([90, 90, 90, 90, 90]) == 1
        assert again([90, 90, 90, 150, 210]) == 0.5

    def test_what_lies_in_the_users_folder_is_not_taken_for_a_module(
        self, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "av.py").write_text("raise SystemExit('not mine')\n", "utf-8")
        (tmp_path / "realtime").mkdir()
        (tmp_path / "realtime" / "__init__.py").write_text("raise SystemExit('nor this')\n")
        monkeypatch.chdir(tmp_path)
        assert runner._in_a_process(child.FIRST, case)["seconds"] > 0

    def test_where_none_can_run_it_says_why(self) -> None:
        def measure(task: str, case: Case) -> dict[str, Any]:
            raise RealtimeError("nope: no such model")

        with pytest.raises(RealtimeError, match=r"^nope: no such model$"):
            runner.run(Plan(sizes=((64, 48),), seconds=0.1), child=measure)

    def test_a_child_says_in_one_line_what_is_wrong(self, case: Case) -> None:
        wrong = Case(case.clip, "nope.onnx", "cpu", None, 0.1, ())
        with pytest.raises(RealtimeError, match=r"^nope.onnx: no such model"):
            runner._in_a_process("measure", wrong)
        with pytest.raises(RealtimeError, match=r"^nope.onnx: no such model"):
            runner._in_a_process(child.FIRST, wrong)
