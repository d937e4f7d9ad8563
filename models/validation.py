"""What a network in training makes of pictures."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models import metrics
from models.dataset import Picture
from models.errors import ModelsError
from models.network import MattingNetwork
from models.sizes import network_size


def to_input(images: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] → float32 [N, 3, H, W] in 0..1, channels last in memory."""
    return images.permute(0, 3, 1, 2).to(torch.float32).div_(255)


@torch.no_grad()
def predict(network: nn.Module, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Alpha [H, W] of a picture uint8 [H, W, 3] RGB, through the network's own size."""
    assert isinstance(network, MattingNetwork)
    plan = network.architecture
    height, width = network_size(image.shape[0], image.shape[1], plan.area, plan.stride)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    device = network.last.weight.device
    logits = network(to_input(torch.from_numpy(np.asarray(small))[None].to(device)))
    alpha = torch.sigmoid(logits)[0, 0].float().cpu().numpy()
    back = cv2.resize(alpha, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(back, np.float32)


@torch.no_grad()
def validate(network: nn.Module, pictures: Sequence[Picture]) -> dict[str, tuple[float, float]]:
    """Mean IoU and MAD (×1e3) of each set, each picture at a size of its own aspect."""
    network.eval()
    results: dict[str, list[tuple[float, float]]] = {}
    for picture in pictures:
        truth = picture.alpha.astype(np.float32) / np.float32(255)
        alpha = predict(network, picture.image)
        values = (metrics.overlap(alpha, truth).iou, metrics.mad(alpha, truth))
        results.setdefault(picture.entry.set, []).append(values)
    return {
        name: (float(np.mean([v[0] for v in values])), float(np.mean([v[1] for v in values])))
        for name, values in sorted(results.items())
    }


def agreed(pictures: Sequence[Picture], network: nn.Module, least: float) -> list[Picture]:
    """The pictures less those labelled by a teacher with which `network` has an IoU below `least`.

    Where two networks of different origin disagree that much, one is wrong, often the teacher: a
    chair taken for a person, shoulders left out.

    Raises:
        ModelsError: none is left.
    """
    network.eval()

    def iou(picture: Picture) -> float:
        truth = picture.alpha.astype(np.float32) / np.float32(255)
        return metrics.overlap(predict(network, picture.image), truth).iou

    kept = [p for p in pictures if p.entry.label != "teacher" or iou(p) >= least]
    if not kept:
        raise ModelsError(
            f"the first weights agree with none of the {len(pictures)} teacher-labelled pictures: "
            "give --agreement 0 to keep all"
        )
    return kept
