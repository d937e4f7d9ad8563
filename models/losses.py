"""What the network is trained to make small.

All functions take alpha float32 [N, 1, H, W] in 0..1 and return one value per picture, [N].
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

BOUNDARY_GAIN = 3.0
"""How much more a pixel near the outline counts, on top of one."""

LEVELS = 4


def boundary_weight(target: Tensor, radius: int = 3) -> Tensor:
    """1 far from the outline, 1 + `BOUNDARY_GAIN` within `radius` pixels of a change of alpha."""
    size = 2 * radius + 1
    highest = F.max_pool2d(target, size, stride=1, padding=radius)
    lowest = -F.max_pool2d(-target, size, stride=1, padding=radius)
    return 1 + BOUNDARY_GAIN * (highest - lowest)


def laplacian(alpha: Tensor, target: Tensor, levels: int = LEVELS) -> Tensor:
    """L1 distance of the Laplacian pyramids, each level weighted by 2^level, per pixel.

    As used for matting by Hou and Liu (Context-aware image matting, ICCV 2019), with box filters
    in place of Gaussians.
    """
    difference = alpha - target  # the pyramid is linear
    total = difference.new_zeros(difference.shape[0])
    for level in range(levels):
        smaller = F.avg_pool2d(difference, 2)
        back = F.interpolate(smaller, scale_factor=2.0, mode="bilinear", align_corners=False)
        total = total + 2**level * (difference - back).abs().mean((1, 2, 3))
        difference = smaller
    return total


def matting_loss(logits: Tensor, target: Tensor) -> Tensor:
    """½ cross-entropy + 3 L1, both heavier near the outline, + Laplacian pyramid.

    Cross-entropy against the soft target keeps a gradient where the network is sure and wrong; L1
    wants a decision in place of a grey veil; the pyramid gives the outline its shape.
    """
    alpha = torch.sigmoid(logits)
    weight = boundary_weight(target)
    weight = weight / weight.mean((1, 2, 3), keepdim=True)
    entropy = F.binary_cross_entropy_with_logits(logits, target, weight, reduction="none")
    distance = (alpha - target).abs() * weight
    return 0.5 * entropy.mean((1, 2, 3)) + 3 * distance.mean((1, 2, 3)) + laplacian(alpha, target)
