"""The pictures to learn from: index files, filters, and a cache in memory.

A data folder holds CSV files whose paths are relative to it:

- `index.csv`, people: image, alpha, set, split, label, permissive, licence
- `backgrounds.csv`, rooms with nobody in them: image, set, split, licence
- `products.csv`, things that are no people, like `index.csv`

Only `image` must be there. An `alpha` that is empty or the image itself means a cut-out: a picture
whose own alpha channel is its alpha. `set` groups pictures ("own"). `split` is train or val
("train"). `label` says how an alpha was made: "labelled" by a person, "keyed" (chroma key, or
rendered) or "teacher" (another network); without one a cut-out is "keyed", anything else
"labelled". `permissive` is yes where the source states a permissive licence ("no").
"""

import csv
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from models.decode import read_colour, read_cutout, read_pair
from models.errors import ModelsError
from models.exclusions import shows_people

Split = Literal["train", "val"]
Licences = Literal["all", "permissive"]
U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

LABELS = ("labelled", "keyed", "teacher")

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

    @property
    def cutout(self) -> bool:
        """Whether the alpha is the picture's own alpha channel."""
        return self.alpha == self.image


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
    entries = _with_alpha(folder, index)
    unknown = set(sets) - {entry.set for entry in entries}
    if unknown:
        raise ModelsError(f"{folder / index} has no set {', '.join(sorted(unknown))}")
    chosen = [entry for entry in entries if not sets or entry.set in sets]
    return _some(_filtered(chosen, split, licences), split, licences, folder / index)


def read_products(folder: Path, split: Split, licences: Licences = "all") -> list[Entry]:
    """Things of one split that are no people; none if there is no `products.csv`."""
    if not (folder / "products.csv").exists():
        return []
    things = [
        entry
        for entry in _with_alpha(folder, "products.csv")
        if not shows_people(entry.image.relative_to(folder).as_posix())
    ]
    return _filtered(things, split, licences)


def read_backgrounds(
    folder: Path, split: Split, licences: Licences = "all", *, required: bool = True
) -> list[Entry]:
    """Backgrounds of one split; may be empty under `licences="permissive"`.

    The file has no column for it, so a background counts as permissive if its licence begins
    with the name of a permissive one. Unless `required`, no file and no row are no error.
    """
    path = folder / "backgrounds.csv"
    if not required and not path.exists():
        return []
    entries = [
        Entry(
            image=folder / row["image"],
            alpha=None,
            set=row["set"] or "own",
            split=row["split"] or "train",
            label="background",
            permissive=row["licence"].startswith(_PERMISSIVE),
            licence=row["licence"],
        )
        for row in _rows(path)
        if not shows_people(row["image"])
    ]
    kept = _filtered(entries, split, licences)
    may_lack = not required or licences == "permissive"
    return kept if may_lack else _some(kept, split, licences, path)


def _with_alpha(folder: Path, index: str) -> list[Entry]:
    entries = []
    for row in _rows(folder / index):
        alpha = row["alpha"] or row["image"]
        label = row["label"] or ("keyed" if alpha == row["image"] else "labelled")
        if label not in LABELS:
            raise ModelsError(
                f"{folder / index} has the label {label}: it may be {', '.join(LABELS)}, or empty"
            )
        entries.append(
            Entry(
                image=folder / row["image"],
                alpha=folder / alpha,
                set=row["set"] or "own",
                split=row["split"] or "train",
                label=label,
                permissive=row["permissive"].lower() == "yes",
                licence=row["licence"],
            )
        )
    return entries


_COLUMNS = ("image", "alpha", "set", "split", "label", "permissive", "licence")


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows that name an image, all of `_COLUMNS` in each; "" where the file has none."""
    try:
        # spreadsheets begin their UTF-8 with a mark
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except OSError as error:
        raise ModelsError(f"cannot read {path}: give the data folder with --data") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ModelsError(f"{path} is no CSV in UTF-8: save it as that") from error
    if "image" not in (reader.fieldnames or ()):
        raise ModelsError(f"{path} has no column image: its first line names the columns")
    filled = [{name: (row.get(name) or "").strip() for name in _COLUMNS} for row in rows]
    return [row for row in filled if row["image"]]


def _filtered(entries: Iterable[Entry], split: Split, licences: Licences) -> list[Entry]:
    return [
        entry
        for entry in entries
        if entry.split == split and (licences == "all" or entry.permissive)
    ]


def _some(entries: list[Entry], split: Split, licences: Licences, source: Path) -> list[Entry]:
    if entries:
        return entries
    remedy = {
        "val": "mark some, a tenth say, with val in the column split",
        "train": "give such rows, or other options",
    }
    raise ModelsError(
        f"{source} has no picture of split {split} with licences {licences}: {remedy[split]}"
    )


def load(entry: Entry, longest: int | None = None) -> Picture:
    """Decode one entry; a background gets an alpha of zeros.

    Args:
        entry: what to decode.
        longest: pixels that neither side may exceed: larger pictures are scaled down. None keeps
            the size, as everything does that is measured.

    Raises:
        ModelsError: a file is missing or broken, the sizes of the two differ, or the alpha is none
            (see `models.decode`).
    """
    if entry.alpha is None:
        image = read_colour(entry.image)
        alpha = np.zeros(image.shape[:2], np.uint8)
    elif entry.cutout:
        image, alpha = read_cutout(entry.image)
    else:
        image, alpha = read_pair(entry.image, entry.alpha)
    if longest is not None and max(alpha.shape) > longest:
        scale = longest / max(alpha.shape)
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        image, alpha = (
            np.asarray(cv2.resize(a, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            for a in (image, alpha)
        )
    return Picture(image, alpha, entry)


def load_all(entries: Sequence[Entry], longest: int | None = None) -> list[Picture]:
    """Decode all entries, see `load`: 4 bytes of memory a pixel, 0.5 MB each at 400x300."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(partial(load, longest=longest), entries))
