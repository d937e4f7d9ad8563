"""Goals beside figures, from made-up reports."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from benchmarks.throughput import Line, lines, table

_WORK = (
    "`realtime file`, 720p and 1080p, image background, H.264 veryfast, whole process",
    "same without encoding (null sink), 1080p",
    "compositor, 1080p, image background, upsampling of alpha included",
    "blur background, decontaminated edges, 1080p",
    "pre-processing (planes → network tensor), 1080p",
    "smoothing + refinement at network size",
    "live 1080p30; 720p60",
    "start-up to first frame (warm disk), 1080p",
    "GPU (one of them)",
)


def _run(height: int, threads: int | None = None, **changes: float) -> dict[str, Any]:
    figures = {
        "live 30 dropped": 0.0,
        "live 30 share": 0.5,
        "live 30 latency p95": 30.0,
        "live 60 dropped": 0.01,
        "first frame": 0.9,
    }
    metrics = {name: {"median": value} for name, value in (figures | changes).items()}
    networks = {"30": "fast", "60": "tiny"}
    return {"height": height, "threads": threads, "live_models": networks, "metrics": metrics}


def _bench(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"machine": {"cpu": "one", "cores": 2}, "runs": list(runs)}


def _peers(peer: str = "mediapipe") -> dict[str, Any]:
    # What the machine did in a round, it did to everybody: ratios of medians would be others.
    racers = {"transcode-plain": (80, 40, 50), "ours": (60, 30, 50), peer: (20, 10, 10)}
    unwritten = {"decode": (200, 100, 120), "ours-null": (150, 75, 120)}
    clips = {
        name: {
            "height": height,
            "contestants": {
                who: {"fps": statistics.median(rounds), "fps_rounds": rounds}
                for who, rounds in fps.items()
            },
        }
        for name, height, fps in (("a.mp4", 720, racers), ("b.mp4", 1080, unwritten))
    }
    return {"machine": {"cpu": "one", "cores": 2}, "clips": clips}


def _compositor(cpu: str = "one") -> dict[str, Any]:
    cases = {
        "pre-processing": {"times_copy": 1.9, "median_ms": 0.3},
        "smoothing": {"times_copy": 2.0, "median_ms": 0.3},
        "refinement": {"times_copy": 4.0, "median_ms": 0.6},
        "image, alpha scaled up": {"times_copy": 7.0, "median_ms": 1.1},
        "blur, decontaminated": {"times_copy": 12.0, "median_ms": 1.9},
        "blur, refined and decontaminated": {"times_copy": 15.5, "median_ms": 2.4},
    }
    # That at 720p must not be taken for it.
    half = {name: {"times_copy": 99.0, "median_ms": 99.0} for name in cases}
    sizes = {"1280x720": {"cases": half}, "1920x1080": {"cases": cases}}
    return {"machine": {"cpu": cpu, "cores": 2}, "sizes": sizes}


def _gpu(cpu: str = "one", way: str = "captured") -> dict[str, Any]:
    def frame(model: str, height: int, ratio: float) -> dict[str, Any]:
        ours = {"times_as_fast": ratio, "copies": 5, "way": way}
        return {"model": model, "height": height, "captured": ours}

    return {
        "machine": {"cpu": cpu, "cores": 2},
        "gpu": "one of them",
        "frames": [frame("fast", 1080, 99), frame("quality", 2160, 99), frame("quality", 1080, 12)],
        "live": [
            {"camera": camera, "height": 2160, "dropped": dropped}
            for camera, dropped in (("MJPEG", 0.5), ("planes", 0.0))
        ],
    }


def _found(
    bench: dict[str, Any],
    peers: dict[str, Any],
    compositor: dict[str, Any] | None = None,
    gpu: dict[str, Any] | None = None,
) -> dict[str, Line]:
    rows = lines(bench, peers, compositor or _compositor(), gpu or _gpu())
    return {line.work: line for line in rows}


def _figures(line: Line) -> list[tuple[float | None, bool | None]]:
    return [(goal.measured, goal.reached) for goal in line.goals]


def test_every_line_is_compared_with_its_own_run_and_size() -> None:
    found = _found(_bench(_run(1080, 2, **{"first frame": 9.0}), _run(720), _run(1080)), _peers())
    assert tuple(found) == _WORK
    figures = {work: _figures(line) for work, line in found.items()}
    file, null, image, blur, preprocess, network, live, start, gpu = figures.values()
    assert file == [(0.75, False), (None, None), (3.0, True), (None, None)]
    assert null == [(0.75, True)]
    assert image == [(7.0, False)]
    assert blur == [(12.0, True)]
    assert preprocess == [(1.9, True)]
    assert network[0][0] == pytest.approx(0.9)
    assert live == [(0.0, True), (0.5, True), (30.0, True), (0.01, False)]
    assert start == [(0.9, True)]
    assert gpu == [(12, True), (0.0, True), (5, False), (1, True)]


def test_a_frame_that_was_not_captured_is_no_single_launch() -> None:
    line = _found(_bench(), _peers(), gpu=_gpu(way="bound"))[_WORK[8]]
    assert _figures(line)[3] == (None, None)


def test_a_stand_in_for_mediapipe_counts() -> None:
    assert _figures(_found(_bench(), _peers("onnx-selfie"))[_WORK[0]])[2] == (3.0, True)


def test_forced_threads_are_not_the_program_as_it_comes() -> None:
    assert _figures(_found(_bench(_run(1080, 1)), _peers())[_WORK[7]]) == [(None, None)]


def test_what_a_report_lacks_was_not_measured() -> None:
    empty = {"machine": {"cpu": "one"}, "sizes": {}}
    no_gpu: dict[str, Any] = {"gpu": None, "frames": [], "live": []}
    for line in _found(_bench(), {"clips": {}}, empty, no_gpu).values():
        assert all(figure == (None, None) for figure in _figures(line))


def test_the_table_says_figures_in_their_units() -> None:
    written = table(_bench(_run(720), _run(1080)), _peers(), _compositor(), _gpu()).splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in written[2:11]] == list(_WORK)
    assert written[2].endswith(
        "| ≥ 1 × a bare PyAV transcode loop, 720p<br>≥ 1 × a bare PyAV transcode loop, 1080p"
        "<br>≥ 2.5 × the MediaPipe loop, 720p<br>≥ 2.5 × the MediaPipe loop, 1080p "
        "| 0.75 ×<br><br>3.00 ×<br> | **no**<br>not measured<br>yes<br>not measured |"
    )
    assert f"| {_WORK[2]} | ≤ 6 × memcpy of the frame's planes | 7.00 × | **no** |" in written
    assert (
        f"| {_WORK[6]} | ≤ 0 % dropped, 1080p30<br>≤ 60 % of the cores, 1080p30"
        "<br>≤ 50 ms p95 end-to-end, 1080p30<br>≤ 0 % dropped, 720p60 "
        "| 0.0 % (`fast`)<br>50.0 % (`fast`)<br>30.00 ms (`fast`)<br>1.0 % (`tiny`) "
        "| yes<br>yes<br>yes<br>**no** |"
    ) in written
    assert f"| {_WORK[7]} | ≤ 1 s | 0.90 s | yes |" in written
    assert written[10] == (
        f"| {_WORK[8]} | ≥ 10 × the CPU, `quality` end to end, 1080p<br>≤ 0 % dropped, 4K60 live"
        "<br>≤ 2 copies host↔device a frame<br>≤ 1 launch a frame "
        "| 12 ×<br>0.0 %<br>5 copies<br>1 launch | yes<br>yes<br>**no**<br>yes |"
    )
    assert written[-2:] == [
        "",
        "Measured on cpu one, cores 2 (bench.json, peers.json, compositor.json, gpu.json).",
    ]


def test_another_machine_is_named() -> None:
    written = table(_bench(), _peers(), _compositor("another"), _gpu("a third")).splitlines()
    assert written[-5:] == [
        "Measured on cpu one, cores 2 (bench.json, peers.json).",
        "",
        "Measured on cpu another, cores 2 (compositor.json).",
        "",
        "Measured on cpu a third, cores 2 (gpu.json).",
    ]


def test_reports_of_one_run_say_so() -> None:
    reports: list[Any] = [_bench(), _peers(), _compositor(), _gpu()]
    for report in reports[:3]:
        report["began"] = "2031-05-06 07:08 UTC"
    written = table(*reports).splitlines()
    assert written[-3:] == [
        "Measured on cpu one, cores 2, in the run of 2031-05-06 07:08 UTC (bench.json, peers.json, "
        "compositor.json).",
        "",
        "Measured on cpu one, cores 2 (gpu.json).",
    ]


def test_the_table_tells_what_a_figure_is_of() -> None:
    written = table(_bench(_run(720), _run(1080)), _peers(), _compositor(), _gpu())
    rows = {row.split(" | ")[0].removeprefix("| "): row for row in written.splitlines()}
    default = "12.00 × (15.50 × with all that is done by default: blur, refined and decontaminated)"
    assert default in rows[_WORK[3]]
    assert "7.00 × |" in rows[_WORK[2]]  # the report lacks what is done by default
    assert "50.0 % (`fast`)" in rows[_WORK[6]]
    assert "1.0 % (`tiny`)" in rows[_WORK[6]]
