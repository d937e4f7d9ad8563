"""What the tests of files read them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from realtime.capture.file import FileSource
from realtime.frame import Frame
from tests.media import drain, luma_of_index


def read(path: Path, **arguments: Any) -> tuple[list[Frame], tuple[str, ...]]:
    with FileSource(path, **arguments) as source:
        return drain(source), source.notes()


def luma(frame: Frame) -> int:
    """The luma in the middle of a frame, away from where coding blurs."""
    return int(frame.planes.y[frame.planes.height // 2, frame.planes.width // 2])


def assert_shows(frames: list[Frame], indices: range) -> None:
    assert len(frames) == len(indices)
    for frame, index in zip(frames, indices, strict=True):
        assert abs(luma(frame) - luma_of_index(index)) <= 2, f"frame {index}"
