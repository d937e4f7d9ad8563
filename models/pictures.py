"""The pictures of a run, from a data folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models.clips import all_clip_pictures, clip_folders
from models.dataset import (
    Licences,
    Picture,
    load_all,
    read_backgrounds,
    read_index,
    read_products,
)
from models.evaluate import empty_rooms

LONGEST = 800
"""Pixels of the longest side that training keeps of a picture. Networks see up to 608, and crops
are enlarged anyway: more would fill the memory (at 800x450, 1.4 MB each) and show nothing new."""

VALIDATION_CLIP_STEP = 25


class Pictures(NamedTuple):
    """People to train on, rooms, things to put in the way, and people to validate with."""

    people: list[Picture]
    backgrounds: list[Picture]
    products: list[Picture]
    val: list[Picture]


def load_pictures(data: Path, licences: Licences, sets: Sequence[str]) -> Pictures:
    """Decode what a run needs.

    What is trained on is scaled down to `LONGEST`; pictures to validate with keep their size, at
    which they are measured. Only people are required, of both splits.
    """
    people = read_index(data, "train", licences, sets)
    measured = read_index(data, "val")
    backgrounds = read_backgrounds(data, "train", licences, required=False)
    products = read_products(data, "train", licences)
    return Pictures(
        load_all(people, LONGEST),
        load_all(backgrounds, LONGEST),
        load_all(products, LONGEST),
        load_all(measured) + _clips(data),
    )


def _clips(data: Path) -> list[Picture]:
    """A few frames of the folder's clips before rooms of the val split, if it has both."""
    rooms = empty_rooms(data) if clip_folders(data) else []
    return all_clip_pictures(data, rooms, VALIDATION_CLIP_STEP)
