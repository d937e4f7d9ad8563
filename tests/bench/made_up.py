"""What a child says and a report holds, made up."""

from __future__ import annotations

from typing import Any

from realtime.bench import child, runner
from realtime.bench.case import Case
from realtime.bench.runner import Plan


def a_result(case: Case, fps: float = 50.0) -> dict[str, Any]:
    """What a child says, made up."""
    stage = {"median_ms": 2.0, "p95_ms": 3.0, "cpu_ms": 2.5}
    coded = {"mean_ms": 2.0, "cpu_ms": 2.5}
    names = ("copy", "decode", "preprocess", "infer", "smooth", "composite", "encode")
    kinds = ("decoding", "null", "file")
    return {
        "model": "fast",
        "provider": "CPUExecutionProvider",
        "width": 640,
        "height": 360,
        "memory_mb": 200.0,
        "stages": {n: dict(coded if n in ("decode", "encode") else stage) for n in names},
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


def a_report(fps: tuple[float, ...] = (50.0, 51.0, 52.0), **changes: Any) -> dict[str, Any]:
    """A report of made-up rounds."""
    rounds = iter(fps)

    def measure(task: str, case: Case) -> dict[str, Any]:
        return {"seconds": 0.8} if task == child.FIRST else a_result(case, next(rounds))

    plan = Plan(sizes=((64, 48),), seconds=0.1, repeats=len(fps))
    return runner.run(plan, child=measure) | changes
