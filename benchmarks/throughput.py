"""What was to be reached beside what was measured.

`python -m benchmarks.throughput` prints the table; `python -m benchmarks.report` puts it into the
README. Every figure comes from one of four reports, and every ratio from within one of them, so
that it means the same on another machine:

    peers.json       python -m benchmarks.peers                 whole processes, on real clips
    compositor.json  python -m benchmarks.compositor            work on one frame, in one thread
    bench.json       realtime bench --fps 30,60 --json FILE     live runs, start-up
    gpu.json         python -m benchmarks.gpu                   CUDA beside the CPU

`python -m benchmarks.goals` makes the first three in one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.peers import DECODE, FLOOR, OURS, OURS_TO_NULL, ratio
from benchmarks.reporting import read_report, run_command
from models import command
from realtime.bench.report import lasting, machine_line

RESULTS = Path(__file__).parent / "results"

_NAMES = ("bench", "peers", "compositor", "gpu")

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure of the table.

    Attributes:
        relation: whether the goal is the least or the most.
        goal: in `unit`.
        what: completes the goal for the reader: "of what", and where.
        measured: likewise; None where it was not measured.
        unit: what stands behind the figures.
        note: what else the reader should know of the figure.
    """

    relation: Literal["≥", "≤"]
    goal: float
    unit: str
    what: str
    measured: float | None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """None where nobody knows."""
        if self.measured is None:
            return None
        return self.measured >= self.goal if self.relation == "≥" else self.measured <= self.goal

    def cells(self) -> tuple[str, str, str]:
        """Goal, figure, and whether it was reached, as Markdown."""
        reached = {True: "yes", False: "**no**", None: "not measured"}[self.reached]
        percent = self.unit == "%"
        scale = 100 if percent else 1
        goal = f"{self.relation} {scale * self.goal:g} {self.unit} {self.what}".strip()
        measured = ""
        if self.measured is not None:
            counted = isinstance(self.measured, int)
            digits = 0 if counted else 1 if percent else 2
            measured = f"{scale * self.measured:.{digits}f} {self.unit}"
            if self.note:
                measured += f" ({self.note})"
        return goal, measured, reached


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: work, and everything that is asked of it."""

    work: str
    goals: tuple[Goal, ...]

    def row(self) -> str:
        """As Markdown, one goal under the other."""
        columns = zip(*(goal.cells() for goal in self.goals), strict=True)
        return f"| {self.work} | {' | '.join('<br>'.join(cells) for cells in columns)} |"


def lines(bench: Report, peers: Report, compositor: Report, gpu: Report) -> tuple[Line, ...]:
    """The whole table, in its order."""
    kernels = compositor["sizes"].get("1920x1080", {"cases": {}})["cases"]

    memcpy = "memcpy of the frame's planes"

    def kernel(name: str, key: str) -> float | None:
        return float(kernels[name][key]) if name in kernels else None

    def kernels_goal(goal: float, name: str, whole: str) -> Goal:
        """With what the program does by itself, which is more than was asked."""
        more = kernel(whole, "times_copy")
        note = "" if more is None else f"{more:.2f} × with all that is done by default: {whole}"
        return Goal("≤", goal, "×", memcpy, kernel(name, "times_copy"), note)

    def live(height: int, rate: int, goal: float, unit: str, what: str, metric: str) -> Goal:
        network = _as_it_comes(bench, height).get("live_models", {}).get(str(rate))
        figure = _figure(bench, height, f"live {rate} {metric}")
        note = "" if network is None else f"`{network}`"
        return Goal("≤", goal, unit, f"{what}, {height}p{rate}", figure, note)

    smooth, refine = kernel("smoothing", "median_ms"), kernel("refinement", "median_ms")
    races = tuple(
        Goal("≥", goal, "×", f"{what}, {height}p", _race(peers, height, OURS, others))
        for goal, what, others in (
            (1.0, "a bare PyAV transcode loop", (FLOOR,)),
            (2.5, "the MediaPipe loop", ("mediapipe", "onnx-selfie")),
        )
        for height in (720, 1080)
    )
    null = _race(peers, 1080, OURS_TO_NULL, (DECODE,))
    return (
        Line(
            "`realtime file`, 720p and 1080p, image background, H.264 veryfast, whole process",
            races,
        ),
        Line(
            "same without encoding (null sink), 1080p",
            (Goal("≥", 0.7, "×", "decode-only fps", null),),
        ),
        Line(
            "compositor, 1080p, image background, upsampling of alpha included",
            (kernels_goal(6, "image, alpha scaled up", "image, refined and decontaminated"),),
        ),
        Line(
            "blur background, decontaminated edges, 1080p",
            (kernels_goal(20, "blur, decontaminated", "blur, refined and decontaminated"),),
        ),
        Line(
            "pre-processing (planes → network tensor), 1080p",
            (Goal("≤", 2, "×", memcpy, kernel("pre-processing", "times_copy")),),
        ),
        Line(
            "smoothing + refinement at network size",
            (Goal("≤", 1, "ms", "", None if None in (smooth, refine) else smooth + refine),),  # type: ignore[operator]
        ),
        Line(
            "live 1080p30; 720p60",
            (
                live(1080, 30, 0, "%", "dropped", "dropped"),
                live(1080, 30, 0.6, "%", "of the cores", "share"),
                live(1080, 30, 50, "ms", "p95 end-to-end", "latency p95"),
                live(720, 60, 0, "%", "dropped", "dropped"),
            ),
        ),
        Line(
            "start-up to first frame (warm disk), 1080p",
            (Goal("≤", 1, "s", "", _figure(bench, 1080, "first frame")),),
        ),
        Line(f"GPU ({gpu['gpu']})", _on_gpu(gpu)),
    )


def _on_gpu(gpu: Report) -> tuple[Goal, ...]:
    frames, runs = gpu["frames"], gpu["live"]
    ours: Report = next(
        (f["captured"] for f in frames if (f["model"], f["height"]) == ("quality", 1080)), {}
    )
    run: Report = next((r for r in runs if (r["camera"], r["height"]) == ("planes", 2160)), {})
    return (
        Goal("≥", 10, "×", "the CPU, `quality` end to end, 1080p", ours.get("times_as_fast")),
        Goal("≤", 0, "%", "dropped, 4K60 live", run.get("dropped")),
        Goal("≤", 2, "copies", "host↔device a frame", ours.get("copies")),
        Goal("≤", 1, "launch", "a frame", 1 if ours.get("way") == "captured" else None),
    )


def _race(peers: Report, height: int, ours: str, others: tuple[str, ...]) -> float | None:
    """How much faster ours is than the first of the others that ran, on the clip of this height."""
    clips = [clip["contestants"] for clip in peers["clips"].values() if clip["height"] == height]
    for other in others:
        for racers in clips:
            if other in racers and ours in racers:
                return ratio(racers[ours]["fps_rounds"], racers[other]["fps_rounds"])
    return None


def _as_it_comes(bench: Report, height: int) -> Report:
    """The program without forced threads, at one size; empty where that was not measured."""
    fitting = (r for r in bench["runs"] if r["height"] == height and r["threads"] is None)
    return next(fitting, {"metrics": {}})


def _figure(bench: Report, height: int, name: str) -> float | None:
    """A median of it."""
    metric = _as_it_comes(bench, height)["metrics"].get(name)
    return None if metric is None else float(metric["median"])


def table(bench: Report, peers: Report, compositor: Report, gpu: Report) -> str:
    """Goals and figures, as Markdown."""
    rows = ["| work | goal | measured | reached |", "|---|---|---|---|"]
    rows += [line.row() for line in lines(bench, peers, compositor, gpu)]
    machines: dict[str, list[str]] = {}
    for name, report in zip(_NAMES, (bench, peers, compositor, gpu), strict=True):
        text = machine_line(lasting(report["machine"]))
        if "began" in report:
            text += f", in the run of {report['began']}"
        machines.setdefault(text, []).append(f"{name}.json")
    for text, names in machines.items():
        rows += ["", f"Measured on {text} ({', '.join(names)})."]
    return "\n".join(rows)


def read_reports(folder: Path = RESULTS) -> tuple[Report, Report, Report, Report]:
    """What `table` takes.

    Raises:
        ModelsError: one is missing.
    """
    bench, peers, compositor, gpu = (read_report(folder / f"{name}.json") for name in _NAMES)
    return bench, peers, compositor, gpu


def main() -> int:
    parser = command.parser("benchmarks.throughput", __doc__)
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of the reports (%(default)s)"
    )
    print(table(*read_reports(parser.parse_args().results)))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
