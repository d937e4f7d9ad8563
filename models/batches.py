"""Training samples → batches, endlessly, in loader processes."""

import signal
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from models.losses import boundary_weight
from models.network import MattingNetwork
from models.plan import Plan
from models.scenes import Origin, Sampler
from models.sizes import network_size

# Width by height of the pictures that a batch may be made of, and how often: most are seen wide.
ASPECTS = {16 / 9: 0.4, 4 / 3: 0.2, 1.0: 0.1, 3 / 4: 0.2, 9 / 16: 0.1}
# Parts of the network's native number of pixels, and how often.
AREAS = {1.0: 0.65, 0.7: 0.35}

# How often a batch is made of pairs of consecutive frames.
PAIR_CHANCE = 0.35


class Batch(NamedTuple):
    """What a step learns from.

    Attributes:
        images: uint8 [N, H, W, 3].
        alpha: float32 [N, 1, H, W].
        pixels: the weight of every pixel, likewise.
        weight: of every picture, [N].
        paired: whether the pictures are consecutive frames in pairs.
    """

    images: Tensor
    alpha: Tensor
    pixels: Tensor
    weight: Tensor
    paired: bool

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.images, self.alpha, self.pixels, self.weight


def _abandoned(*_: object) -> None:
    """Ctrl-C reaches all processes of a terminal: the trainer saves, then ends this one.

    That a batch is no longer fetched, or half, is no news by then.
    """
    sys.excepthook = lambda *_: None


class Batches(IterableDataset[Batch]):
    """Endless batches."""

    def __init__(
        self,
        sampler: Sampler,
        sizes: Sequence[tuple[tuple[int, int], float]],
        plan: Plan,
        step: int,
    ) -> None:
        super().__init__()
        self.sampler, self.plan, self.first_step = sampler, plan, step
        self.sizes = [size for size, _ in sizes]
        self.chances = [chance for _, chance in sizes]

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        if worker is not None:
            cv2.setNumThreads(0)
            signal.signal(signal.SIGINT, _abandoned)
        rng = np.random.default_rng([self.plan.seed, self.first_step, worker.id if worker else 0])
        while True:
            size = self.sizes[rng.choice(len(self.sizes), p=self.chances)]
            paired = bool(rng.random() < PAIR_CHANCE) and self.plan.batch % 2 == 0
            frames = 2 if paired else 1
            origin = self._origin(rng)
            samples = [
                sample
                for _ in range(self.plan.batch // frames)
                for sample in self.sampler.draw_clip(size, rng, frames, origin)
            ]
            yield Batch(
                torch.from_numpy(np.stack([s.image for s in samples])),
                torch.from_numpy(np.stack([s.alpha for s in samples])[:, None]),
                torch.from_numpy(np.stack([boundary_weight(s.alpha) for s in samples])[:, None]),
                torch.tensor([s.weight for s in samples]),
                paired,
            )

    def _origin(self, rng: np.random.Generator) -> Origin | None:
        """Where the samples of the next batch come from; None for both."""
        if not self.plan.alternate:
            return None
        chance = self.sampler.mix.photographs
        return "photographs" if rng.random() < chance else "composites"


def batch_sizes(network: MattingNetwork) -> list[tuple[tuple[int, int], float]]:
    """The (height, width) of the batches for a network, each with its chance."""
    plan = network.architecture
    return [
        (network_size(1000, round(1000 * aspect), plan.area * part, plan.stride), often * share)
        for part, share in AREAS.items()
        for aspect, often in ASPECTS.items()
    ]


def start_method(platform: str = sys.platform) -> str | None:
    """How loader processes start; None as the platform does.

    Fork shares the pictures in memory. Windows has none, and macOS's libraries do not survive it:
    there each process is sent a copy.
    """
    return "fork" if platform == "linux" else None


def loader(batches: Batches, pinned: bool) -> Iterator[Batch]:
    """The batches as the plan's loader processes make them, or this one if it has none."""
    workers = batches.plan.workers
    return iter(
        DataLoader(
            batches,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            multiprocessing_context=start_method() if workers else None,
            pin_memory=pinned,
        )
    )
