"""Start from MediaPipe's published selfie-segmentation weights (Apache-2.0, Google).

`python -m models.warmstart selfie_segmentation.tflite --out start.pt` reads the convolutions of
the flatbuffer in execution order, which is also the order of `MattingNetwork`'s modules, checks
every shape and writes a checkpoint. The file comes with the npm package
`@mediapipe/selfie_segmentation`; reading it needs `pip install tflite`.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.checkpoint import save_weights
from models.errors import ModelsError, run_command
from models.network import ConvNorm, MattingNetwork, Wide

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


def convolutions(network: MattingNetwork) -> list[ConvNorm | nn.Conv2d]:
    """The network's convolutions in the order in which the tflite file runs them."""

    def found(module: nn.Module) -> list[ConvNorm | nn.Conv2d]:
        if isinstance(module, ConvNorm | nn.Conv2d):
            return [module]
        return [conv for child in module.children() for conv in found(child)]

    return found(network)


def load_kernels(network: MattingNetwork, kernels: list[Kernel]) -> None:
    """Copy the kernels into the network; the normalisations become identities plus the bias."""
    targets = convolutions(network)
    if len(targets) != len(kernels):
        raise ModelsError(
            f"the file has {len(kernels)} convolutions, the network {len(targets)}: "
            "is it selfie_segmentation.tflite or selfie_segmentation_landscape.tflite?"
        )
    with torch.no_grad():
        for number, (target, kernel) in enumerate(zip(targets, kernels, strict=True)):
            conv = target.conv if isinstance(target, ConvNorm) else target
            if tuple(conv.weight.shape) != kernel.weight.shape:
                raise ModelsError(
                    f"convolution {number} of the file is {kernel.weight.shape}, "
                    f"the network's is {tuple(conv.weight.shape)}"
                )
            conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel.weight)))
            bias = torch.from_numpy(kernel.bias)
            if isinstance(target, ConvNorm):
                norm = target.norm
                assert isinstance(norm, nn.BatchNorm2d)
                assert norm.running_mean is not None
                assert norm.running_var is not None
                norm.running_mean.zero_()
                norm.running_var.fill_(1 - norm.eps)
                norm.weight.fill_(1)
                norm.bias.copy_(bias)
            else:
                assert conv.bias is not None
                conv.bias.copy_(bias)


@torch.no_grad()
def calibrate_norms(network: MattingNetwork, batches: list[Tensor]) -> None:
    """Give the normalisations the statistics of `batches` without changing what they compute.

    Every batch is float32 [N, 3, H, W] in 0..1. A network whose normalisations were folded has
    lost its statistics; with them restored, batch statistics in training start out close to the
    stored ones. Layers are measured one at a time, in order, each on unchanged inputs.
    """
    sums: dict[ConvNorm, list[tuple[Tensor, Tensor]]] = {}

    def record(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        owner = owners[module]
        variance, mean = torch.var_mean(output.double(), dim=(0, 2, 3), correction=0)
        sums.setdefault(owner, []).append((mean, variance + mean**2))

    owners: dict[nn.Module, ConvNorm] = {
        m.conv: m for m in network.modules() if isinstance(m, ConvNorm)
    }
    handles = [conv.register_forward_hook(record) for conv in owners]
    training = network.training
    network.eval()
    for batch in batches:
        network(batch)
    network.train(training)
    for handle in handles:
        handle.remove()
    for owner, moments in sums.items():
        norm = owner.norm
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean = torch.stack([m for m, _ in moments]).mean(0)
        variance = torch.stack([s for _, s in moments]).mean(0) - mean**2
        old = torch.sqrt(norm.running_var.double() + norm.eps)
        gain = norm.weight.double() / old
        offset = norm.bias.double() - norm.running_mean.double() * gain
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(gain * torch.sqrt(norm.running_var.double() + norm.eps))
        norm.bias.copy_(offset + mean * gain)


def warm_started(path: Path, wide: Wide = "hardswish") -> MattingNetwork:
    """A network that computes what the tflite file at `path` computes (with `wide` hardswish)."""
    network = MattingNetwork(wide)
    load_kernels(network, read_kernels(path))
    return network.eval()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.warmstart", description=__doc__)
    parser.add_argument("tflite", type=Path, help="MediaPipe's selfie segmentation file")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write (.pt)")
    arguments = parser.parse_args()
    network = warm_started(arguments.tflite)
    save_weights(arguments.out, network, {"origin": arguments.tflite.name})
    print(f"{arguments.out}: {len(convolutions(network))} convolutions")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
