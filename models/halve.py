"""Float ONNX → half precision (fp16) for CUDA, with a check that it still mattes as well.

`python -m models.halve float.onnx half.onnx --data ../shared/data --json report.json`

Input and output stay float32, so that the file keeps the float one's contract. A CPU runs it too,
by converting back and forth, which is slow but proves that it computes the same.
"""

import warnings
from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from models import command
from models.compare import judged
from models.errors import ModelsError


def halve(source: Path, target: Path) -> None:
    """Write the fp16 version of `source`."""
    model = onnx.load(str(source))
    with warnings.catch_warnings():
        # values that fp16 cannot hold are clipped; the comparison tells whether that matters
        warnings.simplefilter("ignore")
        half = convert_float_to_float16(model, keep_io_types=True)
    del half.metadata_props[:]
    half.metadata_props.extend(model.metadata_props)
    half.producer_name = "models.halve"
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(half, str(target))


def main() -> int:
    parser = command.parser("models.halve", __doc__)
    parser.add_argument("source", type=Path, help="float ONNX file of models.export")
    parser.add_argument("target", type=Path, help="fp16 ONNX file to write")
    command.data_option(parser)
    parser.add_argument("--json", type=Path, help="write the comparison to this file")
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        raise ModelsError(f"no network at {arguments.source}: run models.export first")
    halve(arguments.source, arguments.target)
    remedy = "some values are too large or too small for 16 bits: keep the float file"
    return judged(arguments.source, arguments.target, arguments.data, arguments.json, remedy)


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
