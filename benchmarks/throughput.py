"""What was to be reached beside what was measured: with `fast`, and with the network that the
program picks by itself, the best one that this machine can hold.

`python -m benchmarks.throughput` prints the table; `python -m benchmarks.report` puts it into the
README. Every figure comes from one of four reports, and every ratio from within one of them, so
that it means the same on another machine:

    peers.json       python -m benchmarks.peers                 whole processes, on real clips
    compositor.json  python -m benchmarks.compositor            work on one frame, in one thread
    bench.json       realtime bench --model default,fast --fps 30,60 --json FILE
                                                                live runs, start-up
    gpu.json         python -m benchmarks.gpu                   CUDA beside the CPU

`python -m benchmarks.goals` makes the first three in one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from benchmarks.compositor import ONE_PLACE
from benchmarks.peers import (
    DECODE,
    OURS,
    OURS_FAST,
    OURS_FAST_TO_NULL,
    OURS_TO_NULL,
    picked,
)
from benchmarks.race import FLOOR, ratio
from benchmarks.reporting import read_report, run_command, sources
from models import command
from realtime.bench.report import lasting, machine_line

RESULTS = Path(__file__).parent / "results"

_NAMES = ("bench", "peers", "compositor", "gpu")

Report = dict[str, Any]


_MEMCPY = "memcpy of the frame's planes"

_GPU = "GPU, with nothing decoded or encoded"

# Any of the reports, where nothing was measured.
_NOTHING: Report = {
    "machine": {},
    "runs": [],
    "clips": {},
    "picked": "",
    "networks": {},
    "gpu": None,
    "frames": [],
    "live": [],
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure in the unit of its goal, None where it was not measured, and what to say of it."""

    figure: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure that was to be reached.

    Attributes:
        name: of the figure, see `figures`.
        relation: whether the goal is the least or the most.
        goal: in `unit`.
        unit: what stands behind the figures.
        what: completes the goal for the reader: "of what", and where.
    """

    name: str
    relation: Literal["≥", "≤"]
    goal: float
    unit: str
    what: str = ""

    def __str__(self) -> str:
        return f"{self.relation} {self._scale * self.goal:g} {self.unit} {self.what}".strip()

    def reached(self, measured: Measured) -> bool | None:
        """None where nobody knows."""
        if measured.figure is None:
            return None
        if self.relation == "≥":
            return measured.figure >= self.goal
        return measured.figure <= self.goal

    def cell(self, measured: Measured) -> str:
        """A figure and whether it reaches the goal, as Markdown."""
        if measured.figure is None:
            return "not measured"
        digits = 0 if isinstance(measured.figure, int) else 1 if self.unit == "%" else 2
        text = f"{self._scale * measured.figure:.{digits}f} {self.unit}"
        if measured.note:
            text += f" ({measured.note})"
        return f"{text}: {'reached' if self.reached(measured) else '**missed**'}"

    @property
    def _scale(self) -> int:
        return 100 if self.unit == "%" else 1


GOALS = {
    "`realtime file`, 720p and 1080p, image background, H.264 veryfast, whole process": (
        Goal("transcode 720", "≥", 1, "×", "a bare PyAV transcode loop, 720p"),
        Goal("transcode 1080", "≥", 1, "×", "a bare PyAV transcode loop, 1080p"),
        Goal("mediapipe 720", "≥", 2.5, "×", "the MediaPipe loop, 720p"),
        Goal("mediapipe 1080", "≥", 2.5, "×", "the MediaPipe loop, 1080p"),
    ),
    "same without encoding (null sink), 1080p": (Goal("null", "≥", 0.7, "×", "decode-only fps"),),
    "compositor, 1080p, image background, upsampling of alpha included": (
        Goal("image", "≤", 6, "×", _MEMCPY),
    ),
    "blur background, decontaminated edges, 1080p": (Goal("blur", "≤", 20, "×", _MEMCPY),),
    "pre-processing (planes → network tensor), 1080p": (
        Goal("pre-processing", "≤", 2, "×", _MEMCPY),
    ),
    "smoothing + refinement at network size": (Goal("smoothing", "≤", 1, "ms"),),
    "live 1080p30; 720p60": (
        Goal("live dropped", "≤", 0, "%", "dropped, 1080p30"),
        Goal("live share", "≤", 0.6, "%", "of the cores, 1080p30"),
        Goal("live latency", "≤", 50, "ms", "p95 end-to-end, 1080p30"),
        Goal("live 720p60", "≤", 0, "%", "dropped, 720p60"),
    ),
    "start-up to first frame (warm disk), 1080p": (Goal("start", "≤", 1, "s"),),
    _GPU: (
        Goal(
            "gpu",
            "≥",
            10,
            "×",
            "the CPU, `quality`, matting alone (planes → smoothed alpha), 1080p",
        ),
        Goal("gpu 4K60", "≤", 0, "%", "dropped, 4K60 live, from planes into memory"),
        Goal("gpu copies", "≤", 2, "copies", "host↔device a frame"),
        Goal("gpu launches", "≤", 1, "launch", "a frame"),
    ),
}
"""What is asked, by the work that it is asked of."""


def figures(
    bench: Report, peers: Report, compositor: Report, gpu: Report, *, fast: bool
) -> dict[str, Measured]:
    """What was measured, by name.

    Args:
        bench: as the module says.
        peers: likewise.
        compositor: likewise.
        gpu: likewise.
        fast: whether with the network `fast`, or with the one that the program picks; on a GPU only
            that was measured.
    """
    found = {} if fast else _on_gpu(gpu)
    return found | _races(peers, fast=fast) | _work(compositor, fast=fast) | _runs(bench, fast=fast)


def _races(peers: Report, *, fast: bool) -> dict[str, Measured]:
    """Whole processes beside each other."""
    ours, ours_to_null = (OURS_FAST, OURS_FAST_TO_NULL) if fast else (OURS, OURS_TO_NULL)
    found = {"null": _race(peers, 1080, ours_to_null, DECODE)}
    for height in (720, 1080):
        found[f"transcode {height}"] = _race(peers, height, ours, FLOOR)
        found[f"mediapipe {height}"] = _race(peers, height, ours, "mediapipe", "onnx-selfie")
    return found


def _race(peers: Report, height: int, ours: str, *others: str) -> Measured:
    """How much faster ours is than the first of the others that ran, on the clip of this height.

    The network that it picked is named, and the other where it stands in for the first.
    """
    clips = [clip["contestants"] for clip in peers["clips"].values() if clip["height"] == height]
    for other in others:
        for racers in clips:
            if other in racers and ours in racers:
                figure = ratio(racers[ours]["fps_rounds"], racers[other]["fps_rounds"])
                notes = [picked(racers[ours])]
                if other != others[0]:
                    notes.append(f"beside {racers[other]['title']}")
                return Measured(figure, ", ".join(filter(None, notes)))
    return Measured()


def _work(compositor: Report, *, fast: bool) -> dict[str, Measured]:
    """Work on a frame of 1080p."""
    network = "fast" if fast else compositor["picked"]
    sizes = compositor["networks"].get(network, {})
    cases = sizes.get("1920x1080", {"cases": {}})["cases"]
    if not cases:
        return {}

    both = cases["smoothing"]["median_ms"] + cases["refinement"]["median_ms"]
    return {
        "image": _copies(cases, "image, alpha scaled up", "image, refined and decontaminated"),
        "blur": _copies(cases, "blur, decontaminated", "blur, refined and decontaminated"),
        "pre-processing": _copies(cases, "pre-processing"),
        "smoothing": Measured(both),
    }


def _copies(cases: dict[str, Any], name: str, whole: str | None = None) -> Measured:
    """Work as a multiple of the copy, and what that copy is.

    Args:
        cases: of a report of the compositor.
        name: of the case.
        whole: the case that is what the program does by itself, which is more than was asked.
    """
    notes = [f"the copy {cases['copy']['median_ms']:.2f} ms"]
    # The first reports lack it.
    if ONE_PLACE in cases:
        times = cases[name]["median_ms"] / cases[ONE_PLACE]["median_ms"]
        notes.append(f"{times:.2f} × one into the same place")
    if whole is not None:
        times = cases[whole]["times_copy"]
        notes.append(f"{times:.2f} × with all that is done by default: {whole}")
    return Measured(cases[name]["times_copy"], "; ".join(notes))


def _runs(bench: Report, *, fast: bool) -> dict[str, Measured]:
    """Live runs, and the start, of the program without forced threads."""

    def measured(height: int, metric: str, rate: str = "", *, worst: bool = False) -> Measured:
        runs = (r for r in bench["runs"] if r["height"] == height and r["threads"] is None)
        run = next((run for run in runs if not fast or run["model"] == "fast"), None)
        if run is None or metric not in run["metrics"]:
            return Measured()
        # For a live run, the program picks by rate.
        notes = [f"`{run['live_models'][rate]}`"] if rate and not fast else []
        found = run["metrics"][metric]
        if worst and max(found["rounds"]) > found["median"]:
            notes.append(f"worst of {len(found['rounds'])} rounds")
            return Measured(float(max(found["rounds"])), ", ".join(notes))
        return Measured(float(found["median"]), ", ".join(notes))

    return {
        # None at all is asked for: a median would hide one.
        "live dropped": measured(1080, "live 30 dropped", "30", worst=True),
        "live share": measured(1080, "live 30 share", "30"),
        "live latency": measured(1080, "live 30 latency p95", "30"),
        "live 720p60": measured(720, "live 60 dropped", "60", worst=True),
        "start": measured(1080, "first frame"),
    }


def _on_gpu(gpu: Report) -> dict[str, Measured]:
    ours: Report = next(
        (f["captured"] for f in gpu["frames"] if (f["model"], f["height"]) == ("quality", 1080)), {}
    )
    run: Report = next(
        (r for r in gpu["live"] if (r["camera"], r["height"]) == ("planes", 2160)), {}
    )
    # Nobody counts launches: a graph is one.
    captured = Measured(1, "by construction: a frame is one captured graph")
    return {
        "gpu": Measured(ours.get("times_as_fast")),
        "gpu 4K60": Measured(run.get("dropped")),
        "gpu copies": Measured(ours.get("copies")),
        "gpu launches": captured if ours.get("way") == "captured" else Measured(),
    }


def table(bench: Report, peers: Report, compositor: Report, gpu: Report) -> str:
    """Goals and figures, as Markdown."""
    columns = [figures(bench, peers, compositor, gpu, fast=fast) for fast in (True, False)]
    rows = ["| work | goal | with `fast` | with the network it picks |", "|---|---|---|---|"]
    for work, goals in GOALS.items():
        told = [
            [goal.cell(column.get(goal.name, Measured())) for goal in goals] for column in columns
        ]
        cells = map("<br>".join, ([str(goal) for goal in goals], *told))
        named = f"{work} ({gpu['gpu']})" if work == _GPU else work
        rows.append(f"| {named} | {' | '.join(cells)} |")
    machines: dict[str, list[str]] = {}
    for name, report in zip(_NAMES, (bench, peers, compositor, gpu), strict=True):
        text = machine_line(lasting(report["machine"]))
        if "began" in report:
            text += f", in the run of {report['began']}"
        text += f", {sources(report)}"
        machines.setdefault(text, []).append(f"{name}.json")
    for text, names in machines.items():
        rows += ["", f"Measured on {text} ({', '.join(names)})."]
    return "\n".join(rows)


def read_reports(folder: Path = RESULTS) -> tuple[Report, Report, Report, Report]:
    """What `table` takes.

    Raises:
        ModelsError: one is missing, damaged, or another.
    """
    bench, peers, compositor, gpu = (
        read_report(folder / f"{name}.json", partial(_alone, name)) for name in _NAMES
    )
    return bench, peers, compositor, gpu


def _alone(name: str, report: Report) -> str:
    """The table with one report and nothing else; stumbles over one that is of no use."""
    return table(*(report if other == name else _NOTHING for other in _NAMES))


def main() -> int:
    parser = command.parser("benchmarks.throughput", __doc__)
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of the reports (%(default)s)"
    )
    print(table(*read_reports(parser.parse_args().results)))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
