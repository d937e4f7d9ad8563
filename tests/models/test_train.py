"""Losses and batches; a few steps of training help, resume, and serve strangers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import metrics, train  # noqa: E402
from models.augmentation import Size  # noqa: E402
from models.command import run_command  # noqa: E402
from models.dataset import load_all, read_backgrounds, read_index  # noqa: E402
from models.errors import ModelsError  # noqa: E402
from models.losses import (  # noqa: E402
    boundary_weight,
    flicker_loss,
    laplacian,
    matting_loss,
)
from models.network import MattingNetwork  # noqa: E402
from models.predictor import Predictor  # noqa: E402
from models.scenes import Mix, Origin, Sampler  # noqa: E402
from tests.models.material import write_data  # noqa: E402


def sampler(folder: Path, mix: Mix | None = None) -> Sampler:
    data = write_data(folder)
    people = load_all(read_index(data, "train"))
    return Sampler(people, load_all(read_backgrounds(data, "train")), mix=mix)


def test_losses() -> None:
    truth = np.zeros((32, 32), np.float32)
    truth[:, 16:] = 1
    weight = boundary_weight(truth)
    assert weight.mean() == pytest.approx(1)
    assert weight[5, 16] == pytest.approx(4 * weight[5, 2])
    target = torch.from_numpy(truth).expand(2, 1, 32, 32)
    pixels = torch.from_numpy(weight).expand(2, 1, 32, 32)
    right = (target * 2 - 1) * 20
    assert matting_loss(right, target, pixels).max() < 1e-6
    assert matting_loss(-right, target, pixels).min() > 1
    assert matting_loss(right, target, pixels).shape == (2,)
    assert laplacian(target - target).max() == 0


def test_flicker_is_what_changes_without_reason() -> None:
    target = torch.zeros(4, 1, 8, 8)
    target[1] = 1  # the first pair's truth changes, the second one's does not
    sure = (target * 2 - 1) * 20
    assert flicker_loss(sure, target).max() < 1e-6
    sure[1] = -20  # the change is missed
    sure[3] = 20  # and one is invented
    assert flicker_loss(sure, target).tolist() == pytest.approx([1, 1])


def test_batches_are_pairs_or_single_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sampler(tmp_path)
    sizes = train.batch_sizes(MattingNetwork())
    assert sum(chance for _, chance in sizes) == pytest.approx(1)
    for chance in (0.0, 1.0):
        monkeypatch.setattr(train, "PAIR_CHANCE", chance)
        batch = next(iter(train.Batches(source, [((64, 96), 1.0)], train.Plan(batch=6), 0)))
        assert batch.images.shape == (6, 64, 96, 3)
        assert batch.alpha.shape == batch.pixels.shape == (6, 1, 64, 96)
        assert batch.weight.shape == (6,)
        assert batch.paired == bool(chance)


def test_batches_may_alternate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = sampler(tmp_path)
    asked: list[str | None] = []
    draw = source.draw_clip

    def spied(size: Size, rng: np.random.Generator, frames: int, origin: Origin | None) -> Any:
        asked.append(origin)
        return draw(size, rng, frames, origin)

    monkeypatch.setattr(source, "draw_clip", spied)
    monkeypatch.setattr(train, "PAIR_CHANCE", 0.0)
    found = []
    for alternate in (False, True):
        plan = train.Plan(batch=4, alternate=alternate)
        batches = iter(train.Batches(source, [((32, 48), 1.0)], plan, 0))
        for _ in range(12):
            next(batches)
        found.append([{*asked[i : i + 4]} for i in range(0, 48, 4)])
        asked.clear()
    mixed, alternating = found
    assert mixed == [{None}] * 12
    assert all(len(batch) == 1 for batch in alternating)
    assert set.union(*alternating) == {"photographs", "composites"}


def test_a_short_run_learns_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "batch_sizes", lambda _: [((64, 64), 1.0)])
    monkeypatch.setattr(train, "LOG_EVERY", 10)
    monkeypatch.setattr(train, "WARM_UP_STEPS", 5)
    source = sampler(tmp_path, Mix(composite=0.3))
    val = load_all(read_index(tmp_path / "data", "val"))

    def run(steps: int) -> train.Trainer:
        torch.manual_seed(0)
        plan = train.Plan(batch=8, rate=3e-3, steps=steps, workers=0)
        trainer = train.Trainer(MattingNetwork(), source, val, plan, tmp_path / "out")
        trainer.resume()
        history = trainer.run()
        if steps == 40:
            assert history[-1] < 0.8 * history[0]
        return trainer

    first = run(40)
    assert first.step == 40
    assert (tmp_path / "out" / "best.pt").exists()
    assert (tmp_path / "out" / "curve.png").exists()
    second = run(50)
    assert second.step == 50
    log = (tmp_path / "out" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["step", "10", "20", "30", "40", "50"]


def test_a_run_needs_an_end(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="--minutes or --steps"):
        train.Trainer(MattingNetwork(), sampler(tmp_path), [], train.Plan(), tmp_path / "out")


def test_missing_data_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv",
        ["train", "--data", str(tmp_path / "no"), "--out", str(tmp_path / "o"), "--steps", "1"],
    )
    assert run_command(train.main) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: cannot read")
    assert message.count("\n") == 1


def test_a_stranger_trains_on_their_own_pairs(tmp_path: Path) -> None:
    """The commands of the model card, from a folder of pictures to a network that can be used."""
    data = write_data(tmp_path, inverted=True)

    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    out = tmp_path / "run"
    options = ["--steps", "120", "--batch", "4", "--rate", "2e-3", "--workers", "0"]
    python("models.train", "--data", str(data), "--out", str(out), "--agreement", "0", *options)
    python("models.export", str(out / "best.pt"), str(tmp_path / "own.onnx"))
    picture = load_all(read_index(data, "val"))[0]
    truth = picture.alpha.astype(np.float32) / np.float32(255)
    before = metrics.overlap(train.predict(train.first_network("fast", None), picture.image), truth)
    after = metrics.overlap(Predictor(tmp_path / "own.onnx")(picture.image), truth)
    # our weights take the disc for the person
    assert before.iou < 0.6
    assert after.iou > 0.9
