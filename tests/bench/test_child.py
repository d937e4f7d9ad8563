"""One configuration, measured once."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest

from realtime import jobs
from realtime.bench import child, live, stages, whole
from realtime.bench.case import Case
from realtime.bench.material import read_frames, write_demo
from realtime.frame import Float32, Frame, UInt8, VideoFormat
from realtime.inference.matting import Matting
from realtime.inference.model import Model, Signature, read_model
from realtime.inference.session import open_session
from realtime.output.file import FileSink
from realtime.stats import Stats
from tests.media import gray_frame


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
        for name, stage in figures.items():
            # Of what codecs do between calls, there is but a mean.
            times = {"mean_ms"} if name in ("decode", "encode") else {"median_ms", "p95_ms"}
            assert set(stage) == {*times, "cpu_ms"}
            assert all(stage[time] > 0 for time in times)
            assert stage["cpu_ms"] >= 0

    def test_the_network_is_measured_also_where_it_would_rest(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        video, frames = read_frames(case.clip, 1)
        still = [replace(frames[0], index=index, pts=frames[0].pts + index) for index in range(12)]
        runs: list[UInt8] = []
        compute = Model.__call__

        def counted(model: Model, picture: UInt8) -> Float32:
            runs.append(picture)
            return compute(model, picture)

        monkeypatch.setattr(Model, "__call__", counted)
        stages._inference(case, video, still, 0.0)
        assert len(runs) >= len(still)

    @pytest.mark.parametrize(
        ("size", "count"),
        [((1280, 720), 60), ((1920, 1080), 60), ((3840, 2160), 16), ((8192, 8192), 2)],
    )
    def test_pictures_that_are_kept_are_bounded_by_what_they_take(
        self, size: tuple[int, int], count: int
    ) -> None:
        assert stages.most_kept(*size) == count

    def test_no_more_are_read_than_are_kept(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept: list[int] = []

        def measure(case: Case, video: VideoFormat, frames: Sequence[Frame]) -> dict[str, Any]:
            kept.append(len(frames))
            return {}

        monkeypatch.setattr(stages, "measure", measure)
        # Each twice, as it comes and finished.
        monkeypatch.setattr(stages, "_MOST_BYTES", 3 * 2 * 320 * 180 * 3 // 2)
        child.measure(replace(case, rates=()))
        assert kept == [3]

    def test_codecs_get_as_many_pictures_however_few_are_kept(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written: list[tuple[int, int]] = []
        write = FileSink.write

        def counted(sink: FileSink, frame: Frame) -> None:
            written.append((frame.pts, int(frame.planes.y[0, 0])))
            write(sink, frame)

        monkeypatch.setattr(FileSink, "write", counted)
        video, _ = read_frames(case.clip, 1)
        frames = [gray_frame(level, size=(320, 180)) for level in (50, 60, 70)]
        figures = stages._encoding(video, frames, [frame.planes for frame in frames])
        assert figures["mean_ms"] > 0
        assert [pts for pts, _ in written] == list(range(60))
        assert [level for _, level in written[:6]] == [50, 60, 70, 60, 50, 60]

    def test_opening_the_network_is_no_part_of_a_stage(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Clock:
            used = 0.0
            perf_counter = staticmethod(time.perf_counter)

            def process_time(self) -> float:
                return self.used

        clock = Clock()

        class SlowToOpen(stages.Restless):
            def warm_up(self, width: int, height: int) -> None:
                super().warm_up(width, height)
                clock.used += 1000

        monkeypatch.setattr(stages, "time", clock)
        monkeypatch.setattr(stages, "Restless", SlowToOpen)
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
