"""Index files, filters and decoding, on a data folder made here."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.dataset import (
    Entry,
    Licences,
    load,
    load_all,
    read_backgrounds,
    read_index,
    read_products,
)
from models.errors import ModelsError
from models.pictures import LONGEST, load_pictures
from tests.models.material import HEADER, write_cutout, write_data, write_lying


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
    (data / "index.csv").write_text("picture,alpha\n")
    with pytest.raises(ModelsError, match="has no column image"):
        read_index(data, "train")
    (data / "index.csv").write_text("image,label\n0.png,Teacher\n")
    with pytest.raises(ModelsError, match="label Teacher: it may be labelled, keyed, teacher"):
        read_index(data, "train")
    (data / "index.csv").write_bytes(b"image,set\n0.png,caf\xe9\n")
    with pytest.raises(ModelsError, match="UTF-8"):
        read_index(data, "train")


def test_columns_have_defaults(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,alpha\na.jpg,a.png\n", encoding="utf-8-sig")
    (entry,) = read_index(tmp_path, "train")
    assert (entry.set, entry.label, entry.permissive) == ("own", "labelled", False)
    with pytest.raises(ModelsError, match="mark some, a tenth say, with val"):
        read_index(tmp_path, "val")
    (tmp_path / "backgrounds.csv").write_text("image\nroom.jpg\n")
    (room,) = read_backgrounds(tmp_path, "train")
    assert (room.set, room.permissive) == ("own", False)


@pytest.mark.parametrize(
    "row", ["image,alpha\nc.png,\n", "image\nc.png\n", "image,alpha\nc.png,c.png\n"]
)
def test_a_cutout_has_its_own_alpha(tmp_path: Path, row: str) -> None:
    write_cutout(tmp_path / "c.png")
    (tmp_path / "index.csv").write_text(row)
    (entry,) = read_index(tmp_path, "train")
    assert entry.cutout
    assert entry.label == "keyed"
    picture = load(entry)
    assert {*np.unique(picture.alpha)} == {0, 255}
    assert picture.image[60, 80].tolist() == [230, 60, 40]
    cv2.imwrite(str(entry.image), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ModelsError, match="no transparent part"):
        load(entry)


def pair(folder: Path, alpha: np.ndarray, name: str = "m.png") -> Entry:
    """An entry of a grey picture with this alpha file."""
    cv2.imwrite(str(folder / "p.png"), np.full((*alpha.shape[:2], 3), 9, np.uint8))
    cv2.imwrite(str(folder / name), alpha)
    return Entry(folder / "p.png", folder / name, "a", "train", "labelled", True, "")


def test_an_alpha_file_may_have_a_channel_for_it(tmp_path: Path) -> None:
    mask = np.full((8, 8, 4), 200, np.uint8)
    mask[:4, :, 3] = 0
    assert load(pair(tmp_path, mask)).alpha[:, 0].tolist() == [0] * 4 + [200] * 4
    mask[..., 3] = 255  # a grey mask that a program saved with an opaque channel
    mask[:4, :, :3] = 0
    assert load(pair(tmp_path, mask)).alpha[:, 0].tolist() == [0] * 4 + [200] * 4


def test_values_of_alphas(tmp_path: Path) -> None:
    mask = np.zeros((8, 8), np.uint8)
    assert not load(pair(tmp_path, mask)).alpha.any()
    mask[4:] = 1
    assert load(pair(tmp_path, mask)).alpha[:, 0].tolist() == [0] * 4 + [255] * 4
    assert load(pair(tmp_path, mask.astype(np.uint16))).alpha.max() == 255
    assert load(pair(tmp_path, mask.astype(np.uint16) * 32768)).alpha.max() == 128
    mask[6:] = 15
    with pytest.raises(ModelsError, match=r"m.png is at most 15 of 255: write alphas as 0..255"):
        load(pair(tmp_path, mask))
    with pytest.raises(ModelsError, match="at most 15 of 65535"):
        load(pair(tmp_path, mask.astype(np.uint16)))
    with pytest.raises(ModelsError, match="float32"):
        load(pair(tmp_path, mask.astype(np.float32), "m.tiff"))


@pytest.mark.parametrize("upright", [False, True])
def test_an_alpha_is_turned_with_its_photograph(tmp_path: Path, upright: bool) -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (16, 24, 3), np.uint8)
    alpha = np.zeros((16, 24), np.uint8)
    alpha[:, :4] = 255  # what lies on the left is above when turned clockwise
    entry = pair(tmp_path, np.rot90(alpha, 3) if upright else alpha)
    write_lying(entry.image, image)
    picture = load(entry)
    assert picture.image.shape == (24, 16, 3)
    assert picture.alpha[:4].all()
    assert not picture.alpha[4:].any()


def test_large_pictures_are_scaled_down_to_train_on_but_not_to_measure(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    (data / "backgrounds.csv").unlink()
    for name in ("0", "4"):  # of split train and val
        write_cutout(data / f"{name}.png", (900, 1600))
    rows = "0.png,,a,train,,,\n4.png,,a,val,,,\n"
    (data / "index.csv").write_text(HEADER + rows)
    pictures = load_pictures(data, "all", ())
    assert pictures.people[0].image.shape == (LONGEST * 9 // 16, LONGEST, 3)
    assert pictures.people[0].alpha.shape == (LONGEST * 9 // 16, LONGEST)
    assert pictures.val[0].image.shape == (900, 1600, 3)
    assert pictures.backgrounds == pictures.products == []


def test_rooms_and_things_are_optional(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    (data / "val_clips" / "one").mkdir(parents=True)  # has no room to stand before
    (data / "backgrounds.csv").write_text("image,split\nroom_2.jpg,other\n")
    assert load_pictures(data, "all", ()).backgrounds == []
    with pytest.raises(ModelsError, match="no picture of split train"):
        read_backgrounds(data, "train")
    (data / "backgrounds.csv").unlink()
    assert len(load_pictures(data, "all", ()).val) == 1


@pytest.mark.parametrize(("licences", "count"), [("all", 2), ("permissive", 1)])
def test_things_of_any_set_and_licence(tmp_path: Path, licences: Licences, count: int) -> None:
    data = write_data(tmp_path)
    rows = "0.png,0_alpha.png,chairs,train,keyed,{}\n".format
    header = "image,alpha,set,split,label,permissive\n"
    (data / "products.csv").write_text(header + rows("yes") + rows("no"))
    assert len(load_pictures(data, licences, ()).products) == count
    assert read_products(data, "val") == []


def test_only_our_own_pictures_are_known_to_show_people(tmp_path: Path) -> None:
    (tmp_path / "backgrounds.csv").write_text(
        "image,set\nscene_006.jpg,scene\nbackgrounds/scene_006.jpg,scene\n"
    )
    assert [e.image.name for e in read_backgrounds(tmp_path, "train")] == ["scene_006.jpg"]
    (tmp_path / "products.csv").write_text(
        "image,alpha,set\nclothing_a.jpg,a.png,clothing\nproducts/clothing_b.jpg,b.png,clothing\n"
    )
    assert [e.image.name for e in read_products(tmp_path, "train")] == ["clothing_a.jpg"]
