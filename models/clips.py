"""Talking heads with known alpha: keyed frames composed before rooms, 16:9."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from models.dataset import F32, U8, Entry, Picture, load

CLIP_SIZE = (288, 512)
"""Height and width of the composed frames; Grad and Conn depend on it."""

_ROOMS = 2


def clip_folders(data: Path) -> list[Path]:
    """The keyed clips of a data folder, each NNNN.jpg (foreground colour) and NNNN.png (alpha)."""
    return sorted(path for path in (data / "val_clips").glob("*") if path.is_dir())


def apart(rooms: Sequence[Picture]) -> Sequence[Picture]:
    """The rooms that clips are composed before: a few that differ."""
    return rooms[:: max(1, len(rooms) // _ROOMS)][:_ROOMS]


def compose_clip(folder: Path, room: U8, step: int = 1) -> Iterator[tuple[U8, F32]]:
    """Frames (uint8 [H, W, 3] RGB, alpha float32 [H, W] in 0..1) of a clip before `room`.

    The head is scaled to the frame's height and stands on its lower edge, in the middle.
    """
    height, width = CLIP_SIZE
    rows, columns = room.shape[:2]
    scale = max(height / rows, width / columns)
    size = (max(width, round(columns * scale)), max(height, round(rows * scale)))
    wide = cv2.resize(room, size, interpolation=cv2.INTER_AREA)
    behind = wide[(size[1] - height) // 2 :, (size[0] - width) // 2 :][:height, :width]
    for path in sorted(folder.glob("*.jpg"))[::step]:
        entry = Entry(path, path.with_suffix(".png"), folder.name, "val", "keyed", True, "")
        head = load(entry)
        shrink = min(height / head.alpha.shape[0], width / head.alpha.shape[1])
        h, w = round(head.alpha.shape[0] * shrink), round(head.alpha.shape[1] * shrink)
        colour = cv2.resize(head.image, (w, h), interpolation=cv2.INTER_AREA)
        matte = cv2.resize(head.alpha, (w, h), interpolation=cv2.INTER_AREA)
        truth = np.zeros(CLIP_SIZE, np.float32)
        left = (width - w) // 2
        truth[height - h :, left : left + w] = matte.astype(np.float32) / np.float32(255)
        front = np.zeros((height, width, 3), np.uint8)
        front[height - h :, left : left + w] = colour
        part = truth[..., None]
        yield np.asarray(front * part + behind * (1 - part) + 0.5, np.uint8), truth


def clip_pictures(folder: Path, room: U8, step: int) -> list[Picture]:
    """Every `step`th frame of a composed clip, as pictures of a set called "clips"."""
    entry = Entry(folder, folder, "clips", "val", "keyed", True, "")
    return [
        Picture(image, np.rint(alpha * 255).astype(np.uint8), entry)
        for image, alpha in compose_clip(folder, room, step)
    ]


def all_clip_pictures(data: Path, rooms: Sequence[Picture], step: int) -> list[Picture]:
    """Those of every clip of a data folder before every room that clips are composed before."""
    return [
        picture
        for folder, room in itertools.product(clip_folders(data), apart(rooms))
        for picture in clip_pictures(folder, room.image, step)
    ]
