"""The matting networks: picture in, alpha out. Maths only.

The trunk is the one of MediaPipe's selfie segmentation (Google, model card of 2021): a
MobileNetV3-like encoder (Howard et al., arXiv 1905.02244), its "lite reduced" pooled head, and a
decoder that gates every skip connection by channel attention. Some of its operations are written
in a cheaper order that gives the same result: 1×1 convolutions and means before the bilinear
enlargement in place of after it (all are linear, and every small pixel has the same weight in the
enlarged picture), and the last 2×2 transposed convolution as a 1×1 convolution followed by a pixel
shuffle.

`quality` adds two branches to the trunk. Both start as zeros, so that a trunk's weights can be
taken over: a deep one at a thirty-second of the size, which sees the whole picture, and a detail
one at half the size, which takes the outline from the picture itself.

Convolutions have biases and no normalisation: the published weights have theirs merged already,
and training without it is three times faster on a CPU.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

Activation = Literal["hardswish", "relu", "none"]

_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "hardswish": nn.Hardswish,
    "relu": lambda: nn.ReLU(inplace=True),
    "none": nn.Identity,
}


@dataclass(frozen=True)
class Architecture:
    """What a network has beyond the trunk.

    Attributes:
        deep_blocks: blocks of the branch at 1/32; 0 leaves it out.
        deep_channels: its width.
        detail_channels: width of the branch at 1/2; 0 leaves it out.
        native_size: (height, width) at which it is to see a 16:9 picture.
    """

    deep_blocks: int = 0
    deep_channels: int = 0
    detail_channels: int = 0
    native_size: tuple[int, int] = (176, 320)

    @property
    def stride(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 32 if self.deep_blocks else 16

    @property
    def area(self) -> int:
        """Pixels a picture is brought to: the network's native amount of work."""
        return self.native_size[0] * self.native_size[1]


ARCHITECTURES = {
    "fast": Architecture(3, 96, 0, (192, 288)),
    "quality": Architecture(5, 128, 16, (352, 608)),
}


def pooled(x: Tensor) -> Tensor:
    """The mean over the picture: [N, C, H, W] → [N, C, 1, 1]."""
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return F.adaptive_avg_pool2d(x, 1)  # becomes one operator in ONNX
    # the gradient of a sum needs no tensor of the picture's size, that of a mean does
    return x.sum((2, 3), keepdim=True) * (1 / (x.shape[2] * x.shape[3]))


class Conv(nn.Module):
    """Convolution and activation: [N, in, H, W] → [N, out, H/s, W/s].

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
        )
        # variance is kept through the layers, where no weights are taken over
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]
        self.act = _ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        if self.pad:
            x = F.pad(x, self.pad)
        y: Tensor = self.act(self.conv(x))
        return y


class ChannelGate(nn.Module):
    """Squeeze and excite: the mean of features, [N, C, 1, 1] → gains in 0..1, likewise."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, mean: Tensor) -> Tensor:
        return torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))


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
        self.expand = Conv(inputs, expanded, activation=activation)
        self.depthwise = Conv(
            expanded, expanded, kernel, stride, groups=expanded, activation=activation
        )
        self.gate = ChannelGate(expanded, squeezed) if squeezed else None
        self.project = Conv(expanded, outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.depthwise(self.expand(x))
        if self.gate is not None:
            y = y * self.gate(pooled(y))
        y = self.project(y)
        return x + y if self.residual else y


class PooledHead(nn.Module):
    """The LR-ASPP head: features gated by what the whole picture shows."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.local = Conv(inputs, outputs, activation="relu")
        self.context = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.local(x) * torch.sigmoid(self.context(pooled(x)))
        return y


class DecoderStage(nn.Module):
    """Enlarge twofold, add the gated skip connection, refine with a depthwise residual.

    `x` [N, in, H, W] and `skip` [N, out, 2H, 2W] give [N, out, 2H, 2W].
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.reduce = Conv(inputs, outputs)
        self.gate = ChannelGate(outputs, outputs)
        self.mix = Conv(outputs, outputs, activation="relu")
        self.refine = Conv(outputs, outputs, 3, groups=outputs, activation="relu")

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        low = self.reduce(x)
        gate = self.gate(pooled(skip) + pooled(low))
        mix = self.mix.conv
        y: Tensor = self.mix.act(mix(skip * gate) + enlarged(F.conv2d(low, mix.weight)))
        z: Tensor = y + self.refine(y)
        return z


class DeepBranch(nn.Module):
    """What a whole picture tells: [N, C, H, W] → a correction of the same shape, at first 0."""

    def __init__(self, channels: int, wide: int, blocks: int) -> None:
        super().__init__()
        self.down = Bottleneck(channels, 4 * channels, wide, 5, stride=2)
        self.blocks = nn.Sequential(
            *(Bottleneck(wide, 3 * wide, wide, 5, squeezed=wide // 2) for _ in range(blocks))
        )
        for block in self.blocks:
            assert isinstance(block, Bottleneck)
            nn.init.zeros_(block.project.conv.weight)
        self.back = Conv(wide, channels)
        nn.init.zeros_(self.back.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.back(self.blocks(self.down(x)))
        return enlarged(y)


class DetailBranch(nn.Module):
    """The outline from the picture: a correction of the logits of 2×2 pixels each, at first 0.

    `image` [N, 3, 2H, 2W] and `features` [N, C, H, W] give [N, 4, H, W].
    """

    def __init__(self, channels: int, wide: int) -> None:
        super().__init__()
        self.look = Conv(3, wide, 3, stride=2)
        self.ask = Conv(channels, wide)
        self.near = Conv(wide, wide, 3, groups=wide, activation="relu")
        self.mix = Conv(wide, wide, activation="relu")
        self.refine = Conv(wide, wide, 3, groups=wide, activation="relu")
        self.answer = Conv(wide, 4)
        nn.init.zeros_(self.answer.conv.weight)

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        y = F.relu(self.look(image) + self.ask(features))
        y = self.mix(y + self.near(y))
        z: Tensor = self.answer(y + self.refine(y))
        return z


class MattingNetwork(nn.Module):
    """RGB in 0..1, [N, 3, H, W] with H and W multiples of the stride → alpha logits [N, 1, H, W].

    Args:
        name: of one of `ARCHITECTURES`.
    """

    def __init__(self, name: str = "fast") -> None:
        super().__init__()
        self.name = name
        self.architecture = plan = ARCHITECTURES[name]
        wide: Activation = "hardswish"
        self.stem = Conv(3, 16, 3, stride=2, activation=wide)
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
        # after the trunk, so that the trunk's convolutions are in the published file's order
        self.deep = (
            DeepBranch(32, plan.deep_channels, plan.deep_blocks) if plan.deep_blocks else None
        )
        self.detail = DetailBranch(16, plan.detail_channels) if plan.detail_channels else None

    def forward(self, image: Tensor) -> Tensor:
        x2 = self.stem(image)
        x4 = self.to4(x2)
        x8 = self.to8(x4)
        x16 = self.to16(x8)
        if self.deep is not None:
            x16 = x16 + self.deep(x16)

        y = self.head(x16)
        y = self.up8(y, x8)
        y = self.up4(y, x4)
        y = self.up2(y, x2)
        quads = self.last(y)
        if self.detail is not None:
            quads = quads + self.detail(image, y)
        logits: Tensor = F.pixel_shuffle(quads, 2)
        return logits


def enlarged(x: Tensor) -> Tensor:
    """[N, C, H, W] → [N, C, 2H, 2W], bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


BRANCHES = ("deep", "detail")
"""The parts that are not of the trunk, and begin with nothing."""


def trunk(network: MattingNetwork) -> list[nn.Module]:
    """The parts that every architecture has, in the order in which they run."""
    return [m for n, m in network.named_children() if n not in BRANCHES]
