"""Work on single frames, timed."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.compositor import cases, mattes, measure


def test_everything_is_measured_by_the_copy() -> None:
    frames = mattes(None, 320, 180, "fast")[:2]
    with ExitStack() as stack:
        found = measure(cases(stack, frames[0], "fast"), frames, rounds=2)
    assert found["copy"]["times_copy"] == 1
    # The goals are asked of these.
    assert {
        "pre-processing",
        "smoothing",
        "refinement",
        "image, alpha scaled up",
        "blur, decontaminated",
    } <= set(found)
    assert all(0 < figures["median_ms"] <= figures["p95_ms"] for figures in found.values())
