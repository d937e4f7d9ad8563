"""Goals beside figures, from made-up reports."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, Literal

import pytest

from benchmarks.compositor import ONE_PLACE
from benchmarks.throughput import GOALS, Goal, Measured, figures, read_reports, table
from models.errors import ModelsError


def _run(height: int, model: str = "best", threads: int | None = None) -> dict[str, Any]:
    fast = model == "fast"
    figures = {
        "live 30 dropped": 0.0,
        "live 30 share": 0.3 if fast else 0.7,
        "live 30 latency p95": 20.0 if fast else 30.0,
        "live 60 dropped": 0.01,
        "first frame": 0.8 if fast else 0.9,
    }
    if threads is not None:
        figures = dict.fromkeys(figures, 9.0)
    metrics = {
        name: {"median": value, "rounds": [value, value, value]} for name, value in figures.items()
    }
    networks = {"30": model, "60": "fast" if fast else "tiny"}
    run = {"height": height, "model": model, "threads": threads}
    return run | {"live_models": networks, "metrics": metrics}


def _bench(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"machine": {"cpu": "one", "cores": 2}, "runs": list(runs)}


def _peers(peer: str = "mediapipe") -> dict[str, Any]:
    # What the machine did in a round, it did to everybody: ratios of medians would be others.
    racers = {
        "transcode-plain": (80, 40, 50),
        "ours": (60, 30, 50),
        "ours-fast": (120, 60, 80),
        peer: (20, 10, 10),
    }
    unwritten = {
        "decode": (200, 100, 120),
        "ours-null": (130, 65, 120),
        "ours-null-fast": (150, 75, 120),
    }
    clips = {
        name: {
            "height": height,
            "contestants": {
                who: {
                    "title": f"that of {who}",
                    "fps": statistics.median(rounds),
                    "fps_rounds": rounds,
                }
                for who, rounds in fps.items()
            },
        }
        for name, height, fps in (("a.mp4", 720, racers), ("b.mp4", 1080, unwritten))
    }
    return {"machine": {"cpu": "one", "cores": 2}, "clips": clips}


def _compositor(cpu: str = "one", picked: str = "best") -> dict[str, Any]:
    def cases(more: float) -> dict[str, Any]:
        times = {
            "copy": (1.0, 0.2),
            ONE_PLACE: (0.5, 0.1),
            "pre-processing": (1.9, 0.3),
            "smoothing": (2.0, 0.3),
            "refinement": (4.0, 0.6),
            "image, alpha scaled up": (5.5, 1.1),
            "image, refined and decontaminated": (9.0, 1.7),
            "blur, decontaminated": (12.0, 1.9),
            "blur, refined and decontaminated": (15.5, 2.4),
        }
        return {
            name: {"times_copy": times + more, "median_ms": ms + more}
            if "copy" not in name
            else {"times_copy": times, "median_ms": ms}
            for name, (times, ms) in times.items()
        }

    # That at 720p must not be taken for it.
    networks = {
        network: {
            "1280x720": {"cases": cases(99)},
            "1920x1080": {"cases": cases(more)},
        }
        for network, more in ((picked, 1.0), ("fast", 0.0))
    }
    return {"machine": {"cpu": cpu, "cores": 2}, "picked": picked, "networks": networks}


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


def _figures(
    bench: dict[str, Any],
    peers: dict[str, Any] | None = None,
    compositor: dict[str, Any] | None = None,
    gpu: dict[str, Any] | None = None,
    *,
    fast: bool = False,
) -> dict[str, float | None]:
    found = figures(bench, peers or _peers(), compositor or _compositor(), gpu or _gpu(), fast=fast)
    told = {name: measured.figure for name, measured in found.items()}
    return {name: figure if figure is None else round(figure, 9) for name, figure in told.items()}


def test_every_figure_is_of_its_own_run_and_size() -> None:
    bench = _bench(_run(1080, threads=2), _run(720), _run(1080), _run(720, "fast"))
    assert _figures(bench) == {
        "transcode 720": 0.75,
        "transcode 1080": None,
        "mediapipe 720": 3.0,
        "mediapipe 1080": None,
        "null": 0.65,
        "image": 6.5,
        "blur": 13.0,
        "pre-processing": 2.9,
        "smoothing": 2.9,
        "live dropped": 0.0,
        "live share": 0.7,
        "live latency": 30.0,
        "live 720p60": 0.01,
        "start": 0.9,
        "gpu": 12,
        "gpu 4K60": 0.0,
        "gpu copies": 5,
        "gpu launches": 1,
    }


def test_what_was_measured_with_fast_is_told_apart() -> None:
    bench = _bench(_run(720), _run(1080), _run(1080, "fast", 2), _run(1080, "fast"))
    assert _figures(bench, fast=True) == {
        "transcode 720": 1.5,
        "transcode 1080": None,
        "mediapipe 720": 6.0,
        "mediapipe 1080": None,
        "null": 0.75,
        "image": 5.5,
        "blur": 12.0,
        "pre-processing": 1.9,
        "smoothing": 0.9,
        "live dropped": 0.0,
        "live share": 0.3,
        "live latency": 20.0,
        # No run of 720p was with it.
        "live 720p60": None,
        "start": 0.8,
    }


def test_where_the_program_picks_fast_that_is_measured_once() -> None:
    reports = _bench(_run(1080, "fast")), _peers(), _compositor(picked="fast")
    picked, fast = (_figures(*reports, fast=fast) for fast in (False, True))
    for name in ("image", "start", "live share"):
        assert picked[name] == fast[name] is not None


def test_every_goal_is_one_of_something_that_is_measured() -> None:
    asked = [goal.name for goals in GOALS.values() for goal in goals]
    assert sorted(asked) == sorted(_figures(_bench()))


def test_a_frame_that_was_not_captured_is_no_single_launch() -> None:
    assert _figures(_bench(), gpu=_gpu(way="bound"))["gpu launches"] is None


def test_a_stand_in_for_mediapipe_counts_and_is_named() -> None:
    for peer, note in (("mediapipe", ""), ("onnx-selfie", "beside that of onnx-selfie")):
        found = figures(_bench(), _peers(peer), _compositor(), _gpu(), fast=False)
        assert found["mediapipe 720"] == Measured(3.0, note)


def test_the_network_that_was_picked_for_a_race_is_named() -> None:
    peers = _peers()
    peers["clips"]["a.mp4"]["contestants"]["ours"]["model"] = ["best", "better", "best"]
    found = figures(_bench(), peers, _compositor(), _gpu(), fast=False)
    assert found["transcode 720"].note == "`best` or `better`"


def test_a_report_without_the_copy_into_one_place_is_shown() -> None:
    old = _compositor()
    for sizes in old["networks"].values():
        del sizes["1920x1080"]["cases"][ONE_PLACE]
    found = figures(_bench(), _peers(), old, _gpu(), fast=True)
    assert found["pre-processing"] == Measured(1.9, "the copy 0.20 ms")


@pytest.mark.parametrize("name", ["bench", "peers", "compositor", "gpu"])
@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"machine": [], "runs": 3}', "\ud800"])
def test_a_damaged_report_is_named(name: str, text: str, tmp_path: Path) -> None:
    whole = {"bench": _bench(), "peers": _peers(), "compositor": _compositor(), "gpu": _gpu()}
    for other, report in whole.items():
        (tmp_path / f"{other}.json").write_text(json.dumps(report), "utf-8")
    assert table(*read_reports(tmp_path)) == table(*whole.values())
    (tmp_path / f"{name}.json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ModelsError, match=rf"{name}\.json: is another report.*; run .*{name}"):
        read_reports(tmp_path)


def test_forced_threads_are_not_the_program_as_it_comes() -> None:
    assert _figures(_bench(_run(1080, threads=1)))["start"] is None


def test_what_a_report_lacks_was_not_measured() -> None:
    empty = {"machine": {"cpu": "one"}, "picked": "best", "networks": {}}
    no_gpu: dict[str, Any] = {"machine": {"cpu": "one"}, "gpu": None, "frames": [], "live": []}
    peers: dict[str, Any] = {"machine": {"cpu": "one"}, "clips": {}}
    for row in table(_bench(), peers, empty, no_gpu).splitlines()[2:11]:
        cells = row.strip("| ").split(" | ")[2:]
        assert {part for cell in cells for part in cell.split("<br>")} == {"not measured"}


@pytest.mark.parametrize(
    ("relation", "figure", "reached"),
    [("≤", 2.0, True), ("≤", 2.1, False), ("≥", 2.0, True), ("≥", 1.9, False), ("≥", None, None)],
)
def test_a_goal_itself_is_enough(
    relation: Literal["≤", "≥"], figure: float | None, reached: bool | None
) -> None:
    assert Goal("any", relation, 2, "×").reached(Measured(figure)) is reached


def test_the_table_says_figures_in_their_units() -> None:
    bench = _bench(_run(720), _run(1080), _run(1080, "fast"))
    written = table(bench, _peers(), _compositor(), _gpu()).splitlines()
    rows = {row.split(" | ")[0].removeprefix("| "): row.strip("| ") for row in written[2:11]}
    works = [*GOALS][:-1]
    assert list(rows) == [*works, "GPU, with nothing decoded or encoded (one of them)"]
    file, null, image, blur, before, _, live, start, gpu = rows.values()
    assert file.split(" | ")[1:] == [
        "≥ 1 × a bare PyAV transcode loop, 720p<br>≥ 1 × a bare PyAV transcode loop, 1080p"
        "<br>≥ 2.5 × the MediaPipe loop, 720p<br>≥ 2.5 × the MediaPipe loop, 1080p",
        "1.50 ×: reached<br>not measured<br>6.00 ×: reached<br>not measured",
        "0.75 ×: **missed**<br>not measured<br>3.00 ×: reached<br>not measured",
    ]
    assert null.split(" | ")[1:] == [
        "≥ 0.7 × decode-only fps",
        "0.75 ×: reached",
        "0.65 ×: **missed**",
    ]
    default = "with all that is done by default"
    assert image.split(" | ")[1:] == [
        "≤ 6 × memcpy of the frame's planes",
        "5.50 × (the copy 0.20 ms; 11.00 × one into the same place; "
        f"9.00 × {default}: image, refined and decontaminated): reached",
        "6.50 × (the copy 0.20 ms; 21.00 × one into the same place; "
        f"10.00 × {default}: image, refined and decontaminated): **missed**",
    ]
    assert f"; 16.50 × {default}: blur, refined and decontaminated): reached" in blur
    assert before.split(" | ")[1:] == [
        "≤ 2 × memcpy of the frame's planes",
        "1.90 × (the copy 0.20 ms; 3.00 × one into the same place): reached",
        "2.90 × (the copy 0.20 ms; 13.00 × one into the same place): **missed**",
    ]
    assert live.split(" | ")[1:] == [
        "≤ 0 % dropped, 1080p30<br>≤ 60 % of the cores, 1080p30"
        "<br>≤ 50 ms p95 end-to-end, 1080p30<br>≤ 0 % dropped, 720p60",
        "0.0 %: reached<br>30.0 %: reached<br>20.00 ms: reached<br>not measured",
        "0.0 % (`best`): reached<br>70.0 % (`best`): **missed**<br>30.00 ms (`best`): reached"
        "<br>1.0 % (`tiny`): **missed**",
    ]
    assert start.split(" | ")[1:] == ["≤ 1 s", "0.80 s: reached", "0.90 s: reached"]
    assert gpu.split(" | ")[1:] == [
        "≥ 10 × the CPU, `quality`, matting alone (planes → smoothed alpha), 1080p"
        "<br>≤ 0 % dropped, 4K60 live, from planes into memory"
        "<br>≤ 2 copies host↔device a frame<br>≤ 1 launch a frame",
        "<br>".join(["not measured"] * 4),
        "12 ×: reached<br>0.0 %: reached<br>5 copies: **missed**"
        "<br>1 launch (by construction: a frame is one captured graph): reached",
    ]
    assert written[-2:] == [
        "",
        "Measured on cpu one, cores 2, sources of before (bench.json, peers.json, "
        "compositor.json, gpu.json).",
    ]


def test_another_machine_is_named() -> None:
    written = table(_bench(), _peers(), _compositor("another"), _gpu("a third")).splitlines()
    assert written[-5:] == [
        "Measured on cpu one, cores 2, sources of before (bench.json, peers.json).",
        "",
        "Measured on cpu another, cores 2, sources of before (compositor.json).",
        "",
        "Measured on cpu a third, cores 2, sources of before (gpu.json).",
    ]


def test_a_drop_in_one_round_is_no_zero() -> None:
    bench = _bench(_run(1080), _run(720))
    bench["runs"][0]["metrics"]["live 30 dropped"]["rounds"] = [0.0, 0.25, 0.0]
    told = figures(bench, _peers(), _compositor(), _gpu(), fast=False)["live dropped"]
    assert told == Measured(0.25, "`best`, worst of 3 rounds")


def test_reports_of_one_run_say_so() -> None:
    reports: list[Any] = [_bench(), _peers(), _compositor(), _gpu()]
    for report in reports[:3]:
        report |= {"began": "2031-05-06 07:08 UTC", "revision": "abc"}
    written = table(*reports).splitlines()
    assert written[-3:] == [
        "Measured on cpu one, cores 2, in the run of 2031-05-06 07:08 UTC, sources abc "
        "(bench.json, peers.json, compositor.json).",
        "",
        "Measured on cpu one, cores 2, sources of before (gpu.json).",
    ]
