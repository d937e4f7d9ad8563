"""Goals beside figures, from made-up reports."""

from __future__ import annotations

from typing import Any

from benchmarks.throughput import Goal, goals, table


def _run(height: int, threads: int | None = None, **changes: float) -> dict[str, Any]:
    figures = {
        "stage copy": 0.2,
        "stage preprocess": 0.3,
        "stage smooth": 0.2,
        "stage refine": 0.3,
        "stage composite": 1.4,
        "stage blur": 2.0,
        "whole decoding": 200.0,
        "whole null": 150.0,
        "live 30 dropped": 0.0,
        "live 30 share": 0.5,
        "live 30 latency p95": 30.0,
        "live 60 dropped": 0.01,
        "first frame": 0.9,
    }
    metrics = {name: {"median": value} for name, value in (figures | changes).items()}
    return {"height": height, "threads": threads, "metrics": metrics}


def _bench(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"machine": {"cpu": "one", "cores": 2}, "runs": list(runs)}


def _peers(peer: str = "mediapipe") -> dict[str, Any]:
    racers = {"transcode": {"fps": 80.0}, "ours": {"fps": 60.0}, peer: {"fps": 20.0}}
    return {"clips": {"a.mp4": {"height": 720, "contestants": racers}}}


def _found(bench: dict[str, Any], peers: dict[str, Any]) -> dict[str, Goal]:
    return {goal.work: goal for goal in goals(bench, peers)}


def test_goals_are_compared_with_the_run_at_their_size() -> None:
    found = _found(_bench(_run(1080, 2), _run(720), _run(1080)), _peers())
    floor = found["`realtime file`, 720p, whole process, by a bare transcode"]
    assert (floor.measured, floor.reached) == (0.75, False)
    loop = found["`realtime file`, 720p, whole process, by MediaPipe's loop"]
    assert (loop.measured, loop.reached) == (3.0, True)
    assert found["1080p to nowhere, by decoding alone"].measured == 0.75
    compositor = found["compositor, 1080p, by a copy of the planes"]
    assert compositor.measured is not None
    assert abs(compositor.measured - 7) < 1e-9
    assert compositor.reached is False
    assert found["smoothing and refinement at the network's size"].measured == 0.5
    assert found["live 1080p30, of the cores"].reached is True
    assert found["live 720p60, frames lost"].reached is False


def test_what_was_not_measured_is_not_reached() -> None:
    found = _found(_bench(_run(720)), _peers("onnx-selfie"))
    assert found["start-up to the first frame, 1080p"].reached is None
    assert found["`realtime file`, 1080p, whole process, by a bare transcode"].reached is None
    # The stand-in of MediaPipe counts.
    assert found["`realtime file`, 720p, whole process, by MediaPipe's loop"].measured == 3.0


def test_forced_threads_are_not_the_program_as_it_comes() -> None:
    found = _found(_bench(_run(1080, 1)), _peers())
    assert found["compositor, 1080p, by a copy of the planes"].measured is None


def test_the_table_says_figures_in_their_units() -> None:
    lines = table(_bench(_run(720), _run(1080)), _peers()).splitlines()
    assert "| live 1080p30, of the cores | ≤ 60.0 % | 50.0 % | yes |" in lines
    assert "| live 720p60, frames lost | ≤ 0.0 % | 1.0 % | **no** |" in lines
    assert "| start-up to the first frame, 1080p | ≤ 1.00 s | 0.90 s | yes |" in lines
    work = "`realtime file`, 1080p, whole process, by a bare transcode"
    assert f"| {work} | ≥ 1.00 × |  | not measured |" in lines
    assert lines[-1] == "Measured on cpu one, cores 2."
