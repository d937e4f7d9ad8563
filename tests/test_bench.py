"""Measuring: figures and their noise, times in pixels, what a machine holds, and the command."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from click.testing import CliRunner

from realtime import holding, jobs
from realtime.bench import (
    child,
    live,
    page,
    report,
    runner,
    stages,
    timecode,
    whole,
)
from realtime.bench.case import Case
from realtime.bench.figures import Metric, compare, percentile
from realtime.bench.material import ClockedCamera, RawCamera, read_frames, write_demo
from realtime.bench.process import Process
from realtime.bench.runner import Plan
from realtime.cli import cli
from realtime.cores import usable_cores
from realtime.errors import RealtimeError, SourceError
from realtime.frame import UInt8
from realtime.holding import Held, held, remember
from realtime.inference import Matting, choice
from realtime.inference.model import Signature, read_model
from realtime.inference.session import open_session
from realtime.stats import Stats
from tests.media import gray_frame


class TestFigures:
    def test_a_metric_is_the_median_of_its_rounds_and_knows_their_spread(self) -> None:
        metric = Metric("ms", "lower", (10.0, 12.0, 11.0), p95=15.0)
        assert metric.median == 11
        assert metric.spread == pytest.approx(2 / 11)
        assert Metric.from_dict(json.loads(json.dumps(metric.as_dict()))) == metric

    @pytest.mark.parametrize(
        ("unit", "better", "old", "new", "verdict"),
        [
            ("ms", "lower", (10.0, 10.1), (10.2, 10.1), "within noise"),
            ("ms", "lower", (10.0, 10.1), (12.0, 12.1), "slower"),
            ("ms", "lower", (12.0, 12.1), (10.0, 10.1), "faster"),
            ("fps", "higher", (50.0, 50.0), (60.0, 60.0), "faster"),
            ("fps", "higher", (60.0, 60.0), (50.0, 50.0), "slower"),
            # The same difference, but the rounds differ as much among themselves.
            ("fps", "higher", (50.0, 60.0), (60.0, 60.0), "within noise"),
            # And with one round nobody knows by how much.
            ("fps", "higher", (50.0,), (54.0,), "within noise"),
            ("MB", "lower", (100.0, 100.0), (150.0, 150.0), "worse"),
            ("MB", "lower", (150.0, 150.0), (100.0, 100.0), "better"),
            ("of the frames", "lower", (0.0, 0.0), (0.0, 0.0), "within noise"),
            # One frame of 150, and a few.
            ("of the frames", "lower", (0.0,), (1 / 150,), "within noise"),
            ("of the frames", "lower", (0.0, 0.0, 0.0), (0.0, 1 / 150, 1 / 150), "within noise"),
            ("of the frames", "lower", (0.0, 0.0, 0.0), (0.009, 0.009, 0.009), "worse"),
            ("of the frames", "lower", (1 / 150,), (0.0,), "within noise"),
            ("of the frames", "lower", (0.0, 0.0), (0.02, 0.02), "worse"),
            ("of the frames", "lower", (0.0, 0.0), (0.1, 0.1), "worse"),
            ("of the frames", "lower", (0.1, 0.1), (0.0, 0.0), "better"),
        ],
    )
    def test_a_change_counts_where_it_is_more_than_the_noise(
        self, unit: str, better: Any, old: Any, new: Any, verdict: str
    ) -> None:
        change = compare(Metric(unit, better, old), Metric(unit, better, new))
        assert change.verdict == verdict

    def test_percentiles(self) -> None:
        assert percentile(range(1, 101), 95) == 95
        assert percentile([7.0], 50) == 7
        assert math.isnan(percentile([], 50))


class TestTimeCode:
    @pytest.mark.parametrize("width", [timecode.LEAST_WIDTH, 640, 1280, 1918])
    def test_a_drawn_time_is_read_at_its_age(self, width: int) -> None:
        luma = np.full((90, width), 77, np.uint8)
        timecode.draw(luma, 86_412.3456)
        assert timecode.age(luma, 86_412.3706) == pytest.approx(0.025, abs=1e-6)
        assert (luma[timecode.ROWS :] == 77).all()

    def test_the_days_after_which_it_begins_anew_do_no_harm(self) -> None:
        luma = np.zeros((32, 320), np.uint8)
        timecode.draw(luma, 2**32 * 1e-4 - 0.01)
        assert timecode.age(luma, 2**32 * 1e-4 + 0.02) == pytest.approx(0.03, abs=2e-4)

    def test_a_rounded_time_is_not_days_old(self) -> None:
        luma = np.zeros((32, 320), np.uint8)
        timecode.draw(luma, 5.00006)
        age = timecode.age(luma, 5.00003)
        assert age is not None
        assert abs(age) < 2e-4

    @pytest.mark.parametrize("level", [0, 16, 125, 255])
    def test_a_plain_picture_has_no_time(self, level: int) -> None:
        assert timecode.age(np.full((90, 640), level, np.uint8), 1.0) is None

    def test_noise_and_a_picture_that_is_too_narrow_have_none(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (90, 640), np.uint8)
        assert timecode.age(noise, 1.0) is None
        assert timecode.age(np.zeros((32, 30), np.uint8), 1.0) is None

    def test_a_damaged_time_is_not_read(self) -> None:
        luma = np.zeros((32, 320), np.uint8)
        timecode.draw(luma, 3.0)
        luma[:, :8] = 250 - luma[0, 0]
        assert timecode.age(luma, 3.0) is None


class _Clock:
    """Stands still but for whoever sleeps; counts nanoseconds."""

    def __init__(self) -> None:
        self.now = 5_000_000_000

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


@pytest.mark.parametrize("kind", [ClockedCamera, RawCamera], ids=["MJPEG", "raw"])
class TestClockedCamera:
    @pytest.fixture(autouse=True)
    def _kind(self, kind: type[ClockedCamera]) -> None:
        self._opens = kind

    def _camera(self, clock: _Clock, fps: float = 10.0) -> ClockedCamera:
        frames = [gray_frame(level, size=(320, 180)) for level in (60, 120, 180)]
        return self._opens(frames, fps, clock, clock.sleep)

    def test_pictures_come_by_the_clock_with_their_time_on_them(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            for index in range(5):
                frame = camera.read()
                assert frame is not None
                assert frame.index == index
                assert frame.time == pytest.approx(5 + index / 10)
                assert timecode.age(frame.planes.y, clock.now / 1e9) == pytest.approx(0, abs=1e-6)
            assert clock.now == 5_400_000_000
            assert camera.dropped == 0

    def test_they_go_back_and_forth(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            levels = []
            for _ in range(6):
                frame = camera.read()
                assert frame is not None
                levels.append(int(frame.planes.y[100, 100]))
        # MJPEG is full range; what matters is the order.
        dark, middle, light = levels[:3]
        assert dark < middle < light
        assert levels == pytest.approx([dark, middle, light, middle, dark, middle], abs=2)

    def test_what_nobody_came_for_is_dropped_and_counted(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            camera.read()
            clock.sleep(0.35)
            frame = camera.read()
            assert frame is not None
            assert (frame.index, camera.dropped) == (3, 2)
            # Taken late, and dated as the camera had it.
            assert timecode.age(frame.planes.y, clock.now / 1e9) == pytest.approx(0.05, abs=1e-6)

    def test_it_knows_how_many_were_due(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            assert camera.due(0, 100) == 0
            camera.read()  # at 5.0, and then every tenth
            assert camera.due(5.0, 6.0) == 10
            assert camera.due(5.05, 6.05) == 10
            assert camera.due(5.1, 5.2) == 1
            assert camera.due(4.0, 5.0) == 0
            assert camera.due(4.0, 5.35) == 4

    def test_pictures_that_have_no_room_for_a_time_are_refused(self) -> None:
        with pytest.raises(SourceError, match=r"64×48 is too small .* measure pictures of 160×32"):
            self._opens([gray_frame(1)], 30)


class TestLive:
    def _stamped(self, seconds: float) -> Any:
        frame = gray_frame(90, size=(320, 180))
        timecode.draw(frame.planes.y, seconds)
        return frame

    def test_latency_is_read_off_each_distinct_picture(self) -> None:
        times = iter((10.02, 10.04, 10.05, 10.08))
        sink = live.PixelClock(lambda: next(times))
        sink.write(self._stamped(10.0))
        sink.write(self._stamped(10.0))  # again
        sink.write(gray_frame(16, size=(320, 180)))  # a placeholder
        sink.write(self._stamped(10.03))
        assert sink.arrivals == [
            pytest.approx((10.0, 0.02), abs=2e-4),
            pytest.approx((10.03, 0.05), abs=2e-4),
        ]

    def test_figures_count_what_was_due_and_did_not_come(self) -> None:
        # Ten a second; those of 1.4 and 1.5 are missing, and the first is from before.
        arrivals = [(t, 0.02) for t in (0.9, 1.0, 1.1, 1.2, 1.3, 1.6, 1.7, 1.8, 1.9)]
        figures = live._figures(arrivals, 1.0, 2.0, 10)
        assert figures["dropped"] == pytest.approx(0.2)
        assert figures["delivered_fps"] == 8
        assert figures["latency_median_ms"] == figures["latency_p95_ms"] == 20

    def test_a_run_from_which_nothing_came_says_so(self) -> None:
        figures = live._figures([], 1.0, 2.0, 10)
        assert figures["dropped"] == 1
        assert figures["latency_p95_ms"] is None

    def test_the_share_is_that_of_all_cores(self) -> None:
        begin, end = live._Moment(), live._Moment()
        begin.time, begin.cpu = 1.0, 3.0
        end.time, end.cpu = 3.0, 3.0 + usable_cores()
        assert begin.share(end) == pytest.approx(0.5)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A second of a small demo."""
    path = tmp_path_factory.mktemp("bench") / "small.mp4"
    write_demo(path, 320, 180, 0.5)
    return Case(str(path), "fast", "cpu", None, 0.5, (30.0,))


class TestMeasuring:
    def test_a_case_survives_json(self, case: Case) -> None:
        assert Case.from_dict(json.loads(json.dumps(case.as_dict()))) == case

    def test_every_stage_is_measured(self, case: Case) -> None:
        video, frames = read_frames(case.clip, 12)
        assert len(frames) == 12
        figures = stages.measure(case, video, frames)
        assert list(figures) == [
            "copy",
            "decode",
            "preprocess",
            "infer",
            "smooth",
            "refine",
            "composite",
            "blur",
            "encode",
        ]
        for stage in figures.values():
            assert stage["median_ms"] > 0
            assert stage["p95_ms"] > 0
            assert stage["cpu_ms"] >= 0

    def test_opening_the_network_is_no_part_of_a_stage(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Clock:
            used = 0.0
            perf_counter = staticmethod(time.perf_counter)

            def process_time(self) -> float:
                return self.used

        clock = Clock()

        class SlowToOpen(Matting):
            def warm_up(self, width: int, height: int) -> None:
                super().warm_up(width, height)
                clock.used += 1000

        monkeypatch.setattr(stages, "time", clock)
        monkeypatch.setattr(stages, "Matting", SlowToOpen)
        video, frames = read_frames(case.clip, 3)
        figures = stages.measure(case, video, frames)
        assert figures["preprocess"]["cpu_ms"] == 0

    @pytest.mark.parametrize("task", ["measure", child.FIRST])
    def test_default_is_asked_to_keep_up_with_the_clip(
        self, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "fast.mp4"
        write_demo(path, 320, 180, 0.2, fps=60)
        asked: list[float | None] = []

        class Asked(Matting):
            def __init__(
                self,
                model: str,
                device: Any,
                *,
                frame_rate: float | None = None,
                stats: Stats | None = None,
                **_: Any,
            ) -> None:
                asked.append(frame_rate)
                super().__init__("fast", device, stats=stats)

        monkeypatch.setattr(jobs, "Matting", Asked)
        monkeypatch.setattr(child, "Matting", Asked)
        default = Case(str(path), "default", "cpu", None, 0.1, ())
        (child.first if task == child.FIRST else child.measure)(default)
        assert asked
        assert set(asked) == {60.0}

    def test_the_whole_is_measured_with_every_frame(self, case: Case) -> None:
        figures = whole.measure(case)
        assert list(figures) == ["decoding", "null", "file"]
        assert [kind["frames"] for kind in figures.values()] == [15, 15, 15]
        assert all(kind["fps"] > 0 and kind["cpu_ms"] > 0 for kind in figures.values())

    def test_a_live_run_arrives_in_the_pixels(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live, "WARM_UP", 0.0)
        _, frames = read_frames(case.clip, 6)
        # On a machine that stands still for seconds nothing arrives in the first.
        for _ in range(10):
            figures = live.measure(replace(case, seconds=2.0), frames, 30.0)
            if figures["latencies_ms"]:
                break
        assert figures["latencies_ms"]
        assert min(figures["latencies_ms"]) > 0
        assert figures["share"] > 0

    def test_memory_is_that_of_this_process(self) -> None:
        peak = child.peak_memory_mb()
        assert peak is not None
        assert peak > 50

    @pytest.mark.parametrize("count", [1, 3])
    def test_threads_are_forced_on_the_network(
        self, count: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ort, "SessionOptions", ort.SessionOptions)
        child.force_threads(count)
        network, sidecar = read_model("fast")
        opened = open_session(
            network, "fast", "cpu", lambda s: Signature.of(s, sidecar, "fast").probe()
        )
        assert opened.session.get_session_options().intra_op_num_threads == count


def _result(case: Case, fps: float = 50.0) -> dict[str, Any]:
    """What a child says, made up."""
    stage = {"median_ms": 2.0, "p95_ms": 3.0, "cpu_ms": 2.5}
    names = ("copy", "decode", "preprocess", "infer", "smooth", "composite", "encode")
    kinds = ("decoding", "null", "file")
    return {
        "model": "fast",
        "provider": "CPUExecutionProvider",
        "width": 640,
        "height": 360,
        "memory_mb": 200.0,
        "stages": {name: dict(stage) for name in names},
        "whole": {kind: {"fps": fps, "cpu_ms": 20.0, "frames": 30} for kind in kinds},
        "live": [
            {
                "fps": rate,
                "model": "balanced",
                "delivered_fps": rate,
                "dropped": 0.0,
                "latencies_ms": [10.0, 20.0],
                "latency_median_ms": 10.0,
                "latency_p95_ms": 20.0,
                "share": 0.43,
            }
            for rate in case.rates
        ],
    }


def _report(fps: tuple[float, ...] = (50.0, 51.0, 52.0), **changes: Any) -> dict[str, Any]:
    """A report of made-up rounds."""
    rounds = iter(fps)

    def measure(task: str, case: Case) -> dict[str, Any]:
        return {"seconds": 0.8} if task == child.FIRST else _result(case, next(rounds))

    plan = Plan(sizes=((64, 48),), seconds=0.1, repeats=len(fps))
    return runner.run(plan, child=measure) | changes


class TestRunner:
    def test_configurations_take_turns(self) -> None:
        seen: list[tuple[str, str, int | None]] = []

        def measure(task: str, case: Case) -> dict[str, Any]:
            if task == child.FIRST:
                return {"seconds": 1.0}
            seen.append((Path(case.clip).stem, case.model, case.threads))
            return _result(case)

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
        run = _report((50.0, 60.0, 52.0))["runs"][0]
        assert run["metrics"]["whole file"]["rounds"] == (50, 60, 52)
        assert run["metrics"]["whole file"]["median"] == 52
        assert run["metrics"]["stage infer"]["p95"] == 3
        assert run["metrics"]["first frame"]["median"] == 0.8
        assert run["metrics"]["live 30 share"]["median"] == 0.43
        assert run["latencies_ms"] == {"30": [10.0, 20.0] * 3}

    def test_default_is_the_same_network_in_all_rounds(self) -> None:
        asked: list[tuple[str, str, tuple[str, ...]]] = []

        def measure(task: str, case: Case) -> dict[str, Any]:
            asked.append((task, case.model, case.live_models))
            return {"seconds": 1.0} if task == child.FIRST else _result(case)

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
            return {"seconds": 1.0} if task == child.FIRST else _result(case)

        plan = Plan(sizes=((64, 48),), devices=("cpu", "cuda"), seconds=0.1, repeats=2)
        report = runner.run(plan, child=measure)
        assert len(report["runs"]) == 1
        assert report["skipped"] == ["demo_64x48, default, cuda: no NVIDIA driver"]

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


class TestProcess:
    def _process(self, code: str, patience: float = 60.0) -> Process:
        return Process([sys.executable, "-c", code], patience, "be brief")

    @pytest.mark.parametrize("ask", [Process.line, Process.wait, Process.answer])
    def test_one_that_hangs_is_killed(self, ask: Callable[[Process], object]) -> None:
        with (
            self._process("import time; time.sleep(600)", 0.2) as process,
            pytest.raises(RealtimeError, match=r"^it took more than 0 s; be brief$"),
        ):
            ask(process)

    @pytest.mark.parametrize("task", ["measure", child.FIRST])
    def test_a_measurement_that_hangs_ends(
        self, task: str, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        silent = tmp_path / "silent"
        silent.write_text("#!/bin/sh\nexec sleep 600\n")
        silent.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(silent))
        monkeypatch.setattr(runner, "_PATIENCE", 0.2)
        monkeypatch.setattr(runner, "_PATIENCE_FACTOR", 0.0)
        with pytest.raises(RealtimeError, match="measure fewer --seconds"):
            runner._in_a_process(task, case)

    def test_one_that_complains_at_length_is_heard_all_the_same(self) -> None:
        code = "import sys; sys.stderr.write('no\\n' * 100_000); print('first'); print('{}')"
        with self._process(code) as process:
            assert process.line() == "first"
            assert process.answer() == {}

    def test_the_last_words_of_one_that_dies_are_kept(self) -> None:
        with (
            self._process("print('first'); raise ValueError('no good')") as process,
            pytest.raises(RealtimeError, match=r"^its process ended: ValueError: no good$"),
        ):
            process.answer()

    def test_it_is_told_to_go_on(self) -> None:
        code = "input(); print('{\"heard\": true}')"
        with self._process(code) as process:
            process.tell()
            assert process.answer() == {"heard": True}
            process.tell()  # to nobody


class TestReport:
    def test_text_has_every_stage_and_what_is_held(self) -> None:
        text = report.text(_report())
        for word in (
            "decode",
            "infer",
            "encode",
            "into a file: 51.0 fps",
            "first frame after 0.80",
        ):
            assert word in text
        assert "640×360 at 30: model balanced, 43% of " in text

    def test_a_report_survives_its_file(self, tmp_path: Path) -> None:
        path = tmp_path / "r.json"
        path.write_text(json.dumps(_report(), allow_nan=False), "utf-8")
        assert report.text(report.read(path)) == report.text(
            _report() | {"machine": report.read(path)["machine"]}
        )

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"kind": "realtime bench"}', "null"])
    def test_another_file_is_refused(self, content: str, tmp_path: Path) -> None:
        path = tmp_path / "r.json"
        path.write_text(content)
        with pytest.raises(RealtimeError, match=r"is no report of realtime bench; write one"):
            report.read(path)

    def test_comparison_tells_noise_from_change(self) -> None:
        text = report.comparison(_report((50.0, 51.0, 52.0)), _report((70.0, 71.0, 72.0)))
        lines = {line.split("  ")[1].strip(): line for line in text.splitlines() if "  " in line}
        assert lines["whole file"].endswith("faster")
        assert lines["stage infer"].endswith("within noise")
        assert "different places" not in text

    def test_comparison_names_what_only_one_has_and_other_machines(self) -> None:
        old, new = _report(), _report()
        old["machine"] = {**old["machine"], "cpu": "another"}
        new["runs"][0]["threads"] = 2
        text = report.comparison(old, new)
        assert text.startswith("Measured in different places")
        assert "CPUExecutionProvider, 2 threads: only in the new report" in text
        assert "CPUExecutionProvider: only in the old report" in text


class _Tags(HTMLParser):
    """Counts elements, and sees that those of a drawing are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag in ("svg", "rect", "text", "circle", "title"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("svg", "rect", "text", "circle", "title"):
            assert self.open.pop() == tag


class TestPage:
    def test_it_has_its_plots_and_nothing_from_elsewhere(self) -> None:
        made_up = _report()
        made_up["machine"]["cpu"] = "a <fast> one"
        made_up["skipped"] = ["cuda: <none>"]
        content = page.render(made_up)
        tags = _Tags()
        tags.feed(content)
        assert tags.counts["svg"] == 3
        assert tags.counts["circle"] == 3
        # One box for each stage of the run and in the legend, and 40 bars.
        assert tags.counts["rect"] >= 2 * 6 + 40
        assert not tags.open
        assert "a &lt;fast&gt; one" in content
        assert "cuda: &lt;none&gt;" in content
        assert "http" not in content

    def test_the_median_is_that_of_the_figures(self) -> None:
        made_up = _report()
        made_up["runs"][0]["latencies_ms"] = {"30": [10.0, 20.0]}
        assert "median 10.0 ms" in page.render(made_up)

    def test_nothing_that_arrived_is_no_plot(self) -> None:
        made_up = _report()
        made_up["runs"][0]["latencies_ms"] = {"30": []}
        assert "Nothing arrived" in page.render(made_up)

    @pytest.mark.parametrize("most", [0.013, 0.9, 1.0, 7.3, 10.0, 25.0, 480.0])
    def test_ticks_are_round_and_few(self, most: float) -> None:
        found = page.ticks(most)
        assert found[0] == 0
        assert 4 <= len(found) <= 10
        assert most * 0.7 < found[-1] <= most * 1.000001


def _held(**changes: Any) -> Held:
    values: dict[str, Any] = {
        "width": 1920,
        "height": 1080,
        "fps": 30.0,
        "model": "fast",
        "provider": "CPUExecutionProvider",
        "holds": True,
        "share": 0.43,
        "latency": 0.028,
        "dropped": 0.0,
    }
    return Held(**{**values, **changes})


class TestHolding:
    def test_what_is_remembered_is_known(self, tmp_path: Path) -> None:
        path = tmp_path / "cache" / "held.json"
        assert held(path) == ()
        assert remember((_held(), _held(fps=60.0, holds=False)), path) == path
        assert held(path) == (_held(), _held(fps=60.0, holds=False))
        remember((_held(share=0.5), _held(model="other")), path)
        assert held(path) == (_held(share=0.5), _held(fps=60.0, holds=False), _held(model="other"))
        assert [p.name for p in path.parent.iterdir()] == ["held.json"]

    def test_another_machine_or_network_is_another_matter(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "held.json"
        remember((_held(),), path)
        monkeypatch.setattr(holding, "identity", lambda: "another")
        assert held(path) == ()
        remember((_held(model="other"),), path)
        assert held(path) == (_held(model="other"),)

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"machine": 1}', '"text"'])
    def test_a_broken_file_is_none(self, content: str, tmp_path: Path) -> None:
        path = tmp_path / "held.json"
        path.write_text(content)
        assert held(path) == ()
        remember((_held(),), path)
        assert held(path) == (_held(),)

    def test_the_folder_is_the_users_cache(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
        assert holding.default_path() == tmp_path / "x" / "realtime" / "held.json"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert holding.default_path() == tmp_path / ".cache" / "realtime" / "held.json"

    def test_sentences(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(holding, "usable_cores", lambda: 2)
        assert str(_held()) == (
            "1080p30: model fast, 43% of 2 cores, 95 % of the frames within 28 ms"
        )
        lost = _held(holds=False, dropped=0.12, width=1280, height=720, fps=60.0)
        assert str(lost) == (
            "720p60: model fast is too much: 12.0% of the frames dropped, 43% of 2 cores"
        )
        assert "within 80 ms only" in str(_held(holds=False, latency=0.08))
        assert "no frame arrived" in str(_held(holds=False, latency=None, dropped=1.0))

    @pytest.mark.parametrize(
        ("dropped", "p95", "holds"),
        [(0.0, 60.0, True), (0.02, 20.0, False), (0.0, 70.0, False), (1.0, None, False)],
    )
    def test_held_is_what_arrives_within_two_frames(
        self, dropped: float, p95: float | None, holds: bool
    ) -> None:
        def measure(task: str, case: Case) -> dict[str, Any]:
            if task == child.FIRST:
                return {"seconds": 1.0}
            result = _result(case)
            result["live"][0] |= {"dropped": dropped, "latency_p95_ms": p95}
            return result

        made_up = runner.run(Plan(sizes=((64, 48),), seconds=0.1, repeats=1), child=measure)
        (entry,) = report.held_of(made_up)
        assert (entry.model, entry.holds) == ("balanced", holds)

    def test_forced_threads_say_nothing_about_the_program(self) -> None:
        made_up = _report()
        made_up["runs"][0]["threads"] = 2
        assert report.held_of(made_up) == ()


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
        measured = _report()
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
        measured = _report()

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
        earlier.write_text(json.dumps(_report()), "utf-8")
        new = _report((90.0, 91.0))
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


def test_a_luma_plane_from_the_camera_can_be_drawn_upon() -> None:
    """The time code goes into the decoder's own memory: it must be ours to write to."""
    with ClockedCamera([gray_frame(90, size=(320, 180))], 1000) as camera:
        frame = camera.read()
    assert frame is not None
    luma: UInt8 = frame.planes.y
    assert luma.flags.writeable
