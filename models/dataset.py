"""The pictures to learn from: index files, filters, and a cache in memory.

A data folder holds `index.csv` (people: image, alpha, set, split, label, permissive, licence) and
`backgrounds.csv` (image, set, split, licence), optionally `products.csv` (like index.csv). Paths
are relative to the folder. `label` says how an alpha was made: "labelled" (by a person), "keyed"
(chroma key) or "teacher" (a larger network).
"""

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from models.errors import ModelsError

Split = Literal["train", "val"]
Licences = Literal["all", "permissive"]
U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

BACKGROUNDS_WITH_PEOPLE = frozenset(
    f"scene_{number:03}.jpg" for number in (6, 8, 14, 55, 84, 90, 99, 103, 108)
)
"""Seen by eye in the `scene` set: their alpha of zeros would be wrong."""

_PERMISSIVE = ("CC0", "CC BY 4.0", "MIT", "Apache-2.0", "BSD", "public domain")


@dataclass(frozen=True)
class Entry:
    """One row of an index file; `alpha` is None for backgrounds."""

    image: Path
    alpha: Path | None
    set: str
    split: str
    label: str
    permissive: bool
    licence: str


@dataclass(frozen=True)
class Picture:
    """A decoded entry: `image` uint8 [H, W, 3] RGB, `alpha` uint8 [H, W], 255 = foreground."""

    image: U8
    alpha: U8
    entry: Entry


def read_index(
    folder: Path,
    split: Split,
    licences: Licences = "all",
    sets: Sequence[str] = (),
    index: str = "index.csv",
) -> list[Entry]:
    """Entries of one split, optionally only the permissive ones or only some sets.

    Raises `ModelsError` if the file is missing, lacks a column, or nothing is left.
    """
    rows = _rows(folder / index, ("image", "alpha", "set", "split", "label", "permissive"))
    entries = [
        Entry(
            image=folder / row["image"],
            alpha=folder / row["alpha"],
            set=row["set"],
            split=row["split"],
            label=row["label"],
            permissive=row["permissive"].strip().lower() == "yes",
            licence=row.get("licence", ""),
        )
        for row in rows
    ]
    return _filtered(entries, split, licences, sets, folder / index)


def read_backgrounds(folder: Path, split: Split, licences: Licences = "all") -> list[Entry]:
    """Backgrounds of one split; may be empty under `licences="permissive"`.

    The file has no column for it, so a background counts as permissive if its licence begins
    with the name of a permissive one.
    """
    rows = _rows(folder / "backgrounds.csv", ("image", "set", "split", "licence"))
    entries = [
        Entry(
            image=folder / row["image"],
            alpha=None,
            set=row["set"],
            split=row["split"],
            label="background",
            permissive=row["licence"].startswith(_PERMISSIVE),
            licence=row["licence"],
        )
        for row in rows
        if Path(row["image"]).name not in BACKGROUNDS_WITH_PEOPLE
    ]
    if licences == "permissive" and not any(
        entry.permissive and entry.split == split for entry in entries
    ):
        return []
    return _filtered(entries, split, licences, (), folder / "backgrounds.csv")


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except OSError as error:
        raise ModelsError(f"cannot read {path}: give the data folder with --data") from error
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise ModelsError(f"{path} has no column {', '.join(missing)}")
    return rows


def _filtered(
    entries: list[Entry], split: Split, licences: Licences, sets: Sequence[str], source: Path
) -> list[Entry]:
    unknown = set(sets) - {entry.set for entry in entries}
    if unknown:
        raise ModelsError(f"{source} has no set {', '.join(sorted(unknown))}")
    kept = [
        entry
        for entry in entries
        if entry.split == split
        and (licences == "all" or entry.permissive)
        and (not sets or entry.set in sets)
    ]
    if not kept:
        raise ModelsError(f"{source} has no picture of split {split} with licences {licences}")
    return kept


def load(entry: Entry) -> Picture:
    """Decode one entry; a background gets an alpha of zeros.

    Raises `ModelsError` if a file is missing or broken, or if the sizes of the two differ.
    """
    bgr = cv2.imread(str(entry.image), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ModelsError(f"cannot read the picture {entry.image}")
    image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    if entry.alpha is None:
        return Picture(image, np.zeros(image.shape[:2], np.uint8), entry)
    alpha = cv2.imread(str(entry.alpha), cv2.IMREAD_GRAYSCALE)
    if alpha is None:
        raise ModelsError(f"cannot read the alpha {entry.alpha}")
    if alpha.shape != image.shape[:2]:
        raise ModelsError(f"{entry.alpha} is not as large as its picture")
    return Picture(image, np.asarray(alpha, np.uint8), entry)


def load_all(entries: Sequence[Entry]) -> list[Picture]:
    """Decode all entries (about 0.5 MB of memory each at a longest side of 400 pixels)."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(load, entries))
