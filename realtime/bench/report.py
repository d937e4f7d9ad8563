"""Figures as text: a table of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from realtime.bench.figures import Metric
from realtime.holding import LOST, Held

_WHOLES = {"file": "into a file", "null": "to nowhere", "decoding": "decoding alone"}


def title(run: dict[str, Any]) -> str:
    """What was measured."""
    words = f"{run['model']}, {run['width']}×{run['height']}, {run['provider']}"
    count = run["threads"]
    return words if count is None else f"{words}, {count} thread{'' if count == 1 else 's'}"


def heading(run: dict[str, Any]) -> str:
    """What was measured, and with which networks live where those are others."""
    others = [
        f"live {rate} fps{beside(run, rate)}" for rate in live_models(run) if beside(run, rate)
    ]
    return ", ".join([title(run), *others])


def live_models(run: dict[str, Any]) -> dict[str, str]:
    """The network of each live run, by its rate."""
    # Missing in reports of earlier versions, which took the run's own.
    found: dict[str, str] = run.get("live_models", {})
    return found


def live_model(run: dict[str, Any], rate: str) -> str:
    """The network of the live run at a rate."""
    return live_models(run).get(rate) or str(run["model"])


def beside(run: dict[str, Any], rate: str) -> str:
    """Words for the network of a live run where it is another than the run's."""
    model = live_model(run, rate)
    return "" if model == run["model"] else f" with {model}"


def rate_of(figure: str) -> str | None:
    """The rate of the live run that a figure is of; None for the others."""
    words = figure.split()
    return words[1] if words[0] == "live" else None


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


def labelled(run: dict[str, Any], name: str, metric: Metric) -> str:
    """The name of a figure, with what it would not be taken for.

    That is the mean of a stage that has no more over its frames, and live another network.
    """
    rate = rate_of(name)
    if rate is not None:
        return name + beside(run, rate)
    mean = name.startswith("stage ") and metric.p95 is None
    return f"{name}, mean" if mean else name


def lasting(machine: dict[str, Any]) -> dict[str, Any]:
    """What of a machine does not differ from one moment to the next."""
    return {key: value for key, value in machine.items() if key != "load"}


def held_of(report: dict[str, Any]) -> tuple[Held, ...]:
    """What a report says about live runs, those with forced thread counts left out.

    Held is what every round holds: a median would hide one that lost half of its frames.
    """
    found = []
    for run in report["runs"]:
        if run["threads"] is not None:
            continue
        metrics = metrics_of(run)
        for rate in report["plan"]["rates"]:
            name = f"live {rate:g}"
            dropped = max(metrics[f"{name} dropped"].rounds)
            # Missing where in some round nothing arrived.
            tails = metrics.get(f"{name} latency p95")
            tail = None if tails is None else max(tails.rounds) / 1e3
            found.append(
                Held(
                    width=run["width"],
                    height=run["height"],
                    fps=rate,
                    model=live_model(run, f"{rate:g}"),
                    provider=run["provider"],
                    holds=dropped <= LOST and tail is not None and tail <= 2 / rate,
                    share=metrics[f"{name} share"].median,
                    latency=tail,
                    dropped=dropped,
                )
            )
    return tuple(found)


def text(report: dict[str, Any]) -> str:
    """Everything, to be read in a terminal."""
    lines = [f"Measured on {machine_line(report['machine'])}."]
    for run in report["runs"]:
        lines += ["", heading(run), *_run_lines(run)]
    lines += ["", *(f"{entry}." for entry in held_of(report))]
    lines += [f"{line}." for line in rests(report)]
    lines += [f"Skipped {reason}" for reason in report["skipped"]]
    return "\n".join(lines)


def _run_lines(run: dict[str, Any]) -> Iterator[str]:
    metrics = metrics_of(run)
    yield f"  {'stage':<14}{'ms':>8}{'p95':>8}{'× copy':>8}{'cpu ms':>8}{'spread':>8}"
    copy = metrics["stage copy"].median
    for name, metric in metrics.items():
        if not name.startswith("stage "):
            continue
        stage = name.removeprefix("stage ")
        cpu = metrics[f"cpu of {stage}"].median
        p95 = "" if metric.p95 is None else f"{metric.p95:.2f}"
        words = labelled(run, name, metric).removeprefix("stage ")
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
    for rate in live_models(run):
        yield f"  live {rate} fps{beside(run, rate)}: {_live_words(metrics, f'live {rate}')}"
    memory, first = metrics.get("memory"), metrics["first frame"]
    size = "" if memory is None else f"{memory.median:.0f} MB at most; "
    yield f"  {size}first frame after {first.median:.2f} s"


def _live_words(metrics: dict[str, Metric], live: str) -> str:
    middle, tail = metrics.get(f"{live} latency"), metrics.get(f"{live} latency p95")
    latency = (
        f"{middle.median:.1f} ms from camera to output, 95 % within {tail.median:.1f}"
        if middle is not None and tail is not None
        else "nothing arrived"
    )
    dropped, share = metrics[f"{live} dropped"], metrics[f"{live} share"]
    lost, most = f"{dropped.median:.1%}", f"{max(dropped.rounds):.1%}"
    worst = "" if most == lost else f" ({most} in the worst round)"
    return f"{latency}, {lost} dropped{worst}, {share.median:.0%} of the cores"


def metrics_of(run: dict[str, Any]) -> dict[str, Metric]:
    """A run's figures by name."""
    return {name: Metric.from_dict(plain) for name, plain in run["metrics"].items()}
