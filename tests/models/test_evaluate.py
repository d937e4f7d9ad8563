"""What is made of many mattes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.dataset import F32, U8, Entry, Picture
from models.evaluate import (
    empty_rooms,
    evaluate_people,
    evaluate_rooms,
    judge_clip,
    precision_recall,
)


def picture(alpha: list[int], set_name: str) -> Picture:
    entry = Entry(Path("x.png"), None, set_name, "val", "labelled", True, "")
    return Picture(np.zeros((1, len(alpha), 3), np.uint8), np.array([alpha], np.uint8), entry)


def half(_: U8) -> F32:
    """Foreground in the left half: .8, then .4."""
    return np.array([[0.8, 0.4, 0, 0]], np.float32)


def test_the_mean_is_over_the_sets_not_the_pictures() -> None:
    right, wrong = picture([255, 0, 0, 0], "a"), picture([0, 0, 0, 255], "b")
    sets = evaluate_people(half, [right, right, right, wrong])
    assert sets["a"]["pictures"] == 3
    assert sets["a"]["iou"] == 1
    assert sets["b"]["iou"] == 0
    assert sets["mean"]["iou"] == pytest.approx(0.5)


def test_a_clip_is_judged_by_its_frames_and_by_what_changes_between_them() -> None:
    truth = np.zeros((4, 4), np.float32)
    wrong = np.full((4, 4), 0.1, np.float32)
    figures = judge_clip([truth, wrong, truth, truth], [truth] * 4)
    assert figures["mad"] == pytest.approx(25)
    assert figures["iou"] == 1
    assert figures["dtssd"] == pytest.approx(20 / 3)
    few = judge_clip([wrong, wrong], [truth] * 2, lambda alpha, truth: {"most": float(alpha.max())})
    assert few == {"most": pytest.approx(0.1), "dtssd": 0}


def test_precision_and_recall_by_threshold() -> None:
    points = precision_recall(half, [picture([255, 0, 255, 0], "a")])
    by_threshold = {threshold: (recall, precision) for threshold, recall, precision in points}
    assert by_threshold[0.35] == (0.5, 0.5)  # two pixels found, one of them right
    assert by_threshold[0.75] == (0.5, 1.0)
    assert by_threshold[0.95] == (0.0, 1.0)  # nothing found, nothing wrong


def test_rooms_count_the_pixels_called_a_person() -> None:
    assert evaluate_rooms(half, [picture([0, 0, 0, 0], "room")]) == pytest.approx(25)
    assert evaluate_rooms(half, []) is None


def test_rooms_of_the_val_split_are_measured_by_whatever_name(tmp_path: Path) -> None:
    assert empty_rooms(tmp_path) == []  # a folder need have none
    (tmp_path / "backgrounds").mkdir()
    lines = ["image,set,split,licence"]
    for name, split in (("scene_001", "val"), ("den", "val"), ("hall", "train")):
        cv2.imwrite(str(tmp_path / "backgrounds" / f"{name}.jpg"), np.zeros((8, 8, 3), np.uint8))
        lines.append(f"backgrounds/{name}.jpg,scene,{split},x")
    (tmp_path / "backgrounds.csv").write_text("\n".join(lines) + "\n")
    # Ours of that name are streets.
    assert [room.entry.image.stem for room in empty_rooms(tmp_path)] == ["den"]
