"""Runs every configuration in turn, round after round, and puts the figures together."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from realtime.bench.case import Case
from realtime.bench.child import FIRST
from realtime.bench.earlier import KIND
from realtime.bench.figures import Better, Metric
from realtime.bench.material import check_size, read_frames, repeated, write_demo
from realtime.bench.process import Process
from realtime.bench.report import heading
from realtime.errors import RealtimeError, SourceError
from realtime.frame import VideoFormat
from realtime.inference.session import Device
from realtime.machine import machine

# A configuration that needs so much longer than its measurements should take hangs; in seconds.
_PATIENCE = 300.0
_PATIENCE_FACTOR = 40.0

Child = Callable[[str, Case], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        input: a video; None for the embedded demo.
        sizes: (width, height) of the demo; a video is measured at its own.
        models: as `Matting` takes them.
        devices: likewise.
        threads: of the network; None for the program's own choice.
        seconds: how long each measurement takes, about.
        repeats: rounds.
        rates: of live runs, in Hz.
    """

    input: str | None = None
    sizes: tuple[tuple[int, int], ...] = ((1280, 720), (1920, 1080))
    models: tuple[str, ...] = ("default",)
    devices: tuple[Device, ...] = ("auto",)
    threads: tuple[int | None, ...] = (None,)
    seconds: float = 3.0
    repeats: int = 5
    rates: tuple[float, ...] = (30.0,)


def run(
    plan: Plan, report: Callable[[str], None] = lambda line: None, child: Child | None = None
) -> dict[str, Any]:
    """Measures everything in a plan.

    Args:
        plan: what.
        report: is told in one line what is going on.
        child: measures once; by default in a process of its own.

    Returns:
        The report, ready for JSON: "machine", "plan", "runs" with their "metrics" (see
        `figures.Metric`), "skipped" with a sentence for each configuration that cannot run, and
        "repeated", the share of the clip's pictures that are the one before once more: there the
        network rests, as in any run, so that the "whole" figures are of less work.

    Raises:
        RealtimeError: none of the configurations can run, or live runs cannot have the video.
    """
    measure = child or _in_a_process
    with tempfile.TemporaryDirectory(prefix="realtime-bench-") as folder:
        where = machine()
        cases = _cases(plan, _clips(plan, Path(folder), report))
        again = 0.0  # as of the demo, which never stands still
        if plan.input is not None:
            report("looking for pictures that come again")
            again = repeated(plan.input, plan.seconds)
        rounds: dict[Case, list[dict[str, Any]]] = {case: [] for case in cases}
        skipped: list[str] = []
        failures: list[RealtimeError] = []
        for number in range(plan.repeats):
            for case in list(rounds):
                report(f"round {number + 1} of {plan.repeats}: {_title(case)}")
                try:
                    # What "default" stood for in the first round, it stands for in all.
                    asked = _as_before(case, rounds[case][0]) if rounds[case] else case
                    result = measure("measure", asked)
                    result["first"] = measure(FIRST, case)["seconds"]
                except RealtimeError as error:
                    failures.append(error)
                    skipped.append(f"{_title(case)}: {error}")
                    del rounds[case]
                    continue
                rounds[case].append(result)
    if not rounds:
        raise failures[0]
    return {
        "kind": KIND,
        "machine": where,
        "plan": {
            "input": "demo" if plan.input is None else Path(plan.input).name,
            "seconds": plan.seconds,
            "repeats": plan.repeats,
            "rates": list(plan.rates),
        },
        "runs": list(_distinct(rounds, skipped)),
        "skipped": skipped,
        "repeated": again,
    }


def _distinct(
    rounds: Mapping[Case, Sequence[dict[str, Any]]], skipped: list[str]
) -> Iterator[dict[str, Any]]:
    """What came of each configuration; of those that turned out to be the same, the first."""
    seen = set()
    for case, results in rounds.items():
        found = _run(case, results)
        name = heading(found)
        if name in seen:
            skipped.append(f"{_title(case)}: turned out to be {name} once more")
            continue
        seen.add(name)
        yield found


def _clips(plan: Plan, folder: Path, report: Callable[[str], None]) -> list[str]:
    if plan.input is not None:
        # Said now, in one line, rather than by every child.
        video, frames = read_frames(plan.input, 2)
        if len(frames) < 2:
            raise SourceError(f"{plan.input}: has one picture only; choose a longer video")
        if plan.rates:
            _check_size(plan.input, video)
        return [plan.input]
    clips = []
    for width, height in plan.sizes:
        report(f"encoding {plan.seconds:g} s of the demo at {width}×{height}")
        path = folder / f"demo_{width}x{height}.mp4"
        write_demo(path, width, height, plan.seconds)
        clips.append(str(path))
    return clips


def _check_size(name: str, video: VideoFormat) -> None:
    try:
        check_size(video.width, video.height)
    except SourceError as error:
        raise SourceError(f"{name}: {error}") from None


def _cases(plan: Plan, clips: Sequence[str]) -> list[Case]:
    return [
        Case(clip, model, device, threads, plan.seconds, plan.rates)
        for clip in clips
        for model in plan.models
        for device in plan.devices
        for threads in plan.threads
    ]


def _as_before(case: Case, result: dict[str, Any]) -> Case:
    """A case with the networks of an earlier round."""
    live_models = tuple(live["model"] for live in result["live"])
    return replace(case, model=result["model"], live_models=live_models)


def _title(case: Case) -> str:
    threads = "" if case.threads is None else f", threads {case.threads}"
    return f"{Path(case.clip).stem}, {case.model}, {case.device}{threads}"


def _in_a_process(task: str, case: Case) -> dict[str, Any]:
    """Runs `realtime.bench.child`.

    Raises:
        RealtimeError: what it says, or that it died or hangs.
    """
    begin = time.perf_counter()
    # -P: what lies in the user's folder, such as an av.py, is no part of the program.
    command = [sys.executable, "-P", "-m", "realtime.bench.child", task]
    command.append(json.dumps(case.as_dict()))
    patience = _PATIENCE + _PATIENCE_FACTOR * case.seconds
    with Process(command, patience, "measure fewer --seconds") as process:
        if task == FIRST and process.line() == FIRST:
            seconds = time.perf_counter() - begin
            process.wait()
            return {"seconds": seconds}
        return process.answer()


def _run(case: Case, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One configuration's figures over its rounds."""
    latest = results[-1]
    metrics: dict[str, Metric] = {}

    def add(name: str, unit: str, better: Better, *path: str | int) -> None:
        values = [_at(result, path) for result in results]
        if all(value is not None for value in values):
            metrics[name] = Metric(unit, better, tuple(values))

    for stage, figures in latest["stages"].items():
        # The mean is of the whole clip: what its frames were, one by one, nobody knows.
        middle = "mean_ms" if "mean_ms" in figures else "median_ms"
        add(f"stage {stage}", "ms", "lower", "stages", stage, middle)
        if "p95_ms" in figures:
            tails = Metric("ms", "lower", tuple(r["stages"][stage]["p95_ms"] for r in results))
            metrics[f"stage {stage}"] = replace(metrics[f"stage {stage}"], p95=tails.median)
        add(f"cpu of {stage}", "ms", "lower", "stages", stage, "cpu_ms")
    for kind in latest["whole"]:
        add(f"whole {kind}", "fps", "higher", "whole", kind, "fps")
        add(f"cpu of whole {kind}", "ms", "lower", "whole", kind, "cpu_ms")
    for number, live in enumerate(latest["live"]):
        name = f"live {live['fps']:g}"
        add(f"{name} latency", "ms", "lower", "live", number, "latency_median_ms")
        add(f"{name} latency p95", "ms", "lower", "live", number, "latency_p95_ms")
        add(f"{name} delivered", "frames/s", "higher", "live", number, "delivered_fps")
        add(f"{name} dropped", "of the frames", "lower", "live", number, "dropped")
        add(f"{name} share", "of the cores", "lower", "live", number, "share")
    add("memory", "MB", "lower", "memory_mb")
    add("first frame", "s", "lower", "first")
    return {
        "model": latest["model"],
        "provider": latest["provider"],
        "threads": case.threads,
        "width": latest["width"],
        "height": latest["height"],
        "live_models": {f"{live['fps']:g}": live["model"] for live in latest["live"]},
        "metrics": {name: metric.as_dict() for name, metric in metrics.items()},
        "latencies_ms": {
            f"{live['fps']:g}": [x for r in results for x in r["live"][number]["latencies_ms"]]
            for number, live in enumerate(latest["live"])
        },
    }


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        value = value[key]
    return value
