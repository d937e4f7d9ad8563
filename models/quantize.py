"""Float ONNX → static int8 (QDQ), with a check that it still mattes as well.

`python -m models.quantize float.onnx fast.onnx --data ../shared/data --json report.json`

Weights are int8 per output channel, activations uint8. The ranges come from training pictures and
composites drawn like in training. Weights have 7 bits: with 8, products overflow now and then on
CPUs that have AVX2 but no VNNI. The exit status is 1, and no file is left, if on any set of the val
split the IoU falls by more than 0.3 points or the MAD rises by more than 3 %.

`--sensitivity` quantizes one stage of the network at a time and tells what that stage loses and
how much time it saves: what `--stages` was chosen by.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from models import command, metrics
from models.clips import clip_folders, compose_clip
from models.compare import judged
from models.dataset import F32, U8, Picture, load, read_backgrounds, read_index
from models.errors import ModelsError
from models.evaluate import empty_rooms, judge_clip, mean_figures
from models.machine import write_report
from models.predictor import Predictor
from models.scenes import Sampler
from models.speed import time_networks

STAGES = ("deep", "head")
"""What becomes 8 bits wide: most of the weights. In 8 bits each of the other stages adds flicker or
error, and none saves time, as `--sensitivity` tells."""

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "average": CalibrationMethod.MinMax,  # mean over the samples of each one's range
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}


class SampleReader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds float32 [1, 3, height, width] samples to the calibration."""

    def __init__(self, samples: Sequence[F32]) -> None:
        self.samples = samples
        self.rewind()

    def get_next(self) -> dict[str, F32] | None:
        """The next input, None at the end."""
        return next(self._remaining, None)

    def rewind(self) -> None:
        """Start over."""
        self._remaining: Iterator[dict[str, F32]] = iter([{"image": s} for s in self.samples])


def calibration_samples(data: Path, count: int, size: tuple[int, int], seed: int = 7) -> list[F32]:
    """Inputs like the ones that training draws: float32 [1, 3, *size] in 0..1."""
    rng = np.random.default_rng(seed)

    def some(entries: Sequence[Any]) -> list[Picture]:
        chosen = rng.choice(len(entries), min(count, len(entries)), replace=False)
        return [load(entries[i]) for i in chosen]

    rooms = read_backgrounds(data, "train", required=False)
    sampler = Sampler(some(read_index(data, "train")), some(rooms) if rooms else [])
    images = [sampler.draw(size, rng).image for _ in range(count)]
    return [
        np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        for image in images
    ]


def quantize(
    source: Path,
    target: Path,
    samples: Sequence[F32],
    method: str = "average",
    stages: Sequence[str] = STAGES,
    reduce_range: bool = True,
    percentile: float = 99.99,
) -> None:
    """Write the int8 version of `source`; only nodes inside of `stages` become 8 bits wide.

    `reduce_range` uses 7 bits for weights, so that products cannot overflow 16 bits on CPUs with
    AVX2 but without VNNI.
    """
    inside = tuple(f"/network/{stage}/" for stage in stages)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        extra: dict[str, Any] = {"ActivationSymmetric": False, "WeightSymmetric": True}
        if method == "percentile":
            extra["CalibPercentile"] = percentile
        if method == "average":
            extra["CalibMovingAverage"] = True
        quantize_static(
            str(prepared),
            str(target),
            SampleReader(samples),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[
                node.name
                for node in onnx.load(str(prepared)).graph.node
                if not node.name.startswith(inside)
            ],
            calibrate_method=METHODS[method],
            extra_options=extra,
        )
    original, quantized = onnx.load(str(source)), onnx.load(str(target))
    del quantized.metadata_props[:]
    quantized.metadata_props.extend(original.metadata_props)
    quantized.ir_version = original.ir_version
    quantized.producer_name = "models.quantize"
    onnx.save(quantized, str(target))


def stage_names(source: Path) -> list[str]:
    """The network's stages by the names of its nodes: "stem", "to16/to16.2", …."""
    found: dict[str, None] = {}
    for node in onnx.load(str(source)).graph.node:
        match = re.match(r"/network/([a-z]\w*(?:/\w+\.\d+)?)/", node.name)
        if match:
            found.setdefault(match[1])
    return list(found)


def sensitivity(source: Path, samples: Sequence[F32], data: Path, method: str) -> list[Any]:
    """What each stage alone in int8 does to the clips (MAD, dtSSD) and to the time, against float.

    The clips stand before one room. Returns one row a stage, the float network first.
    """
    clips = composed_clips(data)
    if not clips:
        raise ModelsError(f"{data} has no val_clips to judge the stages by")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "stage.onnx"
        for stage in ["", *stage_names(source)]:
            if stage:
                quantize(source, target, samples, method, [stage])
            path = target if stage else source
            figures = on_clips(Predictor(path), clips)
            timed = time_networks([path, source], runs=100)
            rows.append(
                {"stage": stage or "none", **figures, "time_ratio": timed[0]["ratio_to_last"]}
            )
            print(
                "{stage:14} MAD {mad:.2f}  dtSSD {dtssd:.3f}  time ×{time_ratio:.2f}".format(
                    **rows[-1]
                ),
                flush=True,
            )
    return rows


def composed_clips(data: Path) -> list[list[tuple[U8, F32]]]:
    """The folder's clips before one room: frames and their alphas; none where it has none.

    Raises:
        ModelsError: there are clips and no room.
    """
    rooms, folders = empty_rooms(data), clip_folders(data)
    if folders and not rooms:
        raise ModelsError(
            f"{data / 'backgrounds.csv'} has no room to put clips before: add one of split val"
        )
    return [list(compose_clip(folder, rooms[0].image)) for folder in folders]


def on_clips(matter: Predictor, clips: Sequence[Sequence[tuple[U8, F32]]]) -> dict[str, float]:
    """MAD and dtSSD, mean over the clips; nothing without any."""
    return mean_figures([_on_clip(matter, clip) for clip in clips]) if clips else {}


def _on_clip(matter: Predictor, clip: Sequence[tuple[U8, F32]]) -> dict[str, float]:
    alphas, truths = [matter(frame) for frame, _ in clip], [truth for _, truth in clip]
    return judge_clip(alphas, truths, lambda alpha, truth: {"mad": metrics.mad(alpha, truth)})


def main() -> int:
    parser = command.parser("models.quantize", __doc__)
    parser.add_argument("source", type=Path, help="float ONNX file of models.export")
    parser.add_argument("target", type=Path, nargs="?", help="int8 ONNX file to write")
    command.data_option(parser)
    parser.add_argument("--samples", type=int, default=128, help="for calibration (%(default)s)")
    parser.add_argument(
        "--method", choices=METHODS, default="average", help="of the ranges (%(default)s)"
    )
    parser.add_argument("--percentile", type=float, default=99.99)
    parser.add_argument(
        "--stages",
        nargs="*",
        default=STAGES,
        help="what becomes 8 bits wide; the rest stays float (default: the deep ones)",
    )
    parser.add_argument(
        "--all-bits", action="store_true", help="8-bit weights, which CPUs without VNNI clip"
    )
    parser.add_argument(
        "--sensitivity", action="store_true", help="judge each stage alone; write no network"
    )
    parser.add_argument("--json", type=Path, help="write the comparison to this file")
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        raise ModelsError(f"no network at {arguments.source}: run models.export first")
    if arguments.target is None and not arguments.sensitivity:
        raise ModelsError("name the int8 file to write, or give --sensitivity")
    native = Predictor(arguments.source).size_for(9, 16)
    samples = calibration_samples(arguments.data, arguments.samples, native)
    if arguments.sensitivity:
        rows = sensitivity(arguments.source, samples, arguments.data, arguments.method)
        if arguments.json:
            write_report(arguments.json, {"network": arguments.source.stem, "stages": rows})
        return 0
    quantize(
        arguments.source,
        arguments.target,
        samples,
        arguments.method,
        arguments.stages,
        not arguments.all_bits,
        arguments.percentile,
    )
    remedy = "leave more stages in float with --stages"
    return judged(arguments.source, arguments.target, arguments.data, arguments.json, remedy)


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
