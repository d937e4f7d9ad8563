"""What each way of quantizing a network loses: why ours are quantized as they are.

`python -m models.calibrations float.onnx --data ../shared/data --json report.json` quantizes it in
each of them from the same samples, and measures all beside the float network: on the val split, and
on the folder's clips, if it has any.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models import command
from models.compare import lost
from models.dataset import F32, U8, Picture, load_all, read_index
from models.errors import ModelsError
from models.evaluate import evaluate_people
from models.machine import write_report
from models.predictor import Predictor
from models.quantize import calibration_samples, composed_clips, on_clips, quantize

WAYS: dict[str, dict[str, Any]] = {
    "mean of the samples' ranges, weights of 7 bits": {"reduce_range": True},
    "the same, weights of 8 bits": {"reduce_range": False},
    "range over all samples": {"method": "minmax"},
    "99.99 % of the values": {"method": "percentile", "percentile": 99.99},
    "99.9 % of the values": {"method": "percentile", "percentile": 99.9},
    "least entropy lost": {"method": "entropy"},
    "as the first, only deep": {"stages": ("deep",)},
    "as the first, only head": {"stages": ("head",)},
}
"""Arguments of `quantize` beside its own, which are those of the way in use, the first."""


def compare_ways(
    source: Path,
    samples: Sequence[F32],
    pictures: Sequence[Picture],
    clips: Sequence[Sequence[tuple[U8, F32]]] = (),
) -> list[dict[str, Any]]:
    """One row a way: points of IoU lost and MAD ratio by set, MAD and dtSSD ratios on clips."""
    float_network = Predictor(source)
    before = evaluate_people(float_network, pictures)
    clip_before = on_clips(float_network, clips)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        for way, options in WAYS.items():
            quantize(source, target, samples, **options)
            losses = lost(before, evaluate_people(Predictor(target), pictures))
            after = on_clips(Predictor(target), clips)
            ratios = {key: value / clip_before[key] for key, value in after.items()}
            rows.append({"way": way, "sets": losses, "clips": ratios})
            mean = losses["mean"]
            told = "".join(f", clips' {key} ×{ratio:.3f}" for key, ratio in ratios.items())
            print(
                f"{way:46} {mean['points_of_iou']:.3f} points of IoU lost, MAD ×{mean['mad']:.3f}"
                f"{told}",
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
    pictures = load_all(read_index(arguments.data, "val"))
    clips = composed_clips(arguments.data)
    rows = compare_ways(arguments.source, samples, pictures, clips)
    if arguments.json:
        write_report(arguments.json, {"network": arguments.source.stem, "ways": rows})
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
