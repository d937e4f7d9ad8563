"""How cost grows: with the size of the pictures, with outputs, with streams, and with time.

`python -m benchmarks.growth` runs files and cameras of the embedded demo on this machine, some six
minutes on two cores, writes `benchmarks/results/growth.json`, and draws `growth.png` beside it.
`python -m benchmarks.report` then says in the README what came of it. Loads take turns, round after
round, so that whatever else the machine does hits all alike; figures are medians of the rounds.
`--quick --out FOLDER` shows in a minute that it works; such a report is not for the README.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchmarks.loads import Load, measured
from benchmarks.reporting import (
    kept,
    places,
    pyplot,
    run_command,
    sources,
    write_report,
)
from models import command
from models.errors import ModelsError
from realtime.bench.figures import Better, Metric
from realtime.bench.material import write_demo
from realtime.bench.report import machine_line
from realtime.cores import keep_numpy_to_its_caller
from realtime.holding import LOST
from realtime.inference.matting import Matting
from realtime.machine import machine
from realtime.progress import complain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS = Path(__file__).parent / "results"

# What more streams have to bring at least if throughput is still to be called growing; where rounds
# are farther apart, half of that.
_NOISE = 0.05

_METRICS: dict[str, tuple[str, Better]] = {
    "fps": ("fps", "higher"),
    "cpu_ms": ("ms", "lower"),
    "peak_mb": ("MB", "lower"),
    "latency_median_ms": ("ms", "lower"),
    "latency_p95_ms": ("ms", "lower"),
    "dropped": ("of the frames", "lower"),
    "dropped_in_files": ("of the frames", "lower"),
}

Measure = Callable[[Load, str, str], dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        sizes: (width, height, seconds of a clip): the larger, the shorter, for all to take a few
            seconds.
        outputs: how many of a live run.
        streams: how many at once.
        lengths: of a clip, in seconds.
        stream_size: (width, height) of live runs with several outputs, and of streams at once.
        length_size: likewise, of clips of several lengths.
        live_seconds: that count of a live run.
        fps: of a camera, in Hz.
        rounds: of everything.
    """

    sizes: tuple[tuple[int, int, float], ...] = (
        (640, 360, 5.0),
        (960, 540, 5.0),
        (1280, 720, 4.0),
        (1920, 1080, 3.0),
        (2560, 1440, 2.0),
        (3840, 2160, 1.5),
    )
    outputs: tuple[int, ...] = (1, 2, 3)
    streams: tuple[int, ...] = (1, 2, 4)
    lengths: tuple[float, ...] = (5.0, 20.0, 80.0)
    stream_size: tuple[int, int] = (1280, 720)
    length_size: tuple[int, int] = (640, 360)
    live_seconds: float = 2.0
    fps: float = 30.0
    rounds: int = 3

    def panels(self) -> dict[str, list[Load]]:
        """The loads of each panel. Some are in several of them, and measured once."""
        seconds = {(width, height): seconds for width, height, seconds in self.sizes}
        stream_seconds = seconds.get(self.stream_size, self.live_seconds)

        def live(size: tuple[int, int], **count: int) -> Load:
            return Load("live", *size, self.live_seconds, self.fps, **count)

        def streams(name: str) -> list[Load]:
            counts = [{name: count} for count in self.streams]
            size = self.stream_size
            return [
                *(Load("null", *size, stream_seconds, self.fps, **count) for count in counts),
                *(live(size, **count) for count in counts),
            ]

        kinds: tuple[Literal["null", "h264"], ...] = ("null", "h264")
        return {
            "resolution": [
                *(Load(kind, *size, seconds[size], self.fps) for kind in kinds for size in seconds),
                *(live(size) for size in seconds),
            ],
            "outputs": [live(self.stream_size, outputs=count) for count in self.outputs],
            "streams": streams("streams"),
            "processes": streams("processes"),
            "length": [
                Load("h264", *self.length_size, length, self.fps) for length in self.lengths
            ],
        }


# For tests: everything once, as small and short as it can be.
QUICK = Plan(
    sizes=((320, 180, 0.4), (640, 360, 0.4)),
    outputs=(1, 2),
    streams=(1, 2),
    lengths=(0.4, 1.6),
    stream_size=(320, 180),
    length_size=(320, 180),
    live_seconds=0.4,
    rounds=1,
)


def run(
    plan: Plan, model: str, say: Callable[[str], None], measure: Measure = measured
) -> dict[str, Any]:
    """Measures every load of a plan in turn, round after round.

    Args:
        plan: what.
        model: name of the network.
        say: is told in one line what is going on.
        measure: runs one load once.

    Returns:
        The report, ready for JSON: "machine", "model", "rounds", and in "panels" a list of points
        by panel, each with the fields of its `Load` and its "metrics" (see `figures.Metric`).

    Raises:
        RealtimeError: a load cannot run.
    """
    where, panels = machine(), plan.panels()
    loads = list(dict.fromkeys(load for panel in panels.values() for load in panel))
    rounds: dict[Load, list[dict[str, float | None]]] = {load: [] for load in loads}
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        clips = _clips(loads, Path(folder), say)
        for number in range(plan.rounds):
            for load in loads:
                say(f"round {number + 1} of {plan.rounds}: {load}")
                clip = str(clips[load.width, load.height])
                rounds[load].append(measure(load, clip, model))
    points = {load: asdict(load) | {"metrics": _metrics(rounds[load])} for load in loads}
    return {
        "machine": where,
        "model": model,
        "rounds": plan.rounds,
        "panels": {name: [points[load] for load in panel] for name, panel in panels.items()},
    }


def _clips(
    loads: Sequence[Load], folder: Path, say: Callable[[str], None]
) -> dict[tuple[int, int], Path]:
    """The demo at each size, as long as the longest load of it."""
    seconds: dict[tuple[int, int], float] = {}
    for load in loads:
        if load.kind != "live":
            size = load.width, load.height
            seconds[size] = max(load.seconds, seconds.get(size, 0.0))
    clips = {}
    for (width, height), length in seconds.items():
        say(f"encoding {length:g} s of the demo at {width}×{height}")
        clips[width, height] = folder / f"{width}x{height}.mp4"
        write_demo(clips[width, height], width, height, length)
    return clips


def _metrics(rounds: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    found = {}
    for name in rounds[0]:
        values = tuple(value for one in rounds if (value := one[name]) is not None)
        # What is not known of every round, such as a latency where nothing arrived, is not known.
        if len(values) == len(rounds):
            found[name] = Metric(*_METRICS[name], values).as_dict()
    return found


class Curve:
    """One kind of points of a panel, in their order, and the medians of their figures."""

    def __init__(self, points: Sequence[dict[str, Any]]) -> None:
        self.points = points

    @classmethod
    def of(cls, report: dict[str, Any], panel: str, kind: str) -> Curve:
        return cls([point for point in report["panels"][panel] if point["kind"] == kind])

    def at(self, field: str) -> list[Any]:
        """A field of the loads, such as "height"."""
        return [point[field] for point in self.points]

    def values(self, metric: str) -> list[float]:
        """Medians; NaN where it was not measured."""
        return [_figure(point, metric, "median") for point in self.points]

    def errors(self, metric: str) -> tuple[list[float], list[float]]:
        """How far the lowest round lies below the median, and the highest above it."""
        rounds = [_rounds(point, metric) for point in self.points]
        medians = self.values(metric)
        below = [middle - min(of) for middle, of in zip(medians, rounds, strict=True)]
        above = [max(of) - middle for middle, of in zip(medians, rounds, strict=True)]
        return below, above


def _figure(point: dict[str, Any], metric: str, kind: str) -> float:
    found = point["metrics"].get(metric)
    return math.nan if found is None else float(found[kind])


def _rounds(point: dict[str, Any], metric: str) -> Sequence[float]:
    """At least one; NaN where it was not measured."""
    found = point["metrics"].get(metric)
    return (math.nan,) if found is None else tuple(found["rounds"])


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The k of the power law y ~ x^k that fits best."""
    slope: float = np.polyfit(np.log(xs), np.log(ys), 1)[0]
    return float(slope)


def parts(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """The a and b of y = a + b·x that fit best, relative to each y; neither is below 0."""
    weights = 1 / np.asarray(ys)
    b, a = np.polyfit(xs, ys, 1, w=weights)
    if a < 0:
        return 0.0, float(np.average(np.asarray(ys) / xs))
    return (float(np.average(ys)), 0.0) if b < 0 else (float(a), float(b))


def no_longer_grows(
    counts: Sequence[int], values: Sequence[float], noise: float = _NOISE
) -> int | None:
    """The first count from which on no larger one brings more than noise; None for none."""
    for index, count in enumerate(counts[:-1]):
        if max(values[index + 1 :]) <= values[index] * (1 + noise):
            return count
    return None


def first_that_fails(points: Sequence[dict[str, Any]]) -> int | None:
    """Index of the first live run that loses frames, or has them arrive later than two frames."""
    for index, point in enumerate(points):
        lost = max(
            _figure(point, name, "median")
            for name in ("dropped", "dropped_in_files")
            if name in point["metrics"]
        )
        # Written so that NaN fails too: nothing arrived.
        if lost > LOST or not _figure(point, "latency_p95_ms", "median") <= 2e3 / point["fps"]:
            return index
    return None


def sentences(report: dict[str, Any]) -> list[str]:
    """What the four panels say, one sentence each."""
    return [_on_size(report), _on_outputs(report), _on_streams(report), _on_length(report)]


def _on_size(report: dict[str, Any]) -> str:
    said = []
    for kind, where in (("null", "to nowhere"), ("h264", "into H.264")):
        curve = Curve.of(report, "resolution", kind)
        names = [_size(point) for point in curve.points]
        megapixels = [point["width"] * point["height"] / 1e6 for point in curve.points]
        fps = curve.values("fps")
        milliseconds = [1e3 / rate for rate in fps]
        fixed, each = parts(megapixels, milliseconds)
        larger = (n for n, m in zip(names, megapixels, strict=True) if each * m > fixed)
        first = next(larger, None)
        said.append(
            f"{where} {fps[0]:.0f} → {fps[-1]:.0f} fps, the time of a frame growing as its pixels "
            f"to the power of {exponent(megapixels, milliseconds):.2f}: {fixed:.1f} ms at any "
            f"size, and {each:.1f} ms a megapixel, which "
            f"{'never weighs more' if first is None else f'weighs more from {first} on'}"
        )
    live = Curve.of(report, "resolution", "live").points
    return (
        f"**Size of the pictures**, {names[0]} to {names[-1]}: {'; '.join(said)}. "
        f"Live at {live[0]['fps']:g} fps, {_held(live, names)}."
    )


def _on_outputs(report: dict[str, Any]) -> str:
    live = Curve.of(report, "outputs", "live")
    counts, cpu = live.at("outputs"), live.values("cpu_ms")
    more = (cpu[-1] - cpu[0]) / (counts[-1] - counts[0])
    return (
        f"**Outputs** of a live {_size(live.points[0])} run at {live.points[0]['fps']:g} fps: "
        f"{cpu[0]:.1f} ms of processor time a frame with one, into memory, and {more:.1f} ms more "
        f"for each H.264 file beside it; {_held(live.points, list(map(str, counts)))}."
    )


def _on_streams(report: dict[str, Any]) -> str:
    said = []
    for panel, where in (("streams", "in one process"), ("processes", "in a process each")):
        files, live = Curve.of(report, panel, "null"), Curve.of(report, panel, "live")
        counts, fps = files.at(panel), files.values("fps")
        noise = max(_NOISE, *(_figure(point, "fps", "spread") / 2 for point in files.points))
        stop = no_longer_grows(counts, fps, noise)
        grows = f"up to {counts[-1]}" if stop is None else f"not beyond {stop}"
        held = _held(live.points, list(map(str, counts)))
        said.append(
            f"{where} {' → '.join(f'{rate:.0f}' for rate in fps)} fps altogether to nowhere, which "
            f"grows {grows}, and live at {live.points[0]['fps']:g} fps {held}"
        )
    first = Curve.of(report, "streams", "null")
    counted = ", ".join(map(str, first.at("streams")))
    return f"**Streams** of {_size(first.points[0])} at once, {counted}: {'; '.join(said)}."


def _on_length(report: dict[str, Any]) -> str:
    files = Curve.of(report, "length", "h264")
    seconds, fps, peaks = files.at("seconds"), files.values("fps"), files.values("peak_mb")
    return (
        f"**Length** of a {_size(files.points[0])} clip into H.264, "
        f"{', '.join(f'{s:g}' for s in seconds)} s: {' → '.join(f'{rate:.0f}' for rate in fps)} "
        f"fps, and {' → '.join(f'{peak:.0f}' for peak in peaks)} MB of memory at the most, "
        f"{peaks[-1] / peaks[0]:.2f} × for {seconds[-1] / seconds[0]:g} × the length."
    )


def _held(points: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """Up to where a live run is whole, and how it fails then."""
    failing = first_that_fails(points)
    if failing is None:
        return f"nothing is lost up to {names[-1]} ({_lateness(points[-1])})"
    bad = points[failing]
    lost, in_files = _figure(bad, "dropped", "median"), _figure(bad, "dropped_in_files", "median")
    files = f", {in_files:.1%} in files" if in_files > LOST else ""
    fails = f"{names[failing]} is too much: {lost:.1%} lost{files} ({_lateness(bad)})"
    if max(lost, in_files) <= LOST:
        fails = f"{names[failing]} comes too late ({_lateness(bad)})"
    if failing == 0:
        return fails
    good = points[failing - 1]
    return f"nothing is lost up to {names[failing - 1]} ({_lateness(good)}), {fails}"


def _lateness(point: dict[str, Any]) -> str:
    late = _figure(point, "latency_p95_ms", "median")
    return "no frame arrived" if math.isnan(late) else f"95 % within {late:.0f} ms"


def _size(point: dict[str, Any]) -> str:
    height: int = point["height"]
    return "4K" if height == 2160 else f"{height}p"


def block(report: dict[str, Any]) -> str:
    """The README's, as Markdown."""
    return "\n".join(
        [
            "![Rate, processor time, latency and memory](benchmarks/results/growth.png)",
            "",
            *(f"- {sentence}" for sentence in sentences(report)),
            "",
            f"With `{report['model']}`, medians of {report['rounds']} rounds. "
            f"Measured on {machine_line(report['machine'])}, {sources(report)}.",
        ]
    )


def draw(report: dict[str, Any], out: Path) -> None:
    """The four panels as a PNG; bars span the rounds.

    Raises:
        ModelsError: matplotlib is missing.
    """
    plt = pyplot()
    figure, axes = plt.subplots(2, 2, figsize=(12, 8.5), dpi=110)
    for axis, panel in zip(
        axes.flat, (_draw_size, _draw_outputs, _draw_streams, _draw_length), strict=True
    ):
        panel(axis, report)
    figure.suptitle(f"How cost grows: {report['model']} on {report['machine']['cpu']}", fontsize=10)
    figure.tight_layout()
    figure.savefig(out)
    plt.close(figure)


def _draw_size(axis: Axes, report: dict[str, Any]) -> None:
    from matplotlib.ticker import LogLocator, ScalarFormatter

    for kind, label in (("null", "file to nowhere"), ("h264", "file into H.264")):
        curve = Curve.of(report, "resolution", kind)
        pixels = [point["width"] * point["height"] for point in curve.points]
        _line(axis, pixels, curve, "fps", f"{label}, fps")
    live = Curve.of(report, "resolution", "live")
    _line(axis, pixels, live, "latency_p95_ms", "live latency p95, ms", style=":")
    for x, y, lost in zip(
        pixels, live.values("latency_p95_ms"), live.values("dropped"), strict=True
    ):
        if lost > LOST and not math.isnan(y):
            axis.annotate(f"{lost:.0%} lost", (x, y), fontsize=7, ha="center", va="bottom")
    axis.set(xscale="log", yscale="log", title="size of the pictures")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(ScalarFormatter())
    axis.set_xticks(pixels, [_size(point) for point in live.points])
    axis.minorticks_off()
    axis.legend(fontsize=8)


def _draw_outputs(axis: Axes, report: dict[str, Any]) -> None:
    live = Curve.of(report, "outputs", "live")
    counts = live.at("outputs")
    for metric, label in (
        ("cpu_ms", "processor time a frame, ms"),
        ("latency_median_ms", "latency p50, ms"),
        ("latency_p95_ms", "latency p95, ms"),
    ):
        _line(axis, counts, live, metric, label)
    axis.set(title="outputs of a live run: memory, and H.264 files beside it", ylim=(0, None))
    axis.set_xticks(counts)
    axis.legend(fontsize=8)


def _draw_streams(axis: Axes, report: dict[str, Any]) -> None:
    beside = axis.twinx()
    for panel, label, style in (
        ("streams", "one process", "-"),
        ("processes", "a process each", "--"),
    ):
        files, live = Curve.of(report, panel, "null"), Curve.of(report, panel, "live")
        counts = files.at(panel)
        _line(axis, counts, files, "fps", f"to nowhere, {label}", style=style)
        _line(beside, counts, live, "latency_p95_ms", f"live, {label}", style=style, color="gray")
    axis.set(title="streams at once", ylabel="fps, altogether", ylim=(0, None))
    beside.set(ylabel="live latency p95, ms (gray)", ylim=(0, None))
    axis.set_xticks(counts)
    # Between the rates above and the latency below.
    axis.legend(fontsize=8, loc="center left")


def _draw_length(axis: Axes, report: dict[str, Any]) -> None:
    files = Curve.of(report, "length", "h264")
    seconds = files.at("seconds")
    _line(axis, seconds, files, "fps", "fps")
    _line(axis, seconds, files, "peak_mb", "peak memory, MB")
    axis.set(title="seconds of a clip", xscale="log", ylim=(0, None))
    axis.set_xticks(seconds, [f"{s:g}" for s in seconds])
    axis.minorticks_off()
    axis.legend(fontsize=8)


def _line(
    axis: Axes,
    xs: Sequence[float],
    curve: Curve,
    metric: str,
    label: str,
    *,
    style: str = "-",
    color: str | None = None,
) -> None:
    axis.errorbar(
        xs,
        curve.values(metric),
        yerr=curve.errors(metric),
        label=label,
        linestyle=style,
        color=color,
        marker=".",
        capsize=2,
    )


def main() -> int:
    parser = command.parser("benchmarks.growth", __doc__)
    parser.add_argument("--model", default="default", help="(%(default)s)")
    parser.add_argument("--quick", action="store_true", help="to see it work; figures mean nothing")
    parser.add_argument("--out", type=Path, help=f"folder ({RESULTS}; none with --quick)")
    arguments = parser.parse_args()
    if arguments.quick and arguments.out is None:
        raise ModelsError(
            "--quick: its figures are not to take the place of measured ones; add --out FOLDER"
        )
    path, picture = places(arguments.out or RESULTS, "growth")
    plan = QUICK if arguments.quick else Plan()
    # As the command line does; for every process that is measured.
    keep_numpy_to_its_caller()
    # What "default" stands for now, it stands for in every process.
    with Matting(arguments.model, frame_rate=plan.fps) as matting:
        model = matting.model
    mark = {"quick": True} if arguments.quick else {}
    report = write_report(path, mark | run(plan, model, complain))
    with kept(path):
        draw(report, picture)
    print(block(report))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
