"""Picture files and alpha files → arrays, as people store them.

Colours are uint8 [H, W, 3] RGB, alphas uint8 [H, W], 255 = foreground. A photograph is turned
upright as its EXIF says, and its alpha with it.

An alpha file may be grey, or have an alpha channel: then that channel counts, unless it is opaque
everywhere. Files of 16 bits are brought to 8. Masks of 0 and 1 are taken as 0 and 255; other
alphas that nowhere reach `FAINTEST` are refused, as class numbers are often stored like that.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models.errors import ModelsError

U8 = npt.NDArray[np.uint8]

FAINTEST = 64
"""What an alpha that is not empty reaches: a guess between class numbers and a faint matte."""


_MOST = {"uint8": 255, "uint16": 65535}


def read_colour(path: Path) -> U8:
    """The colours of a picture; `ModelsError` if the file is missing or broken."""
    return _rgb(path, cv2.IMREAD_COLOR)


def read_alpha(path: Path) -> U8:
    """What an alpha file holds.

    Raises:
        ModelsError: the file is missing or broken, or its values are no alpha.
    """
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if stored is not None and stored.ndim == 2:
            return _as_alpha(stored, path)
        if stored is not None and stored.shape[2] == 4 and not _opaque(stored[..., 3]):
            return _as_alpha(stored[..., 3], path)
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ModelsError(f"cannot read the alpha {path}")
    return _as_alpha(grey, path)


def read_pair(image: Path, alpha: Path) -> tuple[U8, U8]:
    """A photograph and its alpha, both upright.

    Raises:
        ModelsError: like `read_alpha`, or the two are not of one size.
    """
    colour, matte = read_colour(image), read_alpha(alpha)
    if matte.shape != colour.shape[:2]:
        matte = _turned_alike(matte, image, colour)
    if matte.shape != colour.shape[:2]:
        raise ModelsError(f"{alpha} is not as large as its picture: {_sizes(matte, colour)}")
    return colour, matte


def read_cutout(path: Path) -> tuple[U8, U8]:
    """A picture whose own alpha channel is its alpha.

    Raises:
        ModelsError: the file is missing or broken, or has no such channel, or an opaque one.
    """
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise ModelsError(f"cannot read the picture {path}")
    if stored.ndim != 3 or stored.shape[2] != 4 or _opaque(stored[..., 3]):
        raise ModelsError(
            f"{path} has no transparent part to be its alpha: name an alpha file in the index"
        )
    # like the channels above, not turned: the one alpha could not follow
    colour = _rgb(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return colour, _as_alpha(stored[..., 3], path)


def _rgb(path: Path, how: int) -> U8:
    bgr = cv2.imread(str(path), how)
    if bgr is None:
        raise ModelsError(f"cannot read the picture {path}")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _opaque(channel: npt.NDArray[Any]) -> bool:
    most = _MOST.get(channel.dtype.name)
    return bool(np.all(channel == most))


def _as_alpha(values: npt.NDArray[Any], path: Path) -> U8:
    most = _MOST.get(values.dtype.name)
    if most is None:
        raise ModelsError(f"{path} has values of {values.dtype}: write alphas in 8 bits, 0..255")
    if values.max() == 1:
        return np.asarray(values * 255, np.uint8)
    alpha = np.asarray(values // ((most + 1) // 256), np.uint8)
    if values.max() > 0 and alpha.max() < FAINTEST:
        raise ModelsError(
            f"{path} is at most {values.max()} of {most}: write alphas as "
            "0..255 (or masks as 0 and 1), all 0 where nobody is there"
        )
    return alpha


def _turned_alike(alpha: U8, image: Path, colour: U8) -> U8:
    """The alpha turned as EXIF turned the photograph, if it was made from the unturned one.

    Half a turn shows in no size: then an alpha counts as made from the picture as it is shown.
    """
    stored = _rgb(image, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if alpha.shape == stored.shape[:2]:
        for quarters in (1, 3):
            if np.array_equal(np.rot90(stored, quarters), colour):
                return np.ascontiguousarray(np.rot90(alpha, quarters))
    return alpha


def _sizes(alpha: U8, colour: U8) -> str:
    (h, w), (height, width) = alpha.shape, colour.shape[:2]
    return f"{w}x{h}, not {width}x{height}"
