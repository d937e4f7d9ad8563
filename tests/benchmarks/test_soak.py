"""Slopes and figures of a soak against values worked out by hand, and a short run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import soak
from benchmarks.soak import Did, Held, figures, fit, look, read_log
from models.errors import ModelsError

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def test_a_straight_line_is_found_and_sure() -> None:
    slope = fit([(float(t), 100 + t / 3600 * 7) for t in range(1800)])
    assert slope is not None
    assert slope.per_hour == pytest.approx(7)
    assert slope.uncertainty == pytest.approx(0, abs=1e-6)


def test_what_fills_up_at_first_is_not_counted() -> None:
    slope = fit([(float(t), min(t, 300.0)) for t in range(1800)])
    assert slope is not None
    assert slope.per_hour == pytest.approx(0)


def test_the_true_slope_lies_within_the_uncertainty_nearly_always() -> None:
    """Also where samples are alike to those before them, as figures of the last seconds are."""
    rng = random.Random(0)
    inside = 0
    for _ in range(200):
        drift, samples = 0.0, []
        for t in range(1800):
            drift = 0.8 * drift + rng.gauss(0, 1)
            samples.append((float(t), 20 + t / 3600 * 3 + drift))
        slope = fit(samples)
        assert slope is not None
        inside += abs(slope.per_hour - 3) <= slope.uncertainty
    assert 180 <= inside < 200


@pytest.mark.parametrize("samples", [[], [(1.0, 2.0)], [(float(t), 1.0) for t in range(10)]])
def test_too_few_samples_give_no_line(samples: list[tuple[float, float]]) -> None:
    assert fit(samples) is None


@linux_only
def test_a_process_is_looked_at_until_it_ends() -> None:
    program = [sys.executable, "-c", "print('ready', flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        held = look(process.pid, 5.0)
        process.communicate(b"\n")
    assert held is not None
    assert held.seconds == 5
    assert held.megabytes > 1
    assert held.threads >= 1
    assert held.handles >= 3
    assert look(process.pid, 6.0) is None
    mine = look(os.getpid(), 0.0)
    assert mine is not None
    assert mine.megabytes > held.megabytes


def _entry(unix_time: float, **values: Any) -> str:
    entry = {"event": "stats", "unix_time": unix_time, "stages": {}, "delivered_fps": 30.0}
    return json.dumps(entry | {"frames_dropped": 0, "placeholders": 0} | values)


def test_a_log_is_read_as_far_as_it_was_written() -> None:
    latency = {"latency": {"median_ms": 20.0, "p95_ms": 30.0}}
    did, summary = read_log(
        [_entry(1001.0), _entry(1002.0, stages=latency, frames_dropped=3), '{"event": "sta'], 1000.0
    )
    assert did == [
        Did(1.0, None, None, 30.0, 0, 0),
        Did(2.0, 20.0, 30.0, 30.0, 3, 0),
    ]
    assert summary == {}
    assert read_log(['{"event": "summary", "fps": 30}'], 0.0)[1]["fps"] == 30


def test_drops_of_the_start_are_told_apart_and_what_is_held_from_when_it_has_settled() -> None:
    held = [Held(float(t), 100.0 + min(t, 20), 5 + (t == 50), 9) for t in range(100)]
    did = [Did(float(t), 20.0, 30.0, 30.0, min(t, 2) + (t > 60), t // 90) for t in range(1, 100)]
    found = figures(held, did)
    assert found["dropped"] == {"starting": 2, "afterwards": 1}
    assert found["placeholders_after_start"] == 1
    assert found["held"]["threads"] == {"settled": 5, "end": 5, "most": 6}
    assert found["held"]["megabytes"] == {"settled": 120.0, "end": 120.0, "most": 120.0}
    assert found["per_hour"]["memory_mb"]["per_hour"] == pytest.approx(0)
    assert found["per_hour"]["latency_p95_ms"]["per_hour"] == pytest.approx(0)


@linux_only
def test_a_short_run_is_watched_to_its_end() -> None:
    options = ("--camera", "demo", "--output", "null", "--size", "320x180", "--fps", "10")
    report, held, did = soak.run(options, 3.0)
    assert held
    assert len(did) >= 2
    assert held[-1].seconds <= did[-1].seconds
    assert report["summary"]["frames_out"] > 0
    assert report["trace"]["held"][0] == ["seconds", "megabytes", "threads", "handles"]
    assert json.dumps(report)


@linux_only
def test_a_run_that_fails_says_why() -> None:
    with pytest.raises(ModelsError, match=r"failed \(\d\): .*no-such\.jpg"):
        soak.run(("--camera", "demo", "--output", "null", "--background", "no-such.jpg"), 3.0)


@linux_only
def test_a_run_that_ends_at_once_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    said = """print('{"event": "summary"}')"""
    monkeypatch.setattr(soak, "kept_to", lambda core, program: [sys.executable, "-c", said])
    with pytest.raises(ModelsError, match="ended before a second of it was seen; give it more"):
        soak.run((), 0.1)


@pytest.mark.parametrize("minutes", ["0", "0.01", "-1", "nan", "inf"])
def test_a_soak_takes_its_time(
    minutes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["soak", "--minutes", minutes, "--out", str(tmp_path)])
    monkeypatch.setattr(soak, "run", lambda *arguments: pytest.fail("it began"))
    with pytest.raises(ModelsError, match=r"--minutes is .*: it must be at least 1"):
        soak.main()


def test_readers_want_something_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["soak", "--readers", "3", "--out", str(tmp_path)])
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ModelsError, match="choose --output /dev/videoN"):
        soak.main()
