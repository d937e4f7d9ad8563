"""The matting network: picture in, alpha out. Maths only.

The architecture is the one of MediaPipe's selfie segmentation (Google, model card of 2021): a
MobileNetV3-like encoder (Howard et al., arXiv 1905.02244), its "lite reduced" pooled head, and a
decoder that gates every skip connection by channel attention. Two of its operations are written
in a cheaper order that gives the same result: a 1×1 convolution before the bilinear enlargement
in place of after it (both are linear and the enlargement's weights sum to one), and the last 2×2
transposed convolution as a 1×1 convolution followed by a pixel shuffle.
"""

import copy
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

STRIDE = 16
"""Height and width of the input must be multiples of this."""

Activation = Literal["hardswish", "relu", "none"]
Wide = Literal["hardswish", "relu"]

_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "hardswish": nn.Hardswish,
    "relu": nn.ReLU,
    "none": nn.Identity,
}


class ConvNorm(nn.Module):
    """Convolution, batch normalisation, activation: [N, in, H, W] → [N, out, H/s, W/s].

    Padding follows TensorFlow's SAME rule, which the published weights were trained with: with
    stride 2 on an even size, the odd pixel of padding goes to the bottom and to the right.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        activation: Activation = "none",
    ) -> None:
        super().__init__()
        total = kernel - stride if stride > 1 else kernel - 1
        before, after = total // 2, total - total // 2
        self.pad = (before, after, before, after) if before != after else None
        self.conv = nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride,
            padding=0 if self.pad else before,
            groups=groups,
            bias=False,
        )
        self.norm: nn.Module = nn.BatchNorm2d(outputs, momentum=0.02)
        self.act = _ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        if self.pad:
            x = F.pad(x, self.pad)
        y: Tensor = self.act(self.norm(self.conv(x)))
        return y

    def fold(self) -> None:
        """Merge the batch normalisation into the convolution (in place, for inference)."""
        norm = self.norm
        if not isinstance(norm, nn.BatchNorm2d):
            return
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        self.conv.weight.data.mul_(scale.detach().view(-1, 1, 1, 1))
        self.conv.bias = nn.Parameter((norm.bias - norm.running_mean * scale).detach())
        self.norm = nn.Identity()


class ChannelGate(nn.Module):
    """Squeeze and excite: [N, C, H, W] → gains in 0..1, [N, C, 1, 1]."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)
        return torch.sigmoid(self.excite(F.relu(self.squeeze(pooled))))


class Bottleneck(nn.Module):
    """Inverted residual: expand, depthwise, gate, project; added to its input where it can be."""

    def __init__(
        self,
        inputs: int,
        expanded: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        squeezed: int = 0,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.expand = ConvNorm(inputs, expanded, activation=activation)
        self.depthwise = ConvNorm(
            expanded, expanded, kernel, stride, groups=expanded, activation=activation
        )
        self.gate = ChannelGate(expanded, squeezed) if squeezed else None
        self.project = ConvNorm(expanded, outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.depthwise(self.expand(x))
        if self.gate is not None:
            y = y * self.gate(y)
        y = self.project(y)
        return x + y if self.residual else y


class PooledHead(nn.Module):
    """The LR-ASPP head: features gated by what the whole picture shows."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.local = ConvNorm(inputs, outputs, activation="relu")
        self.context = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        gain = torch.sigmoid(self.context(F.adaptive_avg_pool2d(x, 1)))
        y: Tensor = self.local(x) * gain
        return y


class DecoderStage(nn.Module):
    """Enlarge twofold, add the gated skip connection, refine with a depthwise residual.

    `x` [N, in, H, W] and `skip` [N, out, 2H, 2W] give [N, out, 2H, 2W].
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.reduce = ConvNorm(inputs, outputs)
        self.gate = ChannelGate(outputs, outputs)
        self.mix = ConvNorm(outputs, outputs, activation="relu")
        self.refine = ConvNorm(outputs, outputs, 3, groups=outputs, activation="relu")

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(self.reduce(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        y: Tensor = self.mix(skip * self.gate(skip + up) + up)
        z: Tensor = y + self.refine(y)
        return z


class MattingNetwork(nn.Module):
    """RGB in 0..1, [N, 3, H, W] with H and W multiples of 16 → alpha logits [N, 1, H, W].

    `wide` names the activation of the stem and of the deep blocks: "hardswish" as published, or
    "relu", which an int8 convolution absorbs at no cost.
    """

    def __init__(self, wide: Wide = "hardswish") -> None:
        super().__init__()
        self.wide = wide
        self.stem = ConvNorm(3, 16, 3, stride=2, activation=wide)
        self.to4 = Bottleneck(16, 16, 16, 3, stride=2, squeezed=8)
        self.to8 = nn.Sequential(
            Bottleneck(16, 72, 24, 3, stride=2),
            Bottleneck(24, 88, 24, 3),
        )
        self.to16 = nn.Sequential(
            Bottleneck(24, 96, 32, 5, stride=2, squeezed=24, activation=wide),
            Bottleneck(32, 128, 32, 5, squeezed=32, activation=wide),
            Bottleneck(32, 128, 32, 5, squeezed=32, activation=wide),
            Bottleneck(32, 96, 32, 5, squeezed=24, activation=wide),
            Bottleneck(32, 96, 32, 5, squeezed=24, activation=wide),
        )
        self.head = PooledHead(32, 128)
        self.up8 = DecoderStage(128, 24)
        self.up4 = DecoderStage(24, 16)
        self.up2 = DecoderStage(16, 16)
        self.last = nn.Conv2d(16, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        x2 = self.stem(image)
        x4 = self.to4(x2)
        x8 = self.to8(x4)
        x16 = self.to16(x8)

        y = self.head(x16)
        y = self.up8(y, x8)
        y = self.up4(y, x4)
        y = self.up2(y, x2)
        logits: Tensor = F.pixel_shuffle(self.last(y), 2)
        return logits


def folded(network: MattingNetwork) -> MattingNetwork:
    """A copy for inference: batch normalisation merged into the convolutions, eval mode."""
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, ConvNorm):
            module.fold()
    return network


def parameter_count(network: nn.Module) -> int:
    """Number of trained scalars."""
    return sum(p.numel() for p in network.parameters())
