"""Outlines against those that are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.edges import Scene, _over, measure, scenes
from models.errors import ModelsError
from realtime.frame import Float32, Frame


def _scene() -> Scene:
    """A light disc with a soft outline, before a dark room."""
    own = np.full((720, 1280, 3), 200, np.uint8)
    room = np.full((720, 1280, 3), 40, np.uint8)
    alpha: Float32 = np.zeros((720, 1280), np.float32)
    cv2.circle(alpha, (640, 400), 150, 1.0, -1, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 3.0)
    return Scene(own, alpha, room, _over(own, room, alpha))


def _late(frame: Frame) -> Float32:
    """A network that finds it, a few pixels aside."""
    alpha: Float32 = np.zeros((352, 608), np.float32)
    cv2.circle(alpha, (308, 196), 72, 1.0, -1)
    return alpha


def test_every_way_is_another_also_with_the_true_alpha() -> None:
    found = measure([_scene()], _late)
    assert found["scenes"] == 1
    for kind in ("true alpha", "network alpha"):
        luma = {way: f["black"]["luma"] for way, f in found["error_in_levels"][kind].items()}
        assert len(set(luma.values())) == 4, luma
    true, network = found["error_in_levels"].values()
    assert true["both"]["black"]["luma"] < network["both"]["black"]["luma"]


@pytest.mark.parametrize("text", ["image\na.jpg\n", "split\nval\n", "\ud800"])
def test_another_table_is_no_list_of_rooms(text: str, tmp_path: Path) -> None:
    (tmp_path / "backgrounds.csv").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ModelsError, match=r"csv: is no table with .* split; name the data with"):
        list(scenes(tmp_path))


def test_what_is_wrong_with_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"backgrounds\.csv: cannot be read; name the data with"):
        list(scenes(tmp_path))
    (tmp_path / "backgrounds.csv").write_text("image,split\na.jpg,val\n")
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(ModelsError, match=r"a\.jpg: is no picture; name the data with --data"):
        list(scenes(tmp_path))
