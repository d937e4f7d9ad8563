"""Train a matting network on pictures of people with alpha.

    python -m models.train --data FOLDER --out runs/mine --minutes 60

`FOLDER/index.csv` names your pairs in columns image, alpha, set, split (train | val), label,
permissive; `FOLDER/backgrounds.csv` names rooms in columns image, set, split, licence. Training
starts from the weights of this repository; `--init none` starts from nothing.

`--out` receives `last.pt` (everything needed to resume), `best.pt` (weights of the best
validation so far), `log.csv` (loss and validation over time) and `curve.png`. Starting the same
command again resumes from `last.pt`. With `--steps` two runs of one seed are equal; with
`--minutes` the learning rate follows the clock, so that a run fits its time on any machine.
The same command trains on a GPU where PyTorch sees one.
"""

import copy
import csv
import ctypes
import itertools
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from models import command, metrics
from models.checkpoint import load_weights, read, save_weights
from models.clips import apart, clip_folders, clip_pictures
from models.curve import draw_curve
from models.dataset import Licences, Picture, load_all, read_backgrounds, read_index
from models.errors import ModelsError
from models.evaluate import empty_rooms
from models.losses import boundary_weight, flicker_loss, matting_loss
from models.network import ARCHITECTURES, BRANCHES, MattingNetwork
from models.scenes import Origin, Sampler
from models.sizes import network_size

WEIGHTS = Path(__file__).parent / "weights"

# Width by height of the pictures that a batch may be made of, and how often: most are seen wide.
ASPECTS = {16 / 9: 0.4, 4 / 3: 0.2, 1.0: 0.1, 3 / 4: 0.2, 9 / 16: 0.1}
# Parts of the network's native number of pixels, and how often.
AREAS = {1.0: 0.65, 0.7: 0.35}

EMA_DECAY = 0.999
WARM_UP_STEPS = 200
LOG_EVERY = 50

# Parts that begin with nothing learn faster than the trunk, which begins with something.
BRANCH_RATE = 3.0

# How often a batch is made of pairs of consecutive frames, and what their flicker weighs.
PAIR_CHANCE = 0.35
FLICKER_WEIGHT = 5.0

VALIDATION_CLIP_STEP = 25


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


@dataclass(frozen=True)
class Plan:
    """How a run trains; `minutes` or `steps` ends it."""

    batch: int = 16
    rate: float = 6e-4
    weight_decay: float = 1e-4
    seed: int = 1
    minutes: float | None = None
    steps: int | None = None
    validate_minutes: float = 8.0
    workers: int = 1
    flicker: float = FLICKER_WEIGHT
    alternate: bool = False


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


def to_input(images: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] → float32 [N, 3, H, W] in 0..1, channels last in memory."""
    return images.permute(0, 3, 1, 2).to(torch.float32).div_(255)


def keep_memory() -> None:
    """Let glibc keep what is freed: a training step asks for the same large tensors again.

    By default each is mapped and cleared anew, which takes longer than the convolutions.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:  # musl has none
            most_mapped, trim_threshold = -4, -1
            mallopt(most_mapped, 0)
            mallopt(trim_threshold, 2**31 - 1)


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
    assert isinstance(network, MattingNetwork)
    plan = network.architecture
    height, width = network_size(image.shape[0], image.shape[1], plan.area, plan.stride)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    device = network.last.weight.device
    logits = network(to_input(torch.from_numpy(np.asarray(small))[None].to(device)))
    alpha = torch.sigmoid(logits)[0, 0].float().cpu().numpy()
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
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network
        self.average = copy.deepcopy(network).requires_grad_(False)
        branches = tuple(f"{name}." for name in BRANCHES)
        groups = [
            {
                "params": [
                    p for n, p in network.named_parameters() if n.startswith(branches) == new
                ],
                "gain": BRANCH_RATE if new else 1.0,
            }
            for new in (False, True)
        ]
        self.optimizer = torch.optim.AdamW(groups, plan.rate, weight_decay=plan.weight_decay)
        self.scaler = torch.amp.GradScaler(enabled=self.device.type == "cuda")
        self.sampler, self.val, self.plan, self.out = sampler, val, plan, out
        self.step = 0
        self.seconds = 0.0
        self.best = math.inf
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
                "network": self.network.name,
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
                Batches(self.sampler, batch_sizes(self.network), self.plan, self.step),
                batch_size=None,
                num_workers=self.plan.workers,
                prefetch_factor=4 if self.plan.workers else None,
                multiprocessing_context="fork" if self.plan.workers else None,
                pin_memory=self.device.type == "cuda",
            )
        )
        losses: list[Tensor] = []
        history: list[float] = []
        validated = self.seconds
        last = time.monotonic()
        while self.progress < 1:
            losses.append(self.train_step(next(batches)))
            now = time.monotonic()
            self.seconds += now - last
            last = now
            if self.step % LOG_EVERY == 0 or self.progress >= 1:
                history.append(float(torch.stack(losses).mean()))
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

    def train_step(self, batch: Batch) -> Tensor:
        """One step of the optimizer and of the average; returns the batch's loss.

        It stays on the device: to read it is to wait for the step.
        """
        images, alpha, pixels, weight = (
            part.to(self.device, non_blocking=True) for part in batch.tensors
        )
        rate = learning_rate(self.plan.rate, self.step, self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["gain"]
        self.network.train()
        with torch.autocast("cuda", enabled=self.device.type == "cuda"):
            logits = self.network(to_input(images))
        logits = logits.float()
        per_picture = matting_loss(logits, alpha, pixels)
        loss = (per_picture * weight).sum() / weight.sum()
        if batch.paired:
            loss = loss + self.plan.flicker * flicker_loss(logits, alpha).mean()
        self.optimizer.zero_grad()
        torch.autograd.backward(self.scaler.scale(loss))
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        self._update_average(min(EMA_DECAY, (1 + self.step) / (10 + self.step)))
        return loss.detach()

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
        mad = float(np.mean([s[1] for s in scores.values()])) if scores else math.nan
        row: dict[str, Any] = {
            "step": self.step,
            "minutes": round(self.seconds / 60, 2),
            "loss": round(loss, 5),
            "iou": round(iou, 5) if scores else "",
            "mad": round(mad, 3) if scores else "",
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
            if mad < self.best:
                self.best = mad
                about: dict[str, str | int | float] = {"step": self.step, "iou": iou, "mad": mad}
                save_weights(self.out / "best.pt", self.average, about)
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
    val = load_all(read_index(data, "val"))
    clips = clip_folders(data)
    rooms = apart(empty_rooms(data)) if clips else []  # a stranger's folder may have neither
    for folder, room in itertools.product(clips, rooms):
        val += clip_pictures(folder, room.image, VALIDATION_CLIP_STEP)
    return load_all(people), load_all(backgrounds), load_all(products), val


def first_network(name: str, init: str | None) -> MattingNetwork:
    """The network to start from: `init` is a checkpoint, "none", or None for our own weights."""
    if init == "none":
        return MattingNetwork(name)
    if init is not None:
        return load_weights(Path(init), name)
    own = WEIGHTS / f"{name}.pt"
    return load_weights(own if own.exists() else WEIGHTS / "fast.pt", name)


def main() -> int:
    parser = command.parser("models.train", __doc__)
    command.data_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument(
        "--network", choices=ARCHITECTURES, default="fast", help="what to train (%(default)s)"
    )
    parser.add_argument(
        "--init",
        help="weights to start from, also of another network: those in common are taken over; "
        "'none' for random ones (default: the ones that come with this package)",
    )
    parser.add_argument("--minutes", type=float, help="training time; or give --steps")
    parser.add_argument("--steps", type=int, help="number of batches; or give --minutes")
    parser.add_argument("--batch", type=int, default=16, help="pictures in a batch (%(default)s)")
    parser.add_argument("--rate", type=float, default=6e-4, help="peak learning rate (%(default)s)")
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
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="loader processes (%(default)s)")
    parser.add_argument(
        "--flicker",
        type=float,
        default=FLICKER_WEIGHT,
        help="weight of what changes wrongly between frames (%(default)s)",
    )
    parser.add_argument(
        "--alternate",
        action="store_true",
        help="make each batch of photographs or of composites alone, by lot, in place of both; "
        "common where the two come from different sets, here it did not help",
    )
    parser.add_argument(
        "--validate-minutes", type=float, default=8.0, help="time between validations (%(default)s)"
    )
    arguments = parser.parse_args()

    keep_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    network = first_network(arguments.network, arguments.init)
    started = time.monotonic()
    people, backgrounds, products, val = load_pictures(
        arguments.data, arguments.licences, arguments.sets
    )
    if arguments.init != "none" and arguments.agreement > 0:
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
        flicker=arguments.flicker,
        alternate=arguments.alternate,
        validate_minutes=arguments.validate_minutes,
    )
    trainer = Trainer(network, Sampler(people, backgrounds, products), val, plan, arguments.out)
    if trainer.resume():
        print(f"resumed at step {trainer.step}", flush=True)
    trainer.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
