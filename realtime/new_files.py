"""New files: seeing early whether one can be written, and where to until it is whole."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

from realtime.errors import OutputError

# Bytes; what common file systems allow.
_LONGEST_NAME = 255


def check_new(path: Path, *, overwrite: bool) -> None:
    """Sees whether a file can be made, or what a link leads to.

    Raises:
        OutputError: its name is too long, it exists and `overwrite` is False, or its folder is
            missing or read-only.
    """
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise OutputError(
            f"{path}: this name is too long; choose one of {_LONGEST_NAME} bytes at most"
        )
    # Not Path's own: they raise what they cannot tell, such as for too long a name.
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder; name a file in it")
    if os.path.exists(path) and not overwrite:
        raise OutputError(f"{path}: exists already; add -y to overwrite it")
    folder = target_of(path).parent
    if not os.path.isdir(folder):
        raise OutputError(f"{path}: its folder does not exist; create {folder} first")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{path}: its folder cannot be written to; choose another")


def part_beside(path: Path) -> Path:
    """Where to write a file until it is whole: no other run's, nor a user's own."""
    name, end = os.fsencode(path.name), f".{uuid.uuid4().hex[:8]}.part"
    room = _LONGEST_NAME - len(end)
    kept = path.name if len(name) <= room else name[:room].decode(errors="ignore")
    return path.with_name(kept + end)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that is there as a whole, or as it was: nobody reads half of it meanwhile.

    Raises:
        OSError: it cannot be written.
    """
    part = part_beside(path)
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink()


def target_of(path: Path) -> Path:
    """The path itself, or what it leads to where it is a link, which is to stay one."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one file that exists."""
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)
