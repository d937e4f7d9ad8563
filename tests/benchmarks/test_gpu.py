"""What a GPU is worth, measured here without one."""

from __future__ import annotations

import pytest

from benchmarks import gpu
from benchmarks.gpu import Plan, run, without_graphs
from realtime.errors import DeviceError
from realtime.inference import session
from realtime.inference.device_graph import WAYS
from realtime.inference.thumbnail import thumbnail_size
from tests.inference.networks import run_cuda_here

_PLAN = Plan(("fast",), ((320, 180),), rounds=2, live_size=(320, 180), live_seconds=0.3)


def test_both_are_timed_and_what_crosses_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    run_cuda_here(monkeypatch)
    report = run(_PLAN)
    (case,) = report["frames"]
    assert (case["model"], case["width"], case["height"]) == ("fast", 320, 180)
    for name in ("cpu", "bound", "captured"):
        figures = case[name]
        assert len(figures["rounds_ms"]) == 2
        assert set(figures["median_ms"]) == {"whole", "preprocess", "infer", "smooth"}
    for name in ("bound", "captured"):
        figures = case[name]
        assert figures["times_as_fast"] > 0
        # The planes; alpha and a thumbnail.
        columns, rows = thumbnail_size(288, 192)
        assert figures["copies"] == 5
        assert figures["bytes"] == 320 * 180 * 3 // 2 + 4 * 288 * 192 + 3 * columns * rows
    assert [one["camera"] for one in report["live"]] == ["planes", "MJPEG"]
    assert all("latency_p95_ms" in one and one["fps"] == 60 for one in report["live"])


def test_graphs_come_back() -> None:
    before = WAYS["cuda"]
    with without_graphs():
        assert WAYS["cuda"] == ("bound", "plain")
    assert WAYS["cuda"] == before


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "cuda_obstacle", lambda: "no NVIDIA driver")
    with pytest.raises(DeviceError, match="no NVIDIA driver"):
        run(_PLAN)
    monkeypatch.setattr(gpu, "_QUERY", ["no-such-program"])
    assert gpu.gpu() is None
