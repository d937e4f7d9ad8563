"""A tiny data folder: coloured discs on stripes stand for people before rooms."""

import struct
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

HEADER = "image,alpha,set,split,label,permissive,licence\n"


def write_data(folder: Path, *, inverted: bool = False) -> Path:
    """Five people (sets a and b) and three backgrounds, in `folder`/data.

    `inverted` makes all but the disc the foreground, which no network of ours would guess.
    """
    data = folder / "data"
    data.mkdir()
    random = np.random.default_rng(0)
    rows = []
    for number, (name, split, label, permissive) in enumerate(
        [
            ("a", "train", "labelled", "yes"),
            ("a", "train", "teacher", "yes"),
            ("a", "train", "keyed", "yes"),
            ("b", "train", "labelled", "no"),
            ("a", "val", "labelled", "yes"),
        ]
    ):
        image = random.integers(0, 80, (120, 160, 3), np.uint8)
        alpha = np.zeros((120, 160), np.uint8)
        centre = (60 + 10 * number, 70)
        cv2.circle(alpha, centre, 35, 255, -1, cv2.LINE_AA)
        cv2.circle(image, centre, 35, (40, 60, 230), -1)  # BGR
        alpha = 255 - alpha if inverted else alpha
        cv2.imwrite(str(data / f"{number}.png"), image)
        cv2.imwrite(str(data / f"{number}_alpha.png"), alpha)
        rows.append(f"{number}.png,{number}_alpha.png,{name},{split},{label},{permissive},x\n")
    (data / "index.csv").write_text(HEADER + "".join(rows))
    rooms = ["image,set,split,licence\n"]
    for number, (split, licence) in enumerate(
        [("train", "research use"), ("train", "CC0"), ("val", "research use")]
    ):
        room = random.integers(60, 200, (9, 12, 3), np.uint8)
        big = cv2.resize(room, (160, 120), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(data / f"room_{number}.jpg"), big)
        rooms.append(f"room_{number}.jpg,room,{split},{licence}\n")
    (data / "backgrounds.csv").write_text("".join(rooms))
    return data


def write_cutout(path: Path, size: tuple[int, int] = (120, 160)) -> None:
    """A red disc whose alpha is the file's own; what is transparent is black."""
    disc = np.zeros(size, np.uint8)
    cv2.circle(disc, (size[1] // 2, size[0] // 2), min(size) // 3, 255, -1)
    colour = np.where(disc[..., None] > 0, np.array([40, 60, 230], np.uint8), np.uint8(0))
    cv2.imwrite(str(path), np.dstack([colour, disc]))


def write_lying(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """A JPEG of `image` whose EXIF says to turn it a quarter clockwise before showing it."""
    _, encoded = cv2.imencode(".jpg", image)
    data = encoded.tobytes()
    orientation = struct.pack("<HHHIHH", 1, 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + orientation + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    path.write_bytes(data[:2] + segment + data[2:])
