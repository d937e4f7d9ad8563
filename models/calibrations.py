"""What each way of quantizing a network loses: why ours are quantized as they are.

`python -m models.calibrations float.onnx --data ../shared/data --json report.json` quantizes it in
each of them from the same samples, and measures all on the val split beside the float network.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models import command
from models.compare import lost
from models.dataset import F32, Picture, load_all, read_index
from models.errors import ModelsError
from models.evaluate import evaluate_people
from models.machine import write_report
from models.predictor import Predictor
from models.quantize import calibration_samples, quantize

WAYS: dict[str, dict[str, Any]] = {
    "range over all samples, weights of 7 bits": {"reduce_range": True},
    "range over all samples, weights of 8 bits": {"reduce_range": False},
    "mean of the samples' ranges": {"method": "average"},
    "99.99 % of the values": {"method": "percentile", "percentile": 99.99},
    "99.9 % of the values": {"method": "percentile", "percentile": 99.9},
    "least entropy lost": {"method": "entropy"},
    "as the first, only deep": {"stages": ("deep",)},
    "as the first, only head": {"stages": ("head",)},
}
"""Arguments of `quantize` beside its own, which are those of the way in use, the first."""


def compare_ways(
    source: Path, samples: Sequence[F32], pictures: Sequence[Picture]
) -> list[dict[str, Any]]:
    """One row a way: points of IoU lost and MAD ratio, mean over the sets and of the worst set."""
    before = evaluate_people(Predictor(source), pictures)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        for way, options in WAYS.items():
            quantize(source, target, samples, **options)
            losses = lost(before, evaluate_people(Predictor(target), pictures))
            rows.append({"way": way, "sets": losses})
            mean = losses["mean"]
            print(
                f"{way:42} {mean['points_of_iou']:.3f} points of IoU lost, MAD ×{mean['mad']:.3f}",
                flush=True,
            )
    return rows


def main() -> int:
    parser = command.parser("models.calibrations", __doc__)
    parser.add_argument("source", type=Path, help="float ONNX file of models.export")
    command.data_option(parser)
    parser.add_argument("--samples", type=int, default=128, help="for calibration (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        raise ModelsError(f"no network at {arguments.source}: run models.export first")
    native = Predictor(arguments.source).size_for(9, 16)
    samples = calibration_samples(arguments.data, arguments.samples, native)
    rows = compare_ways(arguments.source, samples, load_all(read_index(arguments.data, "val")))
    if arguments.json:
        write_report(arguments.json, {"network": arguments.source.stem, "ways": rows})
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
