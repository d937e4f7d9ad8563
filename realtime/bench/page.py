"""A report as one HTML file with plots; drawn by hand as SVG, so that nothing has to be there."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from realtime.bench.figures import Metric, percentile
from realtime.bench.report import beside, heading, held_of, labelled, machine_line, rests, title

# What the pipeline does one after another, and a colour for each.
_STAGES = {
    "decode": "#4477aa",
    "preprocess": "#66ccee",
    "infer": "#228833",
    "smooth": "#ccbb44",
    "composite": "#ee6677",
    "encode": "#aa3377",
}

_WIDTH = 720
_LEFT, _RIGHT = 60, 20
_BINS = 40

_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;
color:#222;background:#fff}
table{border-collapse:collapse}td,th{padding:.1em .8em;text-align:right}
td:first-child,th:first-child{text-align:left}tr{border-bottom:1px solid #ddd}
svg{max-width:100%;height:auto}text{font:12px system-ui,sans-serif;fill:#222}
"""


def render(report: dict[str, Any]) -> str:
    """The page."""
    runs = report["runs"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width"><title>realtime bench</title>',
        f"<style>{_STYLE}</style><h1>How fast it is here</h1>",
        f"<p>{_text(machine_line(report['machine']))}.</p><ul>",
        *(f"<li>{_text(str(entry))}" for entry in held_of(report)),
        *(f"<li>{_text(line)}" for line in rests(report)),
        *(f"<li>Skipped {_text(reason)}" for reason in report["skipped"]),
        "</ul><h2>Time per frame by stage, each by itself</h2>",
        _stacked(runs),
        "<h2>Frames in a second by size</h2>",
        _by_size(runs),
        "<h2>From camera to output, live</h2>",
    ]
    for run in runs:
        for rate, latencies in run["latencies_ms"].items():
            words = f"{title(run)}, {rate} fps{beside(run, rate)}"
            parts.append(f"<h3>{_text(words)}</h3>{_histogram(latencies)}")
    parts.append("<h2>All figures</h2>")
    parts += [f"<h3>{_text(heading(run))}</h3>{_table(run)}" for run in runs]
    return "\n".join(parts) + "\n</html>\n"


def _text(text: str) -> str:
    return html.escape(text)


def _svg(height: float, *shapes: str) -> str:
    inside = "".join(shapes)
    return f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" role="img">{inside}</svg>'


def _label(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


def _box(x: float, y: float, width: float, height: float, fill: str, hint: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
        f'fill="{fill}"><title>{_text(hint)}</title></rect>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, color: str = "#999") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        'stroke-width="1"/>'
    )


def _median(run: dict[str, Any], name: str) -> float | None:
    metric = run["metrics"].get(name)
    return None if metric is None else float(metric["median"])


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to about `most`, which is above 0: some four to eight."""
    step = 10 ** math.floor(math.log10(most))
    for part in (0.2, 0.5, 1.0):
        if most / (step * part) <= 8:
            step *= part
            break
    return [step * number for number in range(math.floor(most / step + 1e-9) + 1)]


def _stacked(runs: Sequence[dict[str, Any]]) -> str:
    """A bar of stages for each run."""
    rows = [[(stage, _median(run, f"stage {stage}") or 0.0) for stage in _STAGES] for run in runs]
    most = max((sum(value for _, value in row) for row in rows), default=0.0) or 1.0
    scale = (_WIDTH - 2 * _RIGHT) / most
    shapes, x = [], float(_RIGHT)
    for stage, color in _STAGES.items():
        shapes += [_box(x, 6, 12, 12, color, stage), _label(x + 17, 16, stage)]
        x += 100
    for number, (run, row) in enumerate(zip(runs, rows, strict=True)):
        y, x = 44.0 + 52 * number, float(_RIGHT)
        total = sum(value for _, value in row)
        shapes.append(_label(x, y, f"{title(run)}: {total:.1f} ms"))
        for stage, value in row:
            hint = f"{stage} {value:.2f} ms"
            shapes.append(_box(x, y + 6, value * scale, 22, _STAGES[stage], hint))
            x += value * scale
    base = 44.0 + 52 * len(runs)
    for tick in ticks(most):
        x = _RIGHT + tick * scale
        shapes += [_line(x, 30, x, base - 14, "#ddd"), _label(x, base, f"{tick:g}", "middle")]
    return _svg(base + 20, *shapes, _label(_RIGHT, base + 16, "ms of a frame"))


def _by_size(runs: Sequence[dict[str, Any]]) -> str:
    """Throughput against the number of pixels: into a file, to nowhere, decoding alone."""
    height, top = 300.0, 16.0
    kinds = {"decoding": "#999999", "null": "#4477aa", "file": "#ee6677"}
    words = {"decoding": "decoding alone", "null": "to nowhere", "file": "into a file"}
    pixels = [run["width"] * run["height"] / 1e6 for run in runs]
    fps = {kind: [_median(run, f"whole {kind}") or 0.0 for run in runs] for kind in kinds}
    most_x, most_y = max(pixels) * 1.05, max(max(values) for values in fps.values()) * 1.05 or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + x / most_x * (_WIDTH - _LEFT - _RIGHT),
            height - y / most_y * (height - top),
        )

    shapes = []
    for tick in ticks(most_y):
        x, y = place(0, tick)
        shapes += [_line(x, y, _WIDTH - _RIGHT, y, "#ddd")]
        shapes += [_label(x - 6, y + 4, f"{tick:g}", "end")]
    for tick in ticks(most_x):
        x, y = place(tick, 0)
        shapes += [_line(x, y, x, y + 5), _label(x, y + 18, f"{tick:g}", "middle")]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, run in enumerate(runs):
        groups.setdefault((run["model"], run["provider"], run["threads"]), []).append(number)
    for kind, color in kinds.items():
        for numbers in groups.values():
            ordered = sorted(numbers, key=lambda number: pixels[number])
            points = [place(pixels[number], fps[kind][number]) for number in ordered]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            shapes.append(
                f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
            )
            for number, (x, y) in zip(ordered, points, strict=True):
                hint = f"{title(runs[number])}, {words[kind]}: {fps[kind][number]:.1f} fps"
                shapes.append(
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}">'
                    f"<title>{_text(hint)}</title></circle>"
                )
    for number, (kind, color) in enumerate(kinds.items()):
        x = _LEFT + 150.0 * number
        shapes += [_box(x, height + 44, 12, 12, color, kind)]
        shapes += [_label(x + 17, height + 54, words[kind])]
    shapes.append(_label(_WIDTH - _RIGHT, height + 36, "megapixels of a frame", "end"))
    return _svg(height + 64, *shapes)


def _histogram(latencies: Sequence[float]) -> str:
    """How often each latency came, up to a little over the 99th percentile."""
    if not latencies:
        return "<p>Nothing arrived.</p>"
    most = max(1.2 * percentile(latencies, 99), 1.0)
    counts = [0] * _BINS
    for latency in latencies:
        counts[min(_BINS - 1, int(latency / most * _BINS))] += 1
    height, scale = 120.0, (_WIDTH - 2 * _RIGHT) / most
    width = (_WIDTH - 2 * _RIGHT) / _BINS
    shapes = []
    for number, count in enumerate(counts):
        bar = count / max(counts) * (height - 20)
        low, high = (most * edge / _BINS for edge in (number, number + 1))
        hint = f"{low:.1f} to {high:.1f} ms: {count} frames"
        x = _RIGHT + number * width
        shapes.append(_box(x, height - bar, width - 1, bar, "#4477aa", hint))
    shapes += [
        _label(_RIGHT + tick * scale, height + 16, f"{tick:g}", "middle") for tick in ticks(most)
    ]
    for percent, name, y in ((50, "median", 12.0), (95, "95 %", 26.0)):
        value = percentile(latencies, percent)
        x = _RIGHT + value * scale
        shapes += [_line(x, 0, x, height, "#ee6677")]
        shapes += [_label(x + 4, y, f"{name} {value:.1f} ms")]
    return _svg(height + 36, *shapes, _label(_RIGHT, height + 32, "ms"))


def _table(run: dict[str, Any]) -> str:
    rows = ["<table><tr><th>figure<th>median<th>95 %<th>spread<th>unit"]
    for name, plain in run["metrics"].items():
        metric = Metric.from_dict(plain)
        tail = "" if metric.p95 is None else f"{metric.p95:.3g}"
        rows.append(
            f"<tr><td>{_text(labelled(run, name, metric))}<td>{metric.median:.4g}<td>{tail}"
            f"<td>{metric.spread:.0%}<td>{_text(metric.unit)}"
        )
    return "\n".join(rows) + "</table>"
