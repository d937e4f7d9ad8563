"""Figures as text: a table of a report, and a comparison of two."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from realtime.bench.figures import Metric, compare
from realtime.holding import LOST, Held

_WHOLES = {"file": "into a file", "null": "to nowhere", "decoding": "decoding alone"}


def title(run: dict[str, Any]) -> str:
    """What was measured."""
    words = f"{run['model']}, {run['width']}×{run['height']}, {run['provider']}"
    count = run["threads"]
    return words if count is None else f"{words}, {count} thread{'' if count == 1 else 's'}"


def machine_line(machine: dict[str, Any]) -> str:
    """Where it was measured."""
    return ", ".join(f"{key} {value}" for key, value in machine.items())


def rests(report: dict[str, Any]) -> Iterator[str]:
    """What to know of a video that stands still at times; nothing where it never does."""
    # Missing in reports of earlier versions.
    share = report.get("repeated")
    if share:
        yield (
            f"{share:.1%} of the video's pictures are the one before once more: there a network "
            "without a memory rests, and the runs into a file and to nowhere are of less work"
        )


def labelled(name: str, metric: Metric) -> str:
    """The name of a figure; of a stage that only has a mean over its frames, with that."""
    mean = name.startswith("stage ") and metric.p95 is None
    return f"{name}, mean" if mean else name


def lasting(machine: dict[str, Any]) -> dict[str, Any]:
    """What of a machine does not differ from one moment to the next."""
    return {key: value for key, value in machine.items() if key != "load"}


def held_of(report: dict[str, Any]) -> tuple[Held, ...]:
    """What a report says about live runs, those with forced thread counts left out."""
    found = []
    for run in report["runs"]:
        if run["threads"] is not None:
            continue
        for rate in report["plan"]["rates"]:
            metrics = {name: metric["median"] for name, metric in run["metrics"].items()}
            name = f"live {rate:g}"
            dropped = metrics[f"{name} dropped"]
            # Missing where in some round nothing arrived.
            tail = metrics.get(f"{name} latency p95")
            found.append(
                Held(
                    width=run["width"],
                    height=run["height"],
                    fps=rate,
                    model=run["live_models"][f"{rate:g}"],
                    provider=run["provider"],
                    holds=dropped <= LOST and tail is not None and tail / 1e3 <= 2 / rate,
                    share=metrics[f"{name} share"],
                    latency=None if tail is None else tail / 1e3,
                    dropped=dropped,
                )
            )
    return tuple(found)


def text(report: dict[str, Any]) -> str:
    """Everything, to be read in a terminal."""
    lines = [f"Measured on {machine_line(report['machine'])}."]
    for run in report["runs"]:
        lines += ["", title(run), *_run_lines(_metrics(run))]
    lines += ["", *(f"{entry}." for entry in held_of(report))]
    lines += [f"{line}." for line in rests(report)]
    lines += [f"Skipped {reason}" for reason in report["skipped"]]
    return "\n".join(lines)


def _run_lines(metrics: dict[str, Metric]) -> Iterator[str]:
    yield f"  {'stage':<14}{'ms':>8}{'p95':>8}{'× copy':>8}{'cpu ms':>8}{'spread':>8}"
    copy = metrics["stage copy"].median
    for name, metric in metrics.items():
        if not name.startswith("stage "):
            continue
        stage = name.removeprefix("stage ")
        cpu = metrics[f"cpu of {stage}"].median
        p95 = "" if metric.p95 is None else f"{metric.p95:.2f}"
        words = labelled(name, metric).removeprefix("stage ")
        yield (
            f"  {words:<14}{metric.median:8.2f}{p95:>8}{metric.median / copy:8.1f}"
            f"{cpu:8.2f}{metric.spread:8.0%}"
        )
    for kind, words in _WHOLES.items():
        whole = metrics[f"whole {kind}"]
        cpu = metrics[f"cpu of whole {kind}"].median
        yield (
            f"  {words}: {whole.median:.1f} fps, spread {whole.spread:.0%}; "
            f"{cpu:.1f} ms of processor a frame"
        )
    for name, share in metrics.items():
        if not name.endswith(" share"):
            continue
        live = name.removesuffix(" share")
        middle, tail = metrics.get(f"{live} latency"), metrics.get(f"{live} latency p95")
        latency = (
            f"{middle.median:.1f} ms from camera to output, 95 % within {tail.median:.1f}"
            if middle is not None and tail is not None
            else "nothing arrived"
        )
        dropped = metrics[f"{live} dropped"].median
        yield f"  {live} fps: {latency}, {dropped:.1%} dropped, {share.median:.0%} of the cores"
    memory, first = metrics.get("memory"), metrics["first frame"]
    size = "" if memory is None else f"{memory.median:.0f} MB at most; "
    yield f"  {size}first frame after {first.median:.2f} s"


def comparison(old: dict[str, Any], new: dict[str, Any]) -> str:
    """How the figures of one report differ from those of an earlier one.

    Configurations that only one of them has are named.
    """
    before = {title(run): _metrics(run) for run in old["runs"]}
    after = {title(run): _metrics(run) for run in new["runs"]}
    lines = []
    conditions = [lasting(report["machine"]) | report["plan"] for report in (old, new)]
    changed = [
        f"{what} {' → '.join(_words(condition.get(what)) for condition in conditions)}"
        for what in dict.fromkeys([*conditions[0], *conditions[1]])
        if conditions[0].get(what) != conditions[1].get(what)
    ]
    if changed:
        lines.append(f"Not the program alone differs: {', '.join(changed)}.")
    for name, metrics in after.items():
        if name not in before:
            lines.append(f"{name}: only in the new report")
            continue
        lines += [name, *_comparison_lines(before[name], metrics)]
    lines += [f"{name}: only in the old report" for name in before if name not in after]
    return "\n".join(lines)


def _words(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(map(_words, value)) if isinstance(value, list) else f"{value}"


def _comparison_lines(old: dict[str, Metric], new: dict[str, Metric]) -> Iterator[str]:
    yield f"  {'':<22}{'old':>9}{'new':>9}{'ratio':>8}{'noise':>7}"
    for name, metric in new.items():
        if name not in old:
            continue
        change = compare(old[name], metric)
        # Both are nothing where it is not a number.
        ratio = 1.0 if math.isnan(change.ratio) else change.ratio
        yield (
            f"  {name:<22}{old[name].median:9.3g}{metric.median:9.3g}{ratio:8.2f}"
            f"{change.noise:7.0%}  {change.verdict}"
        )


def _metrics(run: dict[str, Any]) -> dict[str, Metric]:
    return {name: Metric.from_dict(plain) for name, plain in run["metrics"].items()}
