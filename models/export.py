"""Checkpoint → float ONNX file with dynamic sizes, checked against the network it came from.

The file's contract, which `realtime` relies on:

| tensor | type | shape | meaning |
|---|---|---|---|
| `image` (input) | float32 | [batch, 3, height, width] | RGB in 0..1; sides multiples of stride |
| `alpha` (output) | float32 | [batch, 1, height, width] | coverage by the person, 0..1 |

Metadata: name, version, licence, description, native_size ("288x192", width×height), stride.
"""

import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from models import command
from models.checkpoint import load_weights
from models.errors import ModelsError
from models.network import Conv, MattingNetwork

OPSET = 17
IR_VERSION = 8  # what opset 17 came with; every onnxruntime that can run the file loads it
TOLERANCE = 5e-4  # an eighth of a level of 8 bits
VERSION = "2.0.0"


def metadata(network: MattingNetwork) -> dict[str, str]:
    """What the file says about itself."""
    plan = network.architecture
    return {
        "name": network.name,
        "version": VERSION,
        "licence": "Apache-2.0",
        "description": "Person matting in real time; trunk and first weights from MediaPipe "
        "selfie segmentation (Apache-2.0, Google), extended and trained on.",
        "native_size": f"{plan.native_size[1]}x{plan.native_size[0]}",
        "stride": str(plan.stride),
    }


def checked_sizes(network: MattingNetwork) -> list[tuple[int, int]]:
    """(height, width) at which the file is compared with the network."""
    stride = network.architecture.stride
    multiples = [(5, 8), (8, 5), (6, 6), (9, 16), (1, 3)]
    return [network.architecture.native_size] + [(h * stride, w * stride) for h, w in multiples]


class _WithSigmoid(nn.Module):
    def __init__(self, network: MattingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return torch.sigmoid(self.network(image))


def export(network: MattingNetwork, path: Path) -> float:
    """Write `network` to `path` and return the largest difference from torch over several sizes.

    Raises `ModelsError` (and leaves no file) if an alpha differs by more than `TOLERANCE`.
    """
    module = _WithSigmoid(copy.deepcopy(network)).eval()
    traced = copy.deepcopy(module)
    pad_symmetrically(traced)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # the tracing exporter: it keeps Resize and GlobalAveragePool as single operators
        warnings.simplefilter("ignore")
        torch.onnx.export(
            traced,
            (torch.rand(1, 3, 96, 160),),
            str(path),
            input_names=["image"],
            output_names=["alpha"],
            dynamic_axes={
                "image": {0: "batch", 2: "height", 3: "width"},
                "alpha": {0: "batch", 2: "height", 3: "width"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    pad_like_tensorflow(model)
    shuffle_by_convolution(model)
    # the tracer cannot know that the output is as large as the input
    for number, name in ((0, "batch"), (2, "height"), (3, "width")):
        model.graph.output[0].type.tensor_type.shape.dim[number].dim_param = name
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "models.export", VERSION
    name_sizes(model, network.architecture.stride)
    onnx.helper.set_model_props(model, metadata(network))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    difference = parity(module, path, checked_sizes(network))
    if difference > TOLERANCE:
        path.unlink()
        raise ModelsError(f"the exported network differs from torch by {difference:.2e}")
    return difference


def pad_symmetrically(module: nn.Module) -> None:
    """Replace the explicit padding of the strided convolutions by a symmetric one (in place).

    Sizes stay right, contents shift by a pixel until `pad_like_tensorflow` corrects the file.
    """
    for part in module.modules():
        if isinstance(part, Conv) and part.pad:
            part.conv.padding = (part.pad[1], part.pad[1])
            part.pad = None


def pad_like_tensorflow(model: onnx.ModelProto) -> None:
    """Let the strided convolutions pad one pixel less at the top and left, as the network does.

    torch can only express this as a separate operator, ONNX has it as an attribute.
    """
    for node in model.graph.node:
        attributes = {a.name: a for a in node.attribute}
        if node.op_type == "Conv" and max(attributes["strides"].ints) > 1:
            top, left, bottom, right = attributes["pads"].ints
            attributes["pads"].ints[:] = [top - 1, left - 1, bottom, right]


def shuffle_by_convolution(model: onnx.ModelProto) -> None:
    """Let a transposed convolution put the four last channels where their pixels are.

    onnxruntime's own operator for it takes four times as long on a CPU.
    """
    to_pixels = np.eye(4, dtype=np.float32).reshape(4, 1, 2, 2)
    for node in model.graph.node:
        if node.op_type == "DepthToSpace":
            node.op_type = "ConvTranspose"
            node.input.append("network.shuffle")
            del node.attribute[:]
            sizes = onnx.helper.make_attribute("kernel_shape", [2, 2])
            node.attribute.extend([sizes, onnx.helper.make_attribute("strides", [2, 2])])
    weights = onnx.numpy_helper.from_array(to_pixels, "network.shuffle")
    model.graph.initializer.append(weights)


def name_sizes(model: onnx.ModelProto, stride: int) -> None:
    """Tell which tensors are of one size: a half of the input's, a quarter of it, ….

    onnxruntime adds within a convolution only what it knows to be as large as its result; it loses
    the size where a picture is enlarged.
    """
    batch, height, width = 3, 5 * stride, 7 * stride
    names: list[dict[int, str]] = [{batch: "batch"}, {}, {height: "height"}, {width: "width"}]
    part = 2
    while part <= stride:
        names[2][height // part], names[3][width // part] = f"height/{part}", f"width/{part}"
        part *= 2
    sized = onnx.ModelProto()
    sized.CopyFrom(model)
    del sized.graph.value_info[:]
    for place, value in zip(
        sized.graph.input[0].type.tensor_type.shape.dim, (batch, 3, height, width), strict=True
    ):
        place.dim_value = value
    del model.graph.value_info[:]
    for tensor in onnx.shape_inference.infer_shapes(sized).graph.value_info:
        dims = tensor.type.tensor_type.shape.dim
        if len(dims) == 4:
            for place, known in zip(dims, names, strict=True):
                if place.dim_value in known:
                    place.dim_param = known[place.dim_value]
            model.graph.value_info.append(tensor)


def parity(module: nn.Module, path: Path, sizes: Sequence[tuple[int, int]]) -> float:
    """Largest absolute difference between torch and onnxruntime over (height, width) `sizes`."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    worst = 0.0
    for batch, (height, width) in enumerate(sizes, start=1):
        image: npt.NDArray[np.float32] = random.random((batch, 3, height, width), np.float32)
        (alpha,) = session.run(["alpha"], {"image": image})
        with torch.no_grad():
            expected = module(torch.from_numpy(image)).numpy()
        worst = max(worst, float(np.abs(alpha - expected).max()))
    return worst


def main() -> int:
    parser = command.parser("models.export", __doc__)
    parser.add_argument("weights", type=Path, help="checkpoint written by models.train (.pt)")
    parser.add_argument("out", type=Path, help="ONNX file to write")
    arguments = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    difference = export(load_weights(arguments.weights), arguments.out)
    size = arguments.out.stat().st_size
    print(f"{arguments.out}: {size / 1e6:.2f} MB, largest difference from torch {difference:.1e}")
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
