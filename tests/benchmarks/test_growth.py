"""Loads on a machine, and what is said of how cost grows, against values worked out by hand."""

from __future__ import annotations

import copy
import functools
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import growth, loads
from benchmarks.growth import (
    QUICK,
    Curve,
    Plan,
    exponent,
    first_that_fails,
    no_longer_grows,
    parts,
)
from benchmarks.loads import Did, Load
from benchmarks.reporting import read_report, run_command
from models.errors import ModelsError
from realtime.bench.material import write_demo
from realtime.errors import RealtimeError
from realtime.inference.matting import Matting


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("clips") / "demo.mp4"
    write_demo(path, 320, 180, 0.5)
    return str(path)


class TestLoads:
    @pytest.mark.parametrize("kind", ["null", "h264"])
    def test_every_stream_of_files_delivers_every_frame(self, kind: Any, demo: str) -> None:
        did = loads.run(Load(kind, 320, 180, 0.2, streams=2), demo, "fast")
        assert (did.frames, did.due, did.processed) == (12, 12, 12)
        assert did.seconds > 0
        assert did.cpu > 0

    def test_live_streams_are_measured_in_the_pixels(self, demo: str) -> None:
        did = loads.run(Load("live", 320, 180, 1.0, 10.0, outputs=2, streams=2), demo, "fast")
        assert did.due == 2 * 10
        assert len(did.latencies) == did.frames > 0
        assert all(0 < latency < 60 for latency in did.latencies)

    def test_processes_begin_together_and_are_added_up(self, demo: str) -> None:
        found = loads.measured(Load("null", 320, 180, 0.2, processes=2), demo, "fast")
        assert set(found) == {"fps", "cpu_ms", "peak_mb"}
        assert all(value is None or value > 0 for value in found.values())

    def test_a_process_that_fails_says_why(self) -> None:
        with pytest.raises(RealtimeError, match=r"nowhere\.mp4: no such file"):
            loads.measured(Load("null", 320, 180, 0.2), "/nowhere.mp4", "fast")

    def test_a_process_that_dies_says_its_last_line(self, demo: str) -> None:
        with pytest.raises(RealtimeError, match="its process ended: ValueError: max_workers"):
            loads.measured(Load("null", 320, 180, 0.2, streams=0), demo, "fast")

    def test_a_process_that_hangs_ends(
        self, demo: str, hanging: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", hanging)
        monkeypatch.setattr(loads, "_PATIENCE", 0.2)
        with pytest.raises(RealtimeError, match="try --quick"):
            loads.measured(Load("null", 320, 180, 0.2), demo, "fast")

    def test_default_is_asked_to_keep_up_with_the_clip(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "fast.mp4"
        write_demo(path, 320, 180, 0.1, fps=60)
        asked: list[float] = []

        class Asked(Matting):
            def __init__(self, model: str, device: Any, *, frame_rate: float = 0, **_: Any) -> None:
                asked.append(frame_rate)
                super().__init__("fast", "cpu")

        monkeypatch.setattr("realtime.jobs.Matting", Asked)
        loads.run(Load("null", 320, 180, 0.1), str(path), "default")
        assert asked == [60.0]

    def test_together_the_slowest_process_counts(self) -> None:
        did = [Did(60, 60, 1.0, 60, 0.6, 100.0), Did(60, 60, 2.0, 60, 1.2, 150.0)]
        assert loads.together(Load("null", 320, 180, 2.0, processes=2), did) == {
            "fps": 60.0,
            "cpu_ms": pytest.approx(15.0),
            "peak_mb": 250.0,
        }

    def test_what_cameras_were_due_and_files_lost_counts(self) -> None:
        did = Did(54, 60, 2.0, 80, 0.8, 100.0, 16, tuple(0.01 * (1 + i % 10) for i in range(54)))
        found = loads.together(Load("live", 320, 180, 2.0, outputs=3), [did])
        assert found["fps"] == 27
        assert found["dropped"] == pytest.approx(0.1)
        assert found["dropped_in_files"] == pytest.approx(0.1)
        assert found["latency_p95_ms"] == pytest.approx(100)

    def test_where_nothing_arrived_there_is_no_latency(self) -> None:
        found = loads.together(Load("live", 320, 180, 2.0), [Did(0, 60, 2.0, 0, 0.1, None)])
        assert (found["dropped"], found["latency_p95_ms"], found["peak_mb"]) == (1.0, None, None)


class TestBends:
    def test_a_power_law_is_found(self) -> None:
        assert exponent([1, 2, 4], [3, 6, 12]) == pytest.approx(1)
        assert exponent([1, 4, 16], [5, 10, 20]) == pytest.approx(0.5)
        assert exponent([1, 4, 16], [5, 5, 5]) == pytest.approx(0)

    def test_what_is_fixed_is_told_from_what_grows(self) -> None:
        assert parts([1, 2, 8], [5, 7, 19]) == pytest.approx((3, 2))
        # Nobody gains time by having fewer pixels than none, or by having more.
        assert parts([1, 2, 8], [1, 3, 15]) == pytest.approx((0, (1 + 1.5 + 1.875) / 3))
        assert parts([1, 2, 8], [5, 4, 3]) == pytest.approx((4, 0))

    @pytest.mark.parametrize(
        ("values", "count"),
        [([50, 100, 200], None), ([50, 100, 103], 2), ([50, 51, 49], 1), ([50, 48, 70], None)],
    )
    def test_throughput_grows_until_no_larger_number_brings_more(
        self, values: list[float], count: int | None
    ) -> None:
        assert no_longer_grows([1, 2, 4], values) == count

    def test_what_rounds_differ_by_is_no_growth(self) -> None:
        assert no_longer_grows([1, 2, 4], [137, 140, 149]) is None
        assert no_longer_grows([1, 2, 4], [137, 140, 149], noise=0.09) == 1

    @pytest.mark.parametrize(
        ("metrics", "fails"),
        [
            ({"dropped": 0.004, "latency_p95_ms": 60.0}, False),
            ({"dropped": 0.02, "latency_p95_ms": 60.0}, True),
            ({"dropped": 0.0, "dropped_in_files": 0.02, "latency_p95_ms": 60.0}, True),
            ({"dropped": 0.0, "latency_p95_ms": 70.0}, True),
            ({"dropped": 1.0}, True),
            ({"dropped": 0.0}, True),
        ],
    )
    def test_a_live_run_fails_that_loses_frames_or_is_late(
        self, metrics: dict[str, float], fails: bool
    ) -> None:
        whole = {"dropped": 0.0, "latency_p95_ms": 10.0}
        points = [
            {"fps": 30.0, "metrics": {name: {"median": value} for name, value in one.items()}}
            for one in (whole, metrics)
        ]
        assert first_that_fails(points) == (1 if fails else None)


def _measure(load: Load, clip: str, model: str) -> dict[str, float | None]:
    """A machine on which a frame takes 4 ms and 8 ms a megapixel; two cores, so to speak."""
    assert Path(clip).is_file()
    at_once = load.streams * load.processes
    milliseconds = 4 + 8 * load.width * load.height / 1e6
    found: dict[str, float | None] = {
        "fps": 1000 / milliseconds * min(2, at_once),
        "cpu_ms": milliseconds + 3 * (load.outputs - 1),
        "peak_mb": 200.0,
    }
    if load.kind == "live":
        late = at_once > 2
        found |= {
            "fps": load.fps * at_once,
            "latency_median_ms": None if late else 20.0,
            "latency_p95_ms": None if late else 25.0,
            "dropped": 1.0 if late else 0.0,
        }
        if load.outputs > 1:
            found["dropped_in_files"] = 0.0
    return found


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    plan = Plan(
        sizes=((640, 360, 0.1), (1280, 720, 0.1)),
        lengths=(0.1, 0.2),
        stream_size=(640, 360),
        rounds=2,
    )
    return growth.run(plan, "a network", lambda line: None, _measure)


def test_loads_of_several_panels_are_measured_once_a_round() -> None:
    asked: list[Load] = []

    def measure(load: Load, clip: str, model: str) -> dict[str, float | None]:
        asked.append(load)
        return _measure(load, clip, model)

    growth.run(QUICK, "a network", lambda line: None, measure)
    wanted = {load for panel in QUICK.panels().values() for load in panel}
    assert len(asked) == len(wanted)
    assert set(asked) == wanted


def test_every_round_is_kept(report: dict[str, Any]) -> None:
    (first, *_) = report["panels"]["resolution"]
    assert first["metrics"]["peak_mb"]["rounds"] == (200.0, 200.0)
    # Nothing arrived, and so nothing is known.
    (*_, four) = report["panels"]["streams"]
    assert "latency_p95_ms" not in four["metrics"]


def test_sentences_say_where_the_curves_bend(report: dict[str, Any]) -> None:
    size, outputs, streams, length = growth.sentences(report)
    assert "4.0 ms at any size, and 8.0 ms a megapixel" in size
    assert "weighs more from 720p on" in size
    assert "nothing is lost up to 720p (95 % within 25 ms)" in size
    assert "5.8 ms of processor time a frame with one, into memory, and 3.0 ms more" in outputs
    assert "in one process 171 → 342 → 342 fps altogether to nowhere, which grows not beyond 2" in (
        streams
    )
    assert "4 is too much: 100.0% lost (no frame arrived)" in streams
    assert "200 → 200 MB of memory at the most, 1.00 × for 2 × the length." in length


def test_a_run_that_loses_nothing_but_is_late_says_so(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    (*_, four) = changed["panels"]["streams"]
    four["metrics"]["dropped"]["median"] = 0.0
    four["metrics"]["latency_p95_ms"] = {"median": 80.0, "spread": 0.0}
    streams = growth.sentences(changed)[2]
    assert "4 comes too late (95 % within 80 ms)" in streams
    assert "too much" not in streams.split("in a process each")[0]


def test_bars_reach_from_the_lowest_round_to_the_highest() -> None:
    known = {"fps": {"rounds": [20.0, 10.0, 10.5], "median": 10.5, "spread": 10 / 10.5}}
    curve = Curve([{"metrics": known}])
    assert curve.errors("fps") == ([0.5], [9.5])
    assert all(math.isnan(value) for side in curve.errors("peak_mb") for value in side)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"revision": "abc"}, ", sources abc."),
        ({"revision": "abc-dirty"}, ", sources abc-dirty, with changes that it does not name."),
        ({}, ", sources of before."),
    ],
)
def test_the_sources_are_told(known: dict[str, str], said: str, report: dict[str, Any]) -> None:
    assert growth.block(report | known).endswith(said)


def test_quick_figures_take_no_place_of_measured_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(growth, "RESULTS", tmp_path)
    monkeypatch.setattr(
        growth, "run", functools.partial(_run, growth.run, tmp_path / "given" / "growth.json")
    )
    monkeypatch.setattr(sys, "argv", ["growth", "--quick", "--model", "fast"])
    assert run_command(growth.main) == 2
    assert re.fullmatch(r"error: --quick: .*; add --out FOLDER\n", capsys.readouterr().err)
    sys.argv += ["--out", str(tmp_path / "given")]
    assert run_command(growth.main) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["given"]
    with pytest.raises(ModelsError, match=r"growth\.json: was made with --quick.*; run python -m"):
        read_report(tmp_path / "given" / "growth.json", growth.block)


def _run(run: Any, path: Path, plan: Plan, model: str, say: Any) -> dict[str, Any]:
    """A machine worked out by hand; what is measured is not there meanwhile."""
    assert not path.exists()
    found: dict[str, Any] = run(plan, model, lambda line: None, _measure)
    return found


@pytest.mark.parametrize("arguments", [[], ["{", "clip", "fast"], ["{}", "clip", "fast"]])
def test_a_process_of_a_load_that_nobody_started_says_what_to_run(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["loads", *arguments])
    assert loads.main() == 2
    assert capsys.readouterr().err == "error: is run by others; run python -m benchmarks.growth\n"


def test_the_picture_is_drawn(report: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    import cv2

    growth.draw(report, tmp_path / "growth.png")
    picture = cv2.imread(str(tmp_path / "growth.png"))
    assert picture is not None
    assert picture.std() > 5  # something is drawn
