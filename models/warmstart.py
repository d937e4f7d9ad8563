"""Start from MediaPipe's published selfie-segmentation weights (Apache-2.0, Google).

`python -m models.warmstart selfie_segmentation.tflite --out start.pt` reads the convolutions of
the flatbuffer in execution order, which is also the order of `MattingNetwork`'s modules, checks
every shape and writes a checkpoint. The file comes with the npm package
`@mediapipe/selfie_segmentation`; reading it needs `pip install tflite`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models import command
from models.checkpoint import save_weights
from models.errors import ModelsError
from models.network import MattingNetwork, trunk

_FLOAT_TYPES = {0: np.float32, 1: np.float16}
_TRANSPOSED = "Convolution2DTransposeBias"


class Kernel(NamedTuple):
    """One convolution of the file: weight [out, in/groups, kh, kw] and bias [out], float32."""

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


def read_kernels(path: Path) -> list[Kernel]:
    """The convolutions of a float16 or float32 tflite file, in execution order.

    The transposed 2×2 convolution at the end comes back as the equivalent 1×1 convolution with
    four outputs, one per pixel of the 2×2 square in row order.
    """
    try:
        import tflite
    except ImportError as error:
        raise ModelsError("reading tflite files needs the package: pip install tflite") from error
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelsError(f"cannot read {path}: {error.strerror}") from error
    if data[4:8] != b"TFL3":
        raise ModelsError(f"{path} is no tflite file")
    model = tflite.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    operator = tflite.BuiltinOperator
    producer: dict[int, int] = {}
    kernels: list[Kernel] = []

    def constant(tensor: int) -> npt.NDArray[np.float32]:
        t = graph.Tensors(producer.get(tensor, tensor))
        kind = _FLOAT_TYPES.get(t.Type())
        if kind is None or t.ShapeLength() == 0:
            raise ModelsError(f"{path}: weights of tensor type {t.Type()} are not understood")
        values = np.frombuffer(model.Buffers(t.Buffer()).DataAsNumpy().tobytes(), kind)
        return values.reshape(t.ShapeAsNumpy()).astype(np.float32)

    for i in range(graph.OperatorsLength()):
        op = graph.Operators(i)
        entry = model.OperatorCodes(op.OpcodeIndex())
        code = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())
        inputs = [int(t) for t in op.InputsAsNumpy()]
        if code == operator.DEQUANTIZE:
            # float16 weights are stored beside an operator that widens them
            producer[int(op.OutputsAsNumpy()[0])] = inputs[0]
        elif code == operator.CONV_2D:
            kernels.append(Kernel(constant(inputs[1]).transpose(0, 3, 1, 2), constant(inputs[2])))
        elif code == operator.DEPTHWISE_CONV_2D:
            kernels.append(Kernel(constant(inputs[1]).transpose(3, 0, 1, 2), constant(inputs[2])))
        elif entry.CustomCode() == _TRANSPOSED.encode():
            weight = constant(inputs[1])  # [1, 2, 2, in]
            bias = constant(inputs[2])
            kernels.append(Kernel(weight.reshape(4, -1, 1, 1), np.repeat(bias, 4)))
    return kernels


def convolutions(network: MattingNetwork) -> list[nn.Conv2d]:
    """The trunk's convolutions in the order in which the tflite file runs them."""
    return [
        module
        for part in trunk(network)
        for module in part.modules()
        if isinstance(module, nn.Conv2d)
    ]


def load_kernels(network: MattingNetwork, kernels: list[Kernel]) -> None:
    """Copy the kernels into the network's trunk."""
    targets = convolutions(network)
    if len(targets) != len(kernels):
        raise ModelsError(
            f"the file has {len(kernels)} convolutions, the network {len(targets)}: "
            "is it selfie_segmentation.tflite or selfie_segmentation_landscape.tflite?"
        )
    with torch.no_grad():
        for number, (conv, kernel) in enumerate(zip(targets, kernels, strict=True)):
            if tuple(conv.weight.shape) != kernel.weight.shape:
                raise ModelsError(
                    f"convolution {number} of the file is {kernel.weight.shape}, "
                    f"the network's is {tuple(conv.weight.shape)}"
                )
            assert conv.bias is not None
            conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel.weight)))
            conv.bias.copy_(torch.from_numpy(kernel.bias))


def warm_started(path: Path) -> MattingNetwork:
    """A network that computes what the tflite file at `path` computes."""
    network = MattingNetwork()
    load_kernels(network, read_kernels(path))
    return network.eval()


def main() -> int:
    parser = command.parser("models.warmstart", __doc__)
    parser.add_argument("tflite", type=Path, help="MediaPipe's selfie segmentation file")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write (.pt)")
    arguments = parser.parse_args()
    network = warm_started(arguments.tflite)
    save_weights(arguments.out, network, {"origin": arguments.tflite.name})
    print(f"{arguments.out}: {len(convolutions(network))} convolutions")
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
