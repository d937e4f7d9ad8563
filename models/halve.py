"""Float ONNX → half precision (fp16) for CUDA, with a check that it still mattes as well.

`python -m models.halve float.onnx cuda.onnx --data ../shared/data --json report.json`

What is written takes the planes of a frame (see `models.planes`). What is checked is the network in
it, whose input and output stay float32, as the float file's are. A CPU runs both, by converting
back and forth, which is slow but proves that they compute the same.
"""

import tempfile
import warnings
from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from models import command
from models.compare import judged
from models.errors import ModelsError
from models.planes import take_planes


def halve(source: Path, target: Path) -> None:
    """Write the fp16 version of `source`."""
    model = onnx.load(str(source))
    with warnings.catch_warnings():
        # values that fp16 cannot hold are clipped; the comparison tells whether that matters
        warnings.simplefilter("ignore")
        half = convert_float_to_float16(model, keep_io_types=True)
    OnnxModel(half).topological_sort()  # the converter puts its casts at the end
    del half.metadata_props[:]
    half.metadata_props.extend(model.metadata_props)
    half.producer_name = "models.halve"
    onnx.save(half, str(target))


def main() -> int:
    parser = command.parser("models.halve", __doc__)
    parser.add_argument("source", type=Path, help="float ONNX file of models.export")
    parser.add_argument("target", type=Path, help="fp16 ONNX file of planes to write")
    command.data_option(parser)
    parser.add_argument("--json", type=Path, help="write the comparison to this file")
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        raise ModelsError(f"no network at {arguments.source}: run models.export first")
    remedy = "some values are too large or too small for 16 bits: keep the float file"
    with tempfile.TemporaryDirectory() as folder:
        half = Path(folder) / "half.onnx"
        halve(arguments.source, half)
        status = judged(arguments.source, half, arguments.data, arguments.json, remedy)
        if status == 0:
            arguments.target.parent.mkdir(parents=True, exist_ok=True)
            onnx.save(take_planes(onnx.load(str(half))), str(arguments.target))
    return status


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
