"""The model card's figures."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from models import card
from models.errors import ModelsError

BEFORE = {"a": {"iou": 0.9, "mad": 10.0}, "b": {"iou": 0.8, "mad": 20.0}}
AFTER = {"a": {"iou": 0.89, "mad": 10.0}, "b": {"iou": 0.8, "mad": 21.0}}
MEAN_BEFORE, MEAN_AFTER = {"iou": 0.85, "mad": 15.0}, {"iou": 0.845, "mad": 15.3}


def test_the_card_shows_the_committed_figures() -> None:
    assert card.CARD.read_text(encoding="utf-8") == card.filled()


def test_what_smaller_numbers_lose_is_told_of_the_worst_set_too() -> None:
    report = {
        "float": BEFORE | {"mean": MEAN_BEFORE},
        "other": AFTER | {"mean": MEAN_AFTER},
        "bytes": 1_500_000,
        "mad_between": 0.5,
    }
    assert card.precision_table({"fast int8": report}).splitlines()[2] == (
        "| fast int8 | 1.50 MB | 0.50, 1.00 (a) | ×1.020, ×1.050 (b) | 0.50e-3 |"
    )


def test_every_way_of_quantizing_has_a_line() -> None:
    sets = {"a": {"points_of_iou": 0.1, "mad": 1.0}, "mean": {"points_of_iou": 0.0, "mad": 1.01}}
    clips = {"mad": 1.02, "dtssd": 0.99}
    rows = [{"way": way, "sets": sets, "clips": clips} for way in ("one", "other")]
    reports = {"fast": {"ways": rows}}
    lines = card.ways_table(reports).splitlines()
    assert lines[2:] == [
        "| fast | one | 0.00, 0.10 (a) | ×1.010, ×1.000 (a) | ×1.020, ×0.990 |",
        "| fast | other | 0.00, 0.10 (a) | ×1.010, ×1.000 (a) | ×1.020, ×0.990 |",
    ]


def test_a_result_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "RESULTS", tmp_path)
    with pytest.raises(ModelsError, match="run the tool that writes it"):
        card.filled()
