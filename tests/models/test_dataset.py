"""Index files, filters and decoding, on a data folder made here."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.dataset import load, load_all, read_backgrounds, read_index
from models.errors import ModelsError
from tests.models.material import write_data


def test_split_and_licences_and_sets(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    assert [e.set for e in read_index(data, "train")] == ["a", "a", "a", "b"]
    assert [e.set for e in read_index(data, "train", "permissive")] == ["a", "a", "a"]
    assert len(read_index(data, "train", sets=["b"])) == 1
    assert [e.split for e in read_index(data, "val")] == ["val"]


def test_backgrounds_keep_to_their_split_and_licence(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    assert [e.image.name for e in read_backgrounds(data, "train")] == ["room_0.jpg", "room_1.jpg"]
    assert [e.image.name for e in read_backgrounds(data, "train", "permissive")] == ["room_1.jpg"]
    assert [e.image.name for e in read_backgrounds(data, "val")] == ["room_2.jpg"]
    assert read_backgrounds(data, "val", "permissive") == []


def test_decoding(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    picture = load_all(read_index(data, "train"))[0]
    assert picture.image.shape == (*picture.alpha.shape, 3)
    assert picture.image.dtype == picture.alpha.dtype == np.uint8
    assert picture.alpha.min() == 0
    assert picture.alpha.max() == 255
    # RGB: the person of the first picture is red
    assert picture.image[picture.alpha > 200].mean(axis=0).argmax() == 0
    background = load(read_backgrounds(data, "train")[0])
    assert not background.alpha.any()


def test_messages(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="--data"):
        read_index(tmp_path / "nowhere", "train")
    data = write_data(tmp_path)
    with pytest.raises(ModelsError, match="no set nobody"):
        read_index(data, "train", sets=["nobody"])
    with pytest.raises(ModelsError, match="no picture of split"):
        read_index(data, "val", sets=["b"])
    entry = read_index(data, "train")[0]
    assert entry.alpha is not None
    entry.alpha.unlink()
    with pytest.raises(ModelsError, match="cannot read the alpha"):
        load(entry)
    cv2.imwrite(str(entry.alpha), np.zeros((3, 3), np.uint8))
    with pytest.raises(ModelsError, match="not as large"):
        load(entry)
    (data / "index.csv").write_text("image,alpha\n")
    with pytest.raises(ModelsError, match="has no column set, split"):
        read_index(data, "train")
