"""Augmentation yields sane samples; a few steps of training help, and resume."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import train  # noqa: E402
from models.augmentation import Mix, Sampler, foreground_colour, over  # noqa: E402
from models.dataset import load_all, read_backgrounds, read_index  # noqa: E402
from models.errors import ModelsError, run_command  # noqa: E402
from models.losses import boundary_weight, laplacian, matting_loss  # noqa: E402
from models.network import MattingNetwork  # noqa: E402
from tests.models.material import write_data  # noqa: E402


def sampler(folder: Path, mix: Mix | None = None) -> Sampler:
    data = write_data(folder)
    people = load_all(read_index(data, "train"))
    return Sampler(people, load_all(read_backgrounds(data, "train")), mix=mix)


def test_samples_have_the_size_asked_for(tmp_path: Path) -> None:
    source = sampler(tmp_path)
    rng = np.random.default_rng(0)
    covered = []
    for size in train.SIZES * 8:
        sample = source.draw(size, rng)
        assert sample.image.shape == (*size, 3)
        assert sample.image.dtype == np.uint8
        assert sample.alpha.shape == size
        assert sample.alpha.dtype == np.float32
        assert sample.alpha.min() >= 0
        assert sample.alpha.max() <= 1
        covered.append(sample.alpha.mean())
    assert 0.1 < np.mean(covered) < 0.9


def test_samples_follow_the_seed(tmp_path: Path) -> None:
    source = sampler(tmp_path)
    first = source.draw((64, 96), np.random.default_rng(5))
    again = source.draw((64, 96), np.random.default_rng(5))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.alpha, again.alpha)


def test_empty_rooms_have_no_foreground(tmp_path: Path) -> None:
    source = sampler(tmp_path, Mix(composite=0, empty=1))
    assert not source.draw((64, 96), np.random.default_rng(0)).alpha.any()


def test_foreground_colour_removes_the_old_background() -> None:
    alpha = np.zeros((40, 60), np.float32)
    alpha[:, 20:40] = 1
    alpha[:, 18:20] = alpha[:, 40:42] = 0.5
    person = np.full((40, 60, 3), 200, np.uint8)
    room = np.full((40, 60, 3), 20, np.uint8)
    seen = over(person, alpha, room)
    assert abs(int(seen[20, 19, 0]) - 110) <= 1
    colour = foreground_colour(seen, alpha)
    assert abs(int(colour[20, 19, 0]) - 200) <= 20


def test_losses() -> None:
    truth = torch.zeros(2, 1, 32, 32)
    truth[:, :, :, 16:] = 1
    right = (truth * 2 - 1) * 20
    assert matting_loss(right, truth).max() < 1e-6
    assert matting_loss(-right, truth).min() > 1
    assert matting_loss(right, truth).shape == (2,)
    assert laplacian(truth, truth).max() == 0
    weight = boundary_weight(truth)
    assert weight[0, 0, 5, 16] == 4
    assert weight[0, 0, 5, 2] == 1


def test_a_short_run_learns_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SIZES", ((48, 64),))
    monkeypatch.setattr(train, "SIZE_CHANCES", (1.0,))
    monkeypatch.setattr(train, "LOG_EVERY", 10)
    monkeypatch.setattr(train, "WARM_UP_STEPS", 5)
    source = sampler(tmp_path, Mix(composite=0.3))
    val = load_all(read_index(tmp_path / "data", "val"))

    def run(steps: int) -> train.Trainer:
        torch.manual_seed(0)
        plan = train.Plan(batch=8, rate=1e-2, steps=steps, workers=0)
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
