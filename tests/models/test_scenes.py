"""Samples are sane, follow their seed, and move like frames of one clip."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models import scenes
from models.augmentation import Size, camera, h264
from models.dataset import F32, U8, Picture, load_all, read_backgrounds, read_index
from models.scenes import Layer, Mix, Sampler, Scene, foreground_colour, headphones, narrowed, over
from tests.models.material import write_cutout, write_data


def sampler(folder: Path, mix: Mix | None = None) -> Sampler:
    data = write_data(folder)
    people = load_all(read_index(data, "train"))
    things = load_all(read_index(data, "train", sets=["b"]))
    return Sampler(people, load_all(read_backgrounds(data, "train")), things, mix)


@pytest.mark.parametrize("size", [(144, 256), (192, 192), (256, 144)])
def test_samples_have_the_size_asked_for(tmp_path: Path, size: tuple[int, int]) -> None:
    source = sampler(tmp_path, Mix(held=0.5, furniture=0.5, headphones=0.5, compressed=0.3))
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(20):
        sample = source.draw(size, rng)
        assert sample.image.shape == (*size, 3)
        assert sample.image.dtype == np.uint8
        assert sample.alpha.shape == size
        assert sample.alpha.dtype == np.float32
        assert sample.alpha.min() >= 0
        assert sample.alpha.max() <= 1 + 1e-6
        covered.append(sample.alpha.mean())
    assert 0.1 < np.mean(covered) < 0.9


def test_samples_follow_the_seed(tmp_path: Path) -> None:
    source = sampler(tmp_path)
    first = source.draw((64, 96), np.random.default_rng(5))
    again = source.draw((64, 96), np.random.default_rng(5))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.alpha, again.alpha)


def test_empty_rooms_have_no_foreground(tmp_path: Path) -> None:
    source = sampler(tmp_path, Mix(composite=0, empty=1, furniture=1))
    assert not source.draw((64, 96), np.random.default_rng(0)).alpha.any()


def test_either_origin_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = sampler(tmp_path)
    rng = np.random.default_rng(0)

    def refused(*_: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(source, "_room", refused)
        for _ in range(20):
            source.draw_clip((64, 96), rng, 1, "photographs")
    monkeypatch.setattr(source, "_photograph", refused)
    covered = [source.draw_clip((64, 96), rng, 1, "composites")[0].alpha.any() for _ in range(40)]
    assert {*covered} == {False, True}  # rooms with nobody in them are made, too


def test_frames_of_a_clip_differ_a_little(tmp_path: Path) -> None:
    source = sampler(tmp_path, Mix(composite=1, empty=0, clean=1, compressed=0))
    rng = np.random.default_rng(1)
    steps = []
    for _ in range(12):
        first, second = source.draw_clip((96, 160), rng, 2)
        steps.append(float(np.abs(first.alpha - second.alpha).mean()))
    assert max(steps) > 0
    assert min(steps) == 0  # sometimes nobody moves
    assert np.mean(steps) < 0.05


def cutouts(folder: Path) -> list[Picture]:
    write_cutout(folder / "c.png")
    (folder / "index.csv").write_text("image\nc.png\n")
    return load_all(read_index(folder, "train"))


def test_cutouts_are_never_shown_as_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Sampler(cutouts(tmp_path), ())
    composed: list[bool] = []
    compose = alone._composite

    def spied(size: Size, rng: np.random.Generator) -> Scene:
        composed.append(True)
        return compose(size, rng)

    monkeypatch.setattr(alone, "_composite", spied)
    for seed in range(20):
        alone.draw_clip((64, 96), np.random.default_rng(seed), 1, "photographs")
    assert len(composed) == 20
    (tmp_path / "mixed").mkdir()
    photographs = load_all(read_index(write_data(tmp_path / "mixed"), "train"))
    labelled = replace(alone.people[0].entry, label="labelled")
    cut = replace(alone.people[0], entry=labelled)
    mixed = Sampler([cut, *photographs], (), mix=Mix(composite=0, empty=0))
    shown = [mixed._photograph((64, 96), np.random.default_rng(n)) for n in range(40)]
    assert not any(picture is cut for picture in shown)


def test_the_colour_of_a_cutout_goes_on_beyond_its_edge(tmp_path: Path) -> None:
    people = cutouts(tmp_path)
    own = Sampler(people, ())._cutout(0)
    near = cv2.dilate(people[0].alpha, np.ones((9, 9), np.uint8)) > people[0].alpha
    assert not people[0].image[near].any()
    assert np.abs(own.image[near].astype(int) - [230, 60, 40]).max() <= 1
    inside = people[0].alpha > 0
    assert np.array_equal(own.image[inside], people[0].image[inside])


def test_only_so_many_cutouts_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = sampler(tmp_path)
    monkeypatch.setattr(scenes, "_KEPT", source.people[0].image.nbytes + 1)
    again = [source._cutout(n) for n in range(4)]
    kept = [source._cutout(n) is again[n] for n in range(4)]
    assert kept == [True, True, False, False]
    assert np.array_equal(source._cutout(3).image, again[3].image)


def flat(value: int, size: tuple[int, int] = (40, 60)) -> U8:
    return np.full((*size, 3), value, np.uint8)


def disc(size: tuple[int, int] = (40, 60)) -> F32:
    y, x = np.ogrid[: size[0], : size[1]]
    inside = (x - size[1] / 2) ** 2 + (y - size[0] * 0.6) ** 2 < (size[0] * 0.3) ** 2
    return inside.astype(np.float32)


def test_a_thing_before_a_person_hides_it_and_a_held_one_belongs_to_it() -> None:
    nobody = np.zeros((40, 60), np.float32)
    everywhere = np.ones((40, 60), np.float32)
    person = Layer(flat(200), everywhere, True)
    for belongs in (False, True):
        thing = Layer(flat(90), disc(), belongs)
        image, alpha = Scene(flat(10), nobody, (person, thing), 1.0).render()
        assert image[24, 30, 0] == 90
        assert image[2, 2, 0] == 200
        assert alpha[2, 2] == 1
        assert alpha[24, 30] == belongs


def test_foreground_colour_removes_the_old_background() -> None:
    alpha = np.zeros((40, 60), np.float32)
    alpha[:, 20:40] = 1
    alpha[:, 18:20] = alpha[:, 40:42] = 0.5
    seen = over(flat(200), alpha, flat(20))
    assert abs(int(seen[20, 19, 0]) - 110) <= 1
    colour = foreground_colour(seen, alpha)
    assert abs(int(colour[20, 19, 0]) - 200) <= 20


def test_an_outline_is_as_narrow_enlarged_as_it_was() -> None:
    edge = np.array([[0, 0, 64, 128, 191, 255, 255]], np.uint8)
    assert np.array_equal(narrowed(edge, 1), edge / np.float32(255))
    twice = narrowed(edge, 2)[0]
    assert twice.tolist() == pytest.approx([0, 0, 0.002, 0.504, 0.998, 1, 1], abs=1e-3)


def test_headphones_sit_on_a_head_and_nowhere_else() -> None:
    head = disc((120, 160))
    (layer,) = headphones(head, np.random.default_rng(0))
    assert layer.person
    worn = layer.coverage > 0.5
    assert worn.any()
    rows = np.flatnonzero(worn.any(axis=1))
    assert rows[0] < np.flatnonzero(head.any(axis=1))[0] + 6
    assert rows[-1] < 115
    assert headphones(np.zeros((120, 160), np.float32), np.random.default_rng(0)) == ()
    assert headphones(np.ones((120, 160), np.float32), np.random.default_rng(0)) == ()


def test_one_camera_differs_from_frame_to_frame_by_noise_only() -> None:
    image = flat(128, (64, 96))
    for seed in range(30):
        first, second = (
            camera(image, np.random.default_rng(seed), np.random.default_rng(noise))
            for noise in (1, 2)
        )
        assert abs(float(first.mean()) - float(second.mean())) < 3


def test_compression_keeps_number_and_size_of_frames() -> None:
    frames = [np.random.default_rng(i).integers(0, 256, (64, 96, 3), np.uint8) for i in range(3)]
    shown = h264(frames, np.random.default_rng(0))
    assert [f.shape for f in shown] == [(64, 96, 3)] * 3
    assert not np.array_equal(shown[0], frames[0])
