"""What was to be reached beside what was measured.

`python -m benchmarks.throughput` prints the table from `benchmarks/results/bench.json`, which
`realtime bench --fps 30,60 --json` writes, and `benchmarks/results/peers.json`, which
`python -m benchmarks.peers` writes. Goals are ratios within one run where they can be, so that they
mean the same on another machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.peers import FLOOR, OURS
from models.errors import ModelsError, run_command

_RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the table.

    Attributes:
        work: what is measured.
        relation: whether the goal is the least or the most.
        goal: in `unit`.
        measured: likewise; None where it was not measured.
        unit: what stands behind the figures.
    """

    work: str
    relation: Literal["≥", "≤"]
    goal: float
    measured: float | None
    unit: str

    @property
    def reached(self) -> bool | None:
        """None where nobody knows."""
        if self.measured is None:
            return None
        return self.measured >= self.goal if self.relation == "≥" else self.measured <= self.goal

    def row(self) -> str:
        """As Markdown."""
        reached = {True: "yes", False: "**no**", None: "not measured"}[self.reached]
        measured = "" if self.measured is None else self._figure(self.measured)
        return (
            f"| {self.work} | {self.relation} {self._figure(self.goal)} | {measured} | {reached} |"
        )

    def _figure(self, value: float) -> str:
        if self.unit == "%":
            return f"{100 * value:.1f} %"
        return f"{value:.2f} {self.unit}"


def goals(bench: dict[str, Any], peers: dict[str, Any]) -> list[Goal]:
    """Everything that can be said from the two reports."""
    return [*_of_peers(peers), *_of_bench(bench)]


def _of_peers(peers: dict[str, Any]) -> Iterator[Goal]:
    for lines in (720, 1080):
        found = next((c for c in peers["clips"].values() if c["height"] == lines), None)
        racers: dict[str, Any] = {} if found is None else found["contestants"]
        work = f"`realtime file`, {lines}p, whole process"
        yield Goal(f"{work}, by a bare transcode", "≥", 1.0, _ratio(racers, OURS, FLOOR), "×")
        loop = "mediapipe" if "mediapipe" in racers else "onnx-selfie"
        yield Goal(f"{work}, by MediaPipe's loop", "≥", 2.5, _ratio(racers, OURS, loop), "×")


def _ratio(racers: dict[str, Any], one: str, other: str) -> float | None:
    if one not in racers or other not in racers:
        return None
    return float(racers[one]["fps"] / racers[other]["fps"])


def _of_bench(bench: dict[str, Any]) -> Iterator[Goal]:
    full, half = _figures(bench, 1080), _figures(bench, 720)

    def by_copy(stage: str) -> float | None:
        return _quotient(full(f"stage {stage}"), full("stage copy"))

    whole = _quotient(full("whole null"), full("whole decoding"))
    yield Goal("1080p to nowhere, by decoding alone", "≥", 0.7, whole, "×")
    yield Goal("compositor, 1080p, by a copy of the planes", "≤", 6, by_copy("composite"), "×")
    yield Goal("blurred background, 1080p, by a copy", "≤", 20, by_copy("blur"), "×")
    yield Goal("pre-processing, 1080p, by a copy", "≤", 2, by_copy("preprocess"), "×")
    smooth, refine = full("stage smooth"), full("stage refine")
    both = None if smooth is None or refine is None else smooth + refine
    yield Goal("smoothing and refinement at the network's size", "≤", 1, both, "ms")
    yield Goal("live 1080p30, frames lost", "≤", 0, full("live 30 dropped"), "%")
    yield Goal("live 1080p30, of the cores", "≤", 0.6, full("live 30 share"), "%")
    yield Goal(
        "live 1080p30, 95 % from camera to output", "≤", 50, full("live 30 latency p95"), "ms"
    )
    yield Goal("live 720p60, frames lost", "≤", 0, half("live 60 dropped"), "%")
    yield Goal("start-up to the first frame, 1080p", "≤", 1, full("first frame"), "s")


def _figures(bench: dict[str, Any], lines: int) -> Callable[[str], float | None]:
    """Medians of the program as it comes, at one size."""
    fitting = (r for r in bench["runs"] if r["height"] == lines and r["threads"] is None)
    run: dict[str, Any] = next(fitting, {"metrics": {}})

    def figure(name: str) -> float | None:
        metric = run["metrics"].get(name)
        return None if metric is None else float(metric["median"])

    return figure


def _quotient(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def table(bench: dict[str, Any], peers: dict[str, Any]) -> str:
    """Goals and figures, as Markdown."""
    lines = ["| work | goal | measured | reached |", "|---|---|---|---|"]
    lines += [goal.row() for goal in goals(bench, peers)]
    where = ", ".join(f"{key} {value}" for key, value in bench["machine"].items())
    return "\n".join([*lines, "", f"Measured on {where}."])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bench", type=Path, default=_RESULTS / "bench.json", help="(%(default)s)")
    parser.add_argument("--peers", type=Path, default=_RESULTS / "peers.json", help="(%(default)s)")
    arguments = parser.parse_args()
    try:
        reports = [
            json.loads(path.read_text("utf-8")) for path in (arguments.bench, arguments.peers)
        ]
    except OSError as error:
        raise ModelsError(f"{error.filename}: cannot be read; measure first, see --help") from None
    print(table(*reports))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
