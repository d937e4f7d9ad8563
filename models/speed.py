"""Time ONNX networks against each other on one core.

`python -m models.speed fast.onnx peer.onnx --json speed.json`: batch 1, one thread, after
onnxruntime's optimization, runs interleaved so that whatever else the machine does hits all alike.
Networks with free sizes run at their native number of pixels or at about `--area`, others at
their own size.
"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models import command
from models.errors import ModelsError
from models.machine import write_report
from models.predictor import Predictor

WARM_UP = 20


def time_networks(
    paths: Sequence[Path], runs: int = 300, area: int | None = None
) -> list[dict[str, str | float]]:
    """For every file: its input size, median and 95th percentile in ms, ratio to the last file."""
    predictors = [Predictor(path, threads=1, area=area) for path in paths]
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (720, 1280, 3), np.uint8)
    inputs = [predictor.prepare(picture) for predictor in predictors]
    taken: list[list[float]] = [[] for _ in predictors]
    for run in range(WARM_UP + runs):
        for predictor, batch, times in zip(predictors, inputs, taken, strict=True):
            start = time.perf_counter_ns()
            predictor.run(batch)
            if run >= WARM_UP:
                times.append((time.perf_counter_ns() - start) / 1e6)
    reference = statistics.median(taken[-1])
    return [
        {
            "file": path.name,
            "size": "x".join(str(side) for side in predictor.size_for(720, 1280)[::-1]),
            "median_ms": statistics.median(times),
            "p95_ms": float(np.percentile(times, 95)),
            "ratio_to_last": statistics.median(times) / reference,
        }
        for path, predictor, times in zip(paths, predictors, taken, strict=True)
    ]


def main() -> int:
    parser = command.parser("models.speed", __doc__)
    parser.add_argument("networks", type=Path, nargs="+", help="ONNX files, the reference last")
    parser.add_argument("--runs", type=int, default=300, help="timed runs of each (%(default)s)")
    parser.add_argument(
        "--area",
        type=int,
        help="pixels for networks of free size (default: as their files say)",
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        raise ModelsError("--runs must be at least 1")
    figures = time_networks(arguments.networks, arguments.runs, arguments.area)
    for row in figures:
        print(
            f"{row['file']:32} {row['size']:>8}  median {row['median_ms']:.2f} ms  "
            f"p95 {row['p95_ms']:.2f} ms  {row['ratio_to_last']:.2f} of the last"
        )
    if arguments.json:
        report = {"threads": 1, "runs": arguments.runs, "networks": figures}
        write_report(arguments.json, report)
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
