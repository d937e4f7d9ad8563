"""Fine-tune the matting network on pictures of people with alpha.

`--out` receives `last.pt` (everything needed to resume), `best.pt` (weights of the best
validation so far), `log.csv` (loss and validation over time) and `curve.png`. Starting the same
command again resumes from `last.pt`. With `--steps` two runs of one seed are equal; with
`--minutes` the learning rate follows the clock, so that a run fits its time on any machine.
"""

import argparse
import copy
import csv
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from models import metrics
from models.augmentation import Sampler
from models.checkpoint import load_weights, read, save_weights
from models.curve import draw_curve
from models.dataset import Licences, Picture, load_all, read_backgrounds, read_index
from models.errors import ModelsError, run_command
from models.losses import matting_loss
from models.network import MattingNetwork
from models.sizes import network_size
from models.warmstart import calibrate_norms

# (height, width) and how often: five aspects at about 36,864 pixels, and at 1.5 times as many,
# so that a faster machine may run the network larger
SIZES = (
    (144, 256), (192, 192), (160, 224), (224, 160), (256, 144),
    (176, 320), (240, 240), (208, 272), (272, 208), (320, 176),
)  # fmt: skip
SIZE_CHANCES = (0.25, 0.13, 0.12, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)
EMA_DECAY = 0.998
WARM_UP_STEPS = 200
LOG_EVERY = 50

Batch = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Plan:
    """How a run trains; `minutes` or `steps` ends it."""

    batch: int = 32
    rate: float = 1e-3
    weight_decay: float = 1e-4
    seed: int = 1
    minutes: float | None = None
    steps: int | None = None
    validate_minutes: float = 4.0
    workers: int = 1
    freeze_norms: bool = False


class Batches(IterableDataset[Batch]):
    """Endless batches: image uint8 [N, H, W, 3], alpha float32 [N, 1, H, W], weight [N]."""

    def __init__(self, sampler: Sampler, batch: int, seed: int, first_step: int) -> None:
        super().__init__()
        self.sampler, self.batch, self.seed, self.first_step = sampler, batch, seed, first_step

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        if worker is not None:
            cv2.setNumThreads(0)
        rng = np.random.default_rng([self.seed, self.first_step, worker.id if worker else 0])
        while True:
            size = SIZES[rng.choice(len(SIZES), p=SIZE_CHANCES)]
            samples = [self.sampler.draw(size, rng) for _ in range(self.batch)]
            yield (
                torch.from_numpy(np.stack([s.image for s in samples])),
                torch.from_numpy(np.stack([s.alpha for s in samples])[:, None]),
                torch.tensor([s.weight for s in samples]),
            )


def to_input(images: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] → float32 [N, 3, H, W] in 0..1, channels last in memory."""
    return images.permute(0, 3, 1, 2).to(torch.float32).div_(255)


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


@torch.no_grad()
def predict(network: nn.Module, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Alpha [H, W] of a picture uint8 [H, W, 3] RGB, through the network's own size."""
    height, width = network_size(*image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    logits = network(to_input(torch.from_numpy(np.asarray(small))[None]))
    alpha = torch.sigmoid(logits)[0, 0].numpy()
    back = cv2.resize(alpha, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(back, np.float32)


def agreed(pictures: Sequence[Picture], network: nn.Module, least: float) -> list[Picture]:
    """The pictures less those labelled by a teacher with which `network` has an IoU below `least`.

    Where two networks of different origin disagree that much, one is wrong, often the teacher: a
    chair taken for a person, shoulders left out.
    """
    network.eval()

    def iou(picture: Picture) -> float:
        truth = picture.alpha.astype(np.float32) / np.float32(255)
        return metrics.overlap(predict(network, picture.image), truth).iou

    return [p for p in pictures if p.entry.label != "teacher" or iou(p) >= least]


def learning_rate(peak: float, step: int, progress: float) -> float:
    """A short linear warm-up, then a cosine from `peak` down to a hundredth of it."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Trainer:
    """One run: the network, its average, the optimizer and what happened so far."""

    def __init__(
        self,
        network: MattingNetwork,
        sampler: Sampler,
        val: Sequence[Picture],
        plan: Plan,
        out: Path,
    ) -> None:
        if plan.minutes is None and plan.steps is None:
            raise ModelsError("say how long to train: --minutes or --steps")
        torch.manual_seed(plan.seed)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), plan.rate, weight_decay=plan.weight_decay
        )
        self.sampler, self.val, self.plan, self.out = sampler, val, plan, out
        self.step = 0
        self.seconds = 0.0
        self.best = -1.0
        self.out.mkdir(parents=True, exist_ok=True)

    @property
    def progress(self) -> float:
        """Part of the run that is over, 0..1."""
        if self.plan.steps is not None:
            return self.step / self.plan.steps
        assert self.plan.minutes is not None
        return self.seconds / (60 * self.plan.minutes)

    def resume(self) -> bool:
        """Go on from `last.pt`, if there is one."""
        path = self.out / "last.pt"
        if not path.exists():
            return False
        stored = read(path)
        self.network.load_state_dict(stored["state"])
        self.average.load_state_dict(stored["average"])
        self.optimizer.load_state_dict(stored["optimizer"])
        self.step, self.seconds = stored["step"], stored["seconds"]
        self.best = stored["best"]
        return True

    def save(self) -> None:
        """Write `last.pt`, whole or not at all."""
        part = self.out / "last.pt.part"
        torch.save(
            {
                "wide": self.network.wide,
                "state": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "best": self.best,
            },
            part,
        )
        part.replace(self.out / "last.pt")

    def run(self) -> list[float]:
        """Train to the end of the plan; returns the mean loss of every stretch of steps."""
        batches = iter(
            DataLoader(
                Batches(self.sampler, self.plan.batch, self.plan.seed, self.step),
                batch_size=None,
                num_workers=self.plan.workers,
                prefetch_factor=4 if self.plan.workers else None,
                multiprocessing_context="fork" if self.plan.workers else None,
            )
        )
        if self.step == 0:
            # a warm start has no statistics of its own
            calibrate_norms(self.network, [to_input(next(batches)[0]) for _ in range(8)])
            self.average.load_state_dict(self.network.state_dict())
        losses: list[float] = []
        history: list[float] = []
        validated = self.seconds
        last = time.monotonic()
        while self.progress < 1:
            losses.append(self.train_step(next(batches)))
            now = time.monotonic()
            self.seconds += now - last
            last = now
            if self.step % LOG_EVERY == 0 or self.progress >= 1:
                history.append(float(np.mean(losses)))
                losses.clear()
                due = self.seconds - validated >= 60 * self.plan.validate_minutes
                if self.val and (due or self.progress >= 1):
                    self.report(history[-1], validate(self.average, self.val))
                    validated = self.seconds
                    last = time.monotonic()  # validation is not training time
                else:
                    self.report(history[-1], {})
        self.save()
        return history

    def train_step(self, batch: Batch) -> float:
        """One step of the optimizer and of the average; returns the batch's loss."""
        images, alpha, weight = batch
        rate = learning_rate(self.plan.rate, self.step, self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        if self.plan.freeze_norms:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        per_picture = matting_loss(self.network(to_input(images)), alpha)
        loss = (per_picture * weight).sum() / weight.sum()
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        self._update_average(min(EMA_DECAY, (1 + self.step) / (10 + self.step)))
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        mine, theirs = self.average.state_dict(), self.network.state_dict()
        for name, value in mine.items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - decay)
            else:
                value.copy_(theirs[name])

    def report(self, loss: float, scores: dict[str, tuple[float, float]]) -> None:
        """Append to the log; with a validation, also keep the weights if they are the best."""
        iou = float(np.mean([s[0] for s in scores.values()])) if scores else math.nan
        row: dict[str, Any] = {
            "step": self.step,
            "minutes": round(self.seconds / 60, 2),
            "loss": round(loss, 5),
            "iou": round(iou, 5) if scores else "",
            "mad": round(float(np.mean([s[1] for s in scores.values()])), 3) if scores else "",
        }
        path = self.out / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        line = "  ".join(f"{key} {value}" for key, value in row.items() if value != "")
        sets = "  ".join(f"{name} {s[0]:.4f}/{s[1]:.1f}" for name, s in scores.items())
        print(line, sets, flush=True)
        if scores:
            if iou > self.best:
                self.best = iou
                save_weights(
                    self.out / "best.pt", self.average, {"step": self.step, "val_iou": iou}
                )
            self.save()
            draw_curve(path, self.out / "curve.png")


def load_pictures(
    data: Path, licences: Licences, sets: Sequence[str]
) -> tuple[list[Picture], list[Picture], list[Picture], list[Picture]]:
    """People to train on, backgrounds, things to put in the way, people to validate with."""
    people = read_index(data, "train", licences, sets)
    backgrounds = read_backgrounds(data, "train", licences)
    products = []
    if licences == "all" and (data / "products.csv").exists():
        # pictures of clothes are left out: some are worn by a person
        products = read_index(data, "train", licences, ("ikea",), index="products.csv")
    val = read_index(data, "val")
    return load_all(people), load_all(backgrounds), load_all(products), load_all(val)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data"),
        help="folder with index.csv and backgrounds.csv (%(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument(
        "--init",
        type=Path,
        help="weights to start from (models.warmstart or an earlier best.pt); "
        "without it the network starts from random weights",
    )
    parser.add_argument("--minutes", type=float, help="training time; or give --steps")
    parser.add_argument("--steps", type=int, help="number of batches; or give --minutes")
    parser.add_argument("--batch", type=int, default=32, help="pictures in a batch (%(default)s)")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--licences",
        choices=("all", "permissive"),
        default="all",
        help="permissive: only pictures whose source states a permissive licence",
    )
    parser.add_argument(
        "--agreement",
        type=float,
        default=0.8,
        help="leave out teacher-labelled pictures on which the network of --init has a lower IoU "
        "with the teacher than this; 0 keeps all (%(default)s)",
    )
    parser.add_argument("--sets", nargs="*", default=(), help="only these sets of people")
    parser.add_argument(
        "--wide",
        choices=("hardswish", "relu"),
        help="activation of the wide layers (default: as in --init)",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="loader processes (%(default)s)")
    parser.add_argument(
        "--freeze-norms",
        action="store_true",
        help="normalise by the stored statistics, not by those of each batch",
    )
    parser.add_argument(
        "--validate-minutes", type=float, default=4.0, help="time between validations (%(default)s)"
    )
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    network = load_weights(arguments.init) if arguments.init else MattingNetwork()
    if arguments.wide and arguments.wide != network.wide:
        state = network.state_dict()
        network = MattingNetwork(arguments.wide)
        network.load_state_dict(state)
    started = time.monotonic()
    people, backgrounds, products, val = load_pictures(
        arguments.data, arguments.licences, arguments.sets
    )
    if arguments.init and arguments.agreement > 0:
        people = agreed(people, network, arguments.agreement)
    print(
        f"{len(people)} people, {len(backgrounds)} backgrounds, {len(products)} things, "
        f"{len(val)} to validate with ({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    plan = Plan(
        batch=arguments.batch,
        rate=arguments.rate,
        seed=arguments.seed,
        minutes=arguments.minutes,
        steps=arguments.steps,
        workers=arguments.workers,
        freeze_norms=arguments.freeze_norms,
        validate_minutes=arguments.validate_minutes,
    )
    trainer = Trainer(network, Sampler(people, backgrounds, products), val, plan, arguments.out)
    if trainer.resume():
        print(f"resumed at step {trainer.step}", flush=True)
    trainer.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
