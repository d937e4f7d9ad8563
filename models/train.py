"""Train a matting network on pictures of people with alpha.

    python -m models.train --data FOLDER --out runs/mine --minutes 60

`FOLDER/index.csv` names your pairs: `image,alpha,split` are columns enough. Paths are relative to
FOLDER; alphas are 0..255 (masks of 0 and 1 are understood), in a file as large as the picture. A
cut-out, a PNG whose own alpha channel is the alpha, has an empty `alpha`.

  split       train, or val for some: at least one, a tenth say (default: train)
  set         name of a group: small ones are drawn more often than their size, validation averages
              over them, --sets chooses among them (default: own)
  label       how the alpha was made (default: labelled; of cut-outs: keyed)
                labelled  by a person: drawn 2.5 times as often as a photograph
                keyed     chroma key, or rendered: drawn 12 times as often, before other rooms only
                teacher   by another network: weighs 0.6, and is left out below --agreement
  permissive  yes where --licences permissive may use it (default: no)

The rest is optional. `FOLDER/backgrounds.csv` names rooms with nobody in them, in columns image,
split, set, licence, to put people before: without it rooms are plain walls.
`FOLDER/products.csv`, like index.csv, names things that are no people, to stand about and to be
held. Folders `FOLDER/val_clips/NAME` hold consecutive frames, NNNN.jpg (foreground colour) and
NNNN.png (alpha): some are validated with, before the rooms of split val. Pictures to train on are
kept in memory, scaled down to 800 pixels; first look at what becomes of them with
`python -m models.contact`.

Training starts from the weights of this repository; `--init none` starts from nothing.

`--out` receives `last.pt` (everything needed to resume), `best.pt` (weights of the best
validation so far), `log.csv` (loss and validation over time) and `curve.png`. Ctrl-C saves
`last.pt`; starting the same command again resumes from it. With `--steps` two runs of one seed on
the CPU of one machine are equal (a GPU adds up in any order); with `--minutes` the learning rate
follows the clock, so that a run fits its time on any machine. The same command trains on a GPU
where PyTorch sees one.
"""

import argparse
import copy
import ctypes
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import command, log
from models.batches import Batch, Batches, batch_sizes, loader
from models.checkpoint import load_weights, read, save_weights
from models.curve import draw_curve
from models.dataset import Picture
from models.errors import ModelsError
from models.losses import flicker_loss, matting_loss
from models.network import ARCHITECTURES, BRANCHES, MattingNetwork
from models.pictures import load_pictures
from models.plan import FLICKER_WEIGHT, Plan, default_workers
from models.scenes import Sampler
from models.validation import agreed, to_input, validate

WEIGHTS = Path(__file__).parent / "weights"

EMA_DECAY = 0.999
WARM_UP_STEPS = 200
LOG_EVERY = 50

# Parts that begin with nothing learn faster than the trunk, which begins with something.
BRANCH_RATE = 3.0

# What `last.pt` holds; the scaler's state came later.
_RESUMED = ("network", "state", "average", "optimizer", "step", "seconds", "best")


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
        """Go on from `last.pt`, if there is one; `ModelsError` if it is of another network."""
        path = self.out / "last.pt"
        if not path.exists():
            return False
        stored = read(path)
        if not stored.keys() >= set(_RESUMED):
            raise ModelsError(f"{path} is of no run of models.train: give another --out")
        if stored["network"] != self.network.name:
            raise ModelsError(
                f"{path} is of the network {stored['network']}: give --network "
                f"{stored['network']}, or another --out"
            )
        self.network.load_state_dict(stored["state"])
        self.average.load_state_dict(stored["average"])
        self.optimizer.load_state_dict(stored["optimizer"])
        if stored.get("scaler"):  # empty where the run was on a CPU
            self.scaler.load_state_dict(stored["scaler"])
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
                "scaler": self.scaler.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "best": self.best,
            },
            part,
        )
        part.replace(self.out / "last.pt")

    def run(self) -> list[float]:
        """Train to the end of the plan; returns the mean loss of every stretch of steps.

        An interrupt saves, too, and is raised again.
        """
        log.cut(self.out / "log.csv", self.step)
        try:
            history = self._train()
        except KeyboardInterrupt:
            # of the step that was cut short, part may be in: training does not mind
            self.save()
            raise
        self.save()
        return history

    def _train(self) -> list[float]:
        plan = Batches(self.sampler, batch_sizes(self.network), self.plan, self.step)
        batches = loader(plan, pinned=self.device.type == "cuda")
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
        log.append(path, row)
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


def first_network(name: str, init: str | None) -> MattingNetwork:
    """The network to start from: `init` is a checkpoint, "none", or None for our own weights."""
    if init == "none":
        return MattingNetwork(name)
    if init is not None:
        return load_weights(Path(init), name)
    own = WEIGHTS / f"{name}.pt"
    return load_weights(own if own.exists() else WEIGHTS / "fast.pt", name)


def options() -> argparse.ArgumentParser:
    """The command line."""
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
        help="permissive: train only on pictures whose source states a permissive licence; the "
        "weights that come with this package were trained on all, so give --init none or those of "
        "models.warmstart too (%(default)s)",
    )
    parser.add_argument(
        "--agreement",
        type=float,
        default=0.8,
        help="leave out teacher-labelled pictures on which the network of --init has a lower IoU "
        "with the teacher than this, 0..1; 0 keeps all (%(default)s)",
    )
    parser.add_argument("--sets", nargs="*", default=(), help="only these sets of people")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (%(default)s)")
    parser.add_argument(
        "--workers",
        type=int,
        default=default_workers(),
        help="loader processes (%(default)s; 0, none, unless this is Linux: elsewhere each needs "
        "a copy of all pictures)",
    )
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
    return parser


def train(arguments: argparse.Namespace) -> int:
    """A whole run; the exit status is 130 if it was interrupted."""
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
    if plan.minutes is None and plan.steps is None:
        raise ModelsError("say how long to train: --minutes or --steps")
    if arguments.threads < 1:
        raise ModelsError(f"--threads is {arguments.threads}: it must be at least 1")
    if not 0 <= arguments.agreement <= 1:
        raise ModelsError(f"--agreement is {arguments.agreement:g}: it must be in 0..1")
    keep_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    network = first_network(arguments.network, arguments.init)
    started = time.monotonic()
    people, backgrounds, products, val = load_pictures(
        arguments.data, arguments.licences, arguments.sets
    )
    found = len(people)
    if arguments.init != "none" and arguments.agreement > 0:
        people = agreed(people, network, arguments.agreement)
    print(
        f"{len(people)} people ({found - len(people)} left out by --agreement), "
        f"{len(backgrounds)} backgrounds, {len(products)} things, "
        f"{len(val)} to validate with ({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    trainer = Trainer(network, Sampler(people, backgrounds, products), val, plan, arguments.out)
    if trainer.resume():
        print(f"resumed at step {trainer.step}", flush=True)
    try:
        trainer.run()
    except KeyboardInterrupt:
        print(
            f"stopped and saved at step {trainer.step}: the same command goes on from there",
            file=sys.stderr,
        )
        return command.INTERRUPTED
    return 0


def main() -> int:
    arguments = options().parse_args()
    try:
        return train(arguments)
    except KeyboardInterrupt:
        print("stopped before the first step", file=sys.stderr)
        return command.INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
