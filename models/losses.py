"""What the networks are trained to make small.

All functions take alphas float32 [N, 1, H, W] in 0..1 and return one value per picture, [N].
"""

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from models.dataset import F32

BOUNDARY_GAIN = 3.0
"""How much more a pixel near the outline counts, on top of one."""

BOUNDARY_RADIUS = 3

LEVELS = 4


def boundary_weight(alpha: F32) -> F32:
    """1 far from the outline of alpha [H, W], 1 + `BOUNDARY_GAIN` near it, scaled to a mean of 1.

    Near is within `BOUNDARY_RADIUS` pixels of a change of alpha.
    """
    square = np.ones((2 * BOUNDARY_RADIUS + 1,) * 2, np.uint8)
    weight = 1 + BOUNDARY_GAIN * (cv2.dilate(alpha, square) - cv2.erode(alpha, square))
    return np.asarray(weight / weight.mean(), np.float32)


def laplacian(difference: Tensor, levels: int = LEVELS) -> Tensor:
    """L1 norm of the Laplacian pyramid of α − t, each level weighted by 2^level, per pixel.

    As used for matting by Hou and Liu (Context-aware image matting, ICCV 2019), with box filters
    in place of Gaussians. The pyramid is linear: that of the difference is the difference.
    """
    total = difference.new_zeros(difference.shape[0])
    for level in range(levels):
        smaller = F.avg_pool2d(difference, 2)
        back = F.interpolate(smaller, scale_factor=2.0, mode="bilinear", align_corners=False)
        total = total + 2**level * (difference - back).abs().mean((1, 2, 3))
        difference = smaller
    return total


def matting_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """¼ cross-entropy + 4 L1, both by the pixels' `weight`, + Laplacian pyramid.

    Cross-entropy against the soft target keeps a gradient where the network is sure and wrong; L1
    wants a decision in place of a grey veil; the pyramid gives the outline its shape.
    """
    difference = torch.sigmoid(logits) - target
    entropy = F.binary_cross_entropy_with_logits(logits, target, weight, reduction="none")
    distance = difference.abs() * weight
    return 0.25 * entropy.mean((1, 2, 3)) + 4 * distance.mean((1, 2, 3)) + laplacian(difference)


def flicker_loss(logits: Tensor, target: Tensor) -> Tensor:
    """L1 of what changes wrongly from each even picture to the odd one after it, [N/2].

    The pictures are consecutive frames, in pairs. It is what dtSSD measures, without the square,
    which would leave small flicker alone.
    """
    difference = torch.sigmoid(logits) - target
    return (difference[1::2] - difference[::2]).abs().mean((1, 2, 3))
