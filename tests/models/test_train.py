"""Losses and batches; a few steps of training help, resume, and serve strangers."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import batches, metrics, quantize, train, validation  # noqa: E402
from models.augmentation import Size  # noqa: E402
from models.command import run_command  # noqa: E402
from models.dataset import Picture, load_all, read_backgrounds, read_index  # noqa: E402
from models.errors import ModelsError  # noqa: E402
from models.losses import (  # noqa: E402
    boundary_weight,
    flicker_loss,
    laplacian,
    matting_loss,
)
from models.network import MattingNetwork  # noqa: E402
from models.plan import Plan, default_workers  # noqa: E402
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
    sizes = batches.batch_sizes(MattingNetwork())
    assert sum(chance for _, chance in sizes) == pytest.approx(1)
    for chance in (0.0, 1.0):
        monkeypatch.setattr(batches, "PAIR_CHANCE", chance)
        batch = next(iter(batches.Batches(source, [((64, 96), 1.0)], Plan(batch=6), 0)))
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
    monkeypatch.setattr(batches, "PAIR_CHANCE", 0.0)
    found = []
    for alternate in (False, True):
        plan = Plan(batch=4, alternate=alternate)
        endless = iter(batches.Batches(source, [((32, 48), 1.0)], plan, 0))
        for _ in range(12):
            next(endless)
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
        plan = Plan(batch=8, rate=3e-3, steps=steps, workers=0)
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


Runs = Callable[..., train.Trainer]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Makes runs of a few tiny steps, one row of the log for each."""
    monkeypatch.setattr(train, "batch_sizes", lambda _: [((32, 32), 1.0)])
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    source = sampler(tmp_path)

    def made(steps: int, out: str = "out", name: str = "fast", seed: int = 1) -> train.Trainer:
        torch.manual_seed(seed)
        plan = Plan(batch=2, seed=seed, steps=steps, workers=0)
        return train.Trainer(MattingNetwork(name), source, [], plan, tmp_path / out)

    return made


def test_runs_of_one_seed_are_equal_on_the_cpu(tiny: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ends = []
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        trainer = tiny(4, out, seed=seed)
        trainer.run()
        ends.append(torch.cat([value.flatten() for value in trainer.average.parameters()]))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_an_interrupt_saves_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "batch_sizes", lambda _: [((32, 32), 1.0)])
    step = train.Trainer.train_step

    def interrupted(trainer: train.Trainer, batch: batches.Batch) -> Any:
        if trainer.step == 2:
            raise KeyboardInterrupt
        return step(trainer, batch)

    monkeypatch.setattr(train.Trainer, "train_step", interrupted)
    data, out = write_data(tmp_path), tmp_path / "out"
    options = ["--steps", "4", "--batch", "2", "--workers", "0", "--threads", "1"]
    more = ["--agreement", "0", "--data", str(data), "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["train", *options, *more])
    assert run_command(train.main) == 130
    told = capsys.readouterr().err
    assert told == "stopped and saved at step 2: the same command goes on from there\n"
    monkeypatch.setattr(train.Trainer, "train_step", step)
    assert run_command(train.main) == 0
    assert "resumed at step 2" in capsys.readouterr().out


def test_an_interrupt_while_loading_is_told_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "load_pictures", interrupted)
    monkeypatch.setattr("sys.argv", ["train", "--out", "x", "--steps", "1", "--threads", "1"])
    assert run_command(train.main) == 130
    assert capsys.readouterr().err == "stopped before the first step\n"


def test_what_was_logged_after_the_resumed_step_is_dropped(tiny: Runs, tmp_path: Path) -> None:
    path = tmp_path / "out" / "log.csv"

    def steps() -> list[str]:
        return [line.split(",")[0] for line in path.read_text().splitlines()[1:]]

    tiny(2).run()
    path.write_text(path.read_text() + "3,1,9,,\n4,1,9,,\n")  # then the machine went down
    again = tiny(3)
    again.resume()
    again.run()
    assert steps() == ["1", "2", "3"]
    (tmp_path / "out" / "last.pt").unlink()
    tiny(1).run()
    assert steps() == ["1"]


def test_a_run_of_another_network_is_not_resumed(tiny: Runs, tmp_path: Path) -> None:
    tiny(1).run()
    with pytest.raises(ModelsError, match="of the network fast: give --network fast, or another"):
        tiny(1, name="quality").resume()
    torch.save({"state": {}}, tmp_path / "out" / "last.pt")
    with pytest.raises(ModelsError, match=r"of no run of models\.train"):
        tiny(1).resume()


def test_the_scale_of_the_gradients_is_resumed(tiny: Runs) -> None:
    first, second = tiny(1), tiny(1)
    first.scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    second.scaler = torch.amp.GradScaler("cpu")
    first.save()
    assert second.resume()
    assert second.scaler.get_scale() == 256
    first.scaler = torch.amp.GradScaler("cpu", enabled=False)
    first.save()
    assert second.resume()  # a run that began on a CPU goes on on a GPU


def test_loader_processes_are_forked_on_linux_only(tmp_path: Path) -> None:
    assert [default_workers(name) for name in ("linux", "darwin", "win32")] == [1, 0, 0]
    methods = [batches.start_method(name) for name in ("linux", "darwin", "win32")]
    assert methods == ["fork", None, None]
    # elsewhere the pictures are sent
    here = batches.Batches(sampler(tmp_path), [((32, 48), 1.0)], Plan(batch=2), 0)
    there = pickle.loads(pickle.dumps(here))
    assert torch.equal(next(iter(here)).images, next(iter(there)).images)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[(f"--{name}", "0") for name in ("steps", "minutes", "batch", "rate", "threads")],
        *[(f"--{name}", "-1") for name in ("steps", "minutes", "batch", "rate", "seed")],
        *[(f"--{name}", "-1") for name in ("workers", "flicker", "validate-minutes", "agreement")],
        ("--minutes", "nan"),
    ],
)
def test_impossible_options_are_one_line(
    option: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write_data(tmp_path)
    monkeypatch.setattr(train.Trainer, "run", lambda _: pytest.fail("it trains"))
    given = ["train", "--data", str(data), "--out", str(tmp_path / "o"), "--steps", "1"]
    monkeypatch.setattr("sys.argv", [*given, option, value])
    assert run_command(train.main) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"error: {option} is {value}: ")
    assert message.count("\n") == 1


def test_a_teacher_with_whom_nobody_agrees(tmp_path: Path) -> None:
    write_data(tmp_path, inverted=True)
    network = train.first_network("fast", None)
    people = load_all(read_index(tmp_path / "data", "train"))

    def labels(pictures: list[Picture]) -> list[str]:
        return [picture.entry.label for picture in pictures]

    assert labels(validation.agreed(people, network, 0.8)) == ["labelled", "keyed", "labelled"]
    with pytest.raises(ModelsError, match=r"none of the 1 .* give --agreement 0"):
        validation.agreed([p for p in people if p.entry.label == "teacher"], network, 0.8)


def test_it_is_told_how_many_were_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path, inverted=True)
    monkeypatch.setattr(train.Trainer, "run", lambda _: [])
    options = ["--steps", "1", "--threads", "1", "--out", str(tmp_path / "o")]
    monkeypatch.setattr("sys.argv", ["train", "--data", str(data), *options])
    assert run_command(train.main) == 0
    assert capsys.readouterr().out.startswith("3 people (1 left out by --agreement), 2 background")


def test_help_tells_what_the_folder_may_hold() -> None:
    told = train.options().format_help()
    for name in ("labelled", "keyed", "teacher", "products.csv", "val_clips", "backgrounds.csv"):
        assert name in told
    assert "trained on all, so give --init none" in " ".join(told.split())


def test_stages_are_not_judged_without_a_room(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    (data / "val_clips" / "one").mkdir(parents=True)
    (data / "backgrounds.csv").write_text("image,set,split\nroom_2.jpg,own,train\n")
    with pytest.raises(ModelsError, match="no room to put clips before: add one of split val"):
        quantize.sensitivity(tmp_path / "no.onnx", [], data, "average")


def test_a_run_needs_an_end(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="--minutes or --steps"):
        train.Trainer(MattingNetwork(), sampler(tmp_path), [], Plan(), tmp_path / "out")


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
    before = metrics.overlap(
        validation.predict(train.first_network("fast", None), picture.image), truth
    )
    after = metrics.overlap(Predictor(tmp_path / "own.onnx")(picture.image), truth)
    # our weights take the disc for the person
    assert before.iou < 0.6
    assert after.iou > 0.9
