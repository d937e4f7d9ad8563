"""Work on single frames, timed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.compositor import ONE_PLACE, cases, mattes, measure
from models.errors import ModelsError
from tests.media import write_clip


def test_everything_is_measured_by_the_copy() -> None:
    frames = mattes(None, 320, 180, "fast")[:2]
    with ExitStack() as stack:
        found = measure(cases(stack, frames[0], "fast"), frames, rounds=2)
    assert found["copy"]["times_copy"] == 1
    # The goals are asked of these.
    assert {
        ONE_PLACE,
        "pre-processing",
        "smoothing",
        "refinement",
        "image, alpha scaled up",
        "blur, decontaminated",
    } <= set(found)
    assert all(0 < figures["median_ms"] <= figures["p95_ms"] for figures in found.values())


def test_a_clip_that_stays_in_the_cache_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=31)
    with pytest.raises(ModelsError, match=r"clip\.mp4: has 31 frames.*; name a clip of at least"):
        mattes(clip, 64, 48, "fast")
