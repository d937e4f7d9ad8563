"""Seeing early, before any work is done, whether a file can be written."""

from __future__ import annotations

import os
from pathlib import Path

from realtime.errors import OutputError


def check_new(path: Path, *, overwrite: bool) -> None:
    """Sees whether a file can be made, or what a link leads to.

    Raises:
        OutputError: it exists and `overwrite` is False, or its folder is missing or read-only.
    """
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


def target_of(path: Path) -> Path:
    """The path itself, or what it leads to where it is a link, which is to stay one."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one file that exists."""
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)
