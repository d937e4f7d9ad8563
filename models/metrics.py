"""Measures of a matte against the truth.

α and t are float arrays [H, W] in 0..1. Definitions follow RobustVideoMatting's evaluation
(arXiv 2108.11515), the image-matting benchmark of Rhemann et al. (CVPR 2009) and DAVIS
(CVPR 2016). Grad and Conn are sums over the pixels: they only compare at equal resolution.
Predictions are never normalised.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Alpha = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

THRESHOLD = 0.5


def mad(alpha: Alpha, truth: Alpha) -> float:
    """Mean absolute difference, ×1e3."""
    return float(np.abs(alpha - truth).mean(dtype=np.float64) * 1e3)


def mse(alpha: Alpha, truth: Alpha) -> float:
    """Mean squared difference, ×1e3."""
    return float(np.square(alpha - truth).mean(dtype=np.float64) * 1e3)


@dataclass(frozen=True)
class Overlap:
    """Agreement of the masks α ≥ .5 and t ≥ .5, each in 0..1.

    With no foreground in either, all four are 1.
    """

    iou: float
    precision: float
    recall: float
    f1: float


def overlap(alpha: Alpha, truth: Alpha) -> Overlap:
    """IoU, precision, recall and F1 of the foreground."""
    found, real = alpha >= THRESHOLD, truth >= THRESHOLD
    both = int((found & real).sum())
    n_found, n_real = int(found.sum()), int(real.sum())
    if n_found + n_real == 0:
        return Overlap(1.0, 1.0, 1.0, 1.0)
    return Overlap(
        iou=both / (n_found + n_real - both),
        precision=both / n_found if n_found else 0.0,
        recall=both / n_real if n_real else 0.0,
        f1=2 * both / (n_found + n_real),
    )


def _gaussian_derivative(sigma: float = 1.4, epsilon: float = 1e-2) -> npt.NDArray[np.float64]:
    half = math.ceil(sigma * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * sigma * epsilon)))
    x = np.arange(-half, half + 1, dtype=np.float64)
    gauss = np.exp(-(x**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
    kernel = np.outer(gauss, -x * gauss / sigma**2)
    return np.asarray(kernel / np.sqrt((kernel**2).sum()), np.float64)


def gradient_error(alpha: Alpha, truth: Alpha, *, stretched: bool = False) -> float:
    """Grad: Σ(‖∇α‖ − ‖∇t‖)² / 1000, first-derivative Gaussian of σ = 1.4 (9×9).

    `stretched` spreads both alphas to 0..1 first, each by its own extremes, as the low-resolution
    script of RobustVideoMatting does: only to compare with tables published that way.
    """
    kernel = _gaussian_derivative()
    if stretched:
        alpha, truth = (cv2.normalize(a, None, 0, 1, cv2.NORM_MINMAX) for a in (alpha, truth))

    def steepness(values: Alpha) -> npt.NDArray[np.float64]:
        wide = values.astype(np.float64)
        dx = cv2.filter2D(wide, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        dy = cv2.filter2D(wide, -1, kernel.T, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(np.sqrt(dx**2 + dy**2), np.float64)

    return float(np.square(steepness(alpha) - steepness(truth)).sum() / 1000)


def connectivity_error(alpha: Alpha, truth: Alpha) -> float:
    """Conn: Σ|φα − φt| / 1000 with thresholds 0, .1, … 1 and 4-connected components.

    l is the highest threshold up to which a pixel belongs to the largest component that both
    mattes share; φ = 1 − d·[d ≥ .15] with d = value − l.
    """
    step = 0.1
    level = np.full(alpha.shape, -1.0)
    thresholds = np.arange(0, 1 + step, step)
    for i in range(1, len(thresholds)):
        shared = ((alpha >= thresholds[i]) & (truth >= thresholds[i])).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(shared, connectivity=4)
        if count > 1:
            largest = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        else:
            largest = np.zeros(alpha.shape, np.bool_)
        level[(level == -1) & ~largest] = thresholds[i - 1]
    level[level == -1] = 1

    def connectedness(values: Alpha) -> npt.NDArray[np.float64]:
        distance = values.astype(np.float64) - level
        return np.asarray(1 - distance * (distance >= 0.15), np.float64)

    return float(np.abs(connectedness(alpha) - connectedness(truth)).sum() / 1000)


def flicker(alphas: Sequence[Alpha], truths: Sequence[Alpha]) -> list[float]:
    """Of each frame 1… of a clip the RMS of (α_i − α_{i−1}) − (t_i − t_{i−1}), ×1e2.

    Raises `ValueError` for fewer than two frames or sequences of different lengths.
    """
    if len(alphas) != len(truths) or len(alphas) < 2:
        raise ValueError("flicker needs two equally long sequences of at least two frames")
    steps = [
        np.square((alphas[i] - alphas[i - 1]) - (truths[i] - truths[i - 1])).mean(dtype=np.float64)
        for i in range(1, len(alphas))
    ]
    return [float(step) for step in 1e2 * np.sqrt(steps)]


def dtssd(alphas: Sequence[Alpha], truths: Sequence[Alpha]) -> float:
    """Flicker of a clip, ×1e2: the mean of `flicker`, which see."""
    return float(np.mean(flicker(alphas, truths)))


def _outline(mask: Mask) -> npt.NDArray[np.uint8]:
    """Pixels whose right, lower or lower-right neighbour lies on the other side."""
    m = mask.astype(np.uint8)
    padded = np.pad(m, ((0, 1), (0, 1)), mode="edge")
    east, south, corner = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    return np.asarray((m ^ east) | (m ^ south) | (m ^ corner), np.uint8)


def boundary_f(alpha: Alpha, truth: Alpha) -> float:
    """DAVIS contour F of the masks at .5, tolerance .008 of the diagonal, 0..1."""
    found, real = _outline(alpha >= THRESHOLD), _outline(truth >= THRESHOLD)
    radius = math.ceil(0.008 * math.hypot(*alpha.shape))
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disk = (x**2 + y**2 <= radius**2).astype(np.uint8)
    n_found, n_real = int(found.sum()), int(real.sum())
    if n_found == 0 or n_real == 0:
        return 1.0 if n_found == n_real else 0.0
    precision = float((found & cv2.dilate(real, disk)).sum() / n_found)
    recall = float((real & cv2.dilate(found, disk)).sum() / n_real)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
