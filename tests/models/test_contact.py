"""Contact sheets: what training draws, in rows, in the order in which it draws it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from models import contact
from models.batches import Batches, batch_sizes
from models.command import run_command
from models.network import MattingNetwork
from models.pictures import load_pictures
from models.plan import Plan
from models.scenes import Sampler
from tests.models.material import write_data


def test_a_sample_stands_beside_its_alpha() -> None:
    image = np.full((20, 40, 3), [200, 0, 0], np.uint8)
    alpha = np.zeros((20, 40), np.float32)
    alpha[:, 20:] = 1
    page = contact.sheet([(image, alpha)] * 3, columns=2)
    cell = contact.CELL
    assert page.shape == (2 * cell, 4 * cell, 3)
    for top, left in ((0, 0), (0, 2 * cell), (cell, 0)):
        assert page[top + 10, left + 10].tolist() == [200, 0, 0]
        assert page[top + 10, left + cell + 10].tolist() == [0, 0, 0]
        assert page[top + 10, left + 2 * cell - 10].tolist() == [255, 255, 255]
        assert page[top + cell - 1, left].tolist() == [64, 64, 64]  # wide: nothing below
    assert page[cell + 10, 2 * cell + 10].tolist() == [64, 64, 64]  # there is no fourth


def test_the_sheet_shows_what_a_run_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_data(tmp_path)
    out = tmp_path / "new" / "sheet.png"
    options = ["--count", "3", "--seed", "7", "--batch", "2", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["contact", "--data", str(data), *options])
    assert run_command(contact.main) == 0
    people, rooms, things, _ = load_pictures(data, "all", ())
    sizes = batch_sizes(MattingNetwork("fast"))
    batches = iter(Batches(Sampler(people, rooms, things), sizes, Plan(batch=2, seed=7), 0))
    samples = [
        (image.numpy(), alpha.numpy()[0])
        for batch in (next(batches), next(batches))
        for image, alpha in zip(batch.images, batch.alpha, strict=True)
    ]
    written = cv2.cvtColor(cv2.imread(str(out)), cv2.COLOR_BGR2RGB)
    assert np.array_equal(written, contact.sheet(samples[:3]))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--count", "0", "--out", "x.jpg"], "--count is 0: it must be in 1..1000"),
        (["--count", "1", "--out", "x.nothing"], "name a .jpg or .png"),
    ],
)
def test_messages(
    options: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["contact", "--data", str(write_data(tmp_path)), *options])
    assert run_command(contact.main) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert told in message
    assert message.count("\n") == 1
