"""The page of plots and hard pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("matplotlib")

from benchmarks import page


def _network() -> dict[str, Any]:
    flicker = {"raw": [0.1, 0.4, 0.2], "smoothed": [0.1, 0.2, 0.1]}
    figures = {"iou": 0.95, "mad": 9.0, "grad": 2.0, "boundary_f": 0.9}
    return {
        "milliseconds": 3.0,
        "people": {"one": figures, "two": figures, "mean": figures},
        "clips": {"raw": figures, "smoothed": figures, "flicker": flicker},
        "precision_recall": [(0.1, 0.99, 0.93), (0.9, 0.94, 0.99)],
    }


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    report = {"machine": {"cpu": "a <fast> one"}, "networks": {"ours": _network()}}
    image = np.zeros((60, 80, 3), np.uint8)
    hard = page.HardPicture("one, 7.jpg", image, {"truth": np.ones((60, 80), np.float32)})
    page.write(report, [hard, hard], tmp_path)
    text = (tmp_path / "quality.html").read_text("utf-8")
    assert text.count("<img") == 3
    assert "<td>one\n<td>ours\n<td>9.00" in text
    assert "<p>cpu a &lt;fast&gt; one</p>" in text
    assert "one, 7.jpg" in text
    plots = cv2.imread(str(tmp_path / "quality.png"))
    assert plots is not None
    assert plots.std() > 5  # something is drawn


def test_a_strip_shows_the_matte_on_green() -> None:
    image = np.full((120, 240, 3), 200, np.uint8)
    alpha = np.zeros((120, 240), np.float32)
    alpha[:, :120] = 1
    strip = page.strip(page.HardPicture("", image, {"ours": alpha}))
    assert strip.shape == (240, 480, 3)
    assert strip[60, 300].tolist() == [200, 200, 200]
    assert strip[60, 460].tolist() == [0, 177, 64]


def test_a_sheet_has_a_column_for_each_network_asked_for() -> None:
    image = np.full((120, 240, 3), 200, np.uint8)
    nothing, everything = np.zeros((120, 240), np.float32), np.ones((120, 240), np.float32)
    alphas = {"truth": nothing, "fast": everything, "quality": nothing}
    picture = page.HardPicture("", image, alphas, publishable=True)
    sheet = page.sheet([picture, picture], ["quality", "fast"])
    # Two rows of three tiles; what a wide picture leaves of its tile is cut off.
    assert sheet.shape == (24 + 2 * 120, 3 * 240, 3)
    assert sheet[24 + 60, 120].tolist() == [200, 200, 200]
    assert sheet[24 + 60, 360].tolist() == [0, 177, 64]
    assert sheet[24 + 60, 600].tolist() == [200, 200, 200]
    for column in range(3):
        assert sheet[:24, column * 240 : (column + 1) * 240].min() < 100  # a head
