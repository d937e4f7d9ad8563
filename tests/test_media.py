"""What both ends need of FFmpeg."""

from __future__ import annotations

import errno
from pathlib import Path

import cv2  # noqa: F401 - before PyAV, see realtime.media

# isort: split
import av
import pytest

from realtime.errors import SourceError
from realtime.media import open_input, without_password


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("http://me:secret@192.0.2.1/video", "http://192.0.2.1/video"),
        ("rtsp://me:p@ss@192.0.2.1/stream?at=@home", "rtsp://192.0.2.1/stream?at=@home"),
        ("http://me:why?#@192.0.2.1/video", "http://192.0.2.1/video"),
        ("http://192.0.2.1/@home", "http://192.0.2.1/@home"),
        ("clips//me@home/talk.mp4", "clips//me@home/talk.mp4"),
    ],
)
def test_a_url_is_shown_without_its_password(name: str, shown: str) -> None:
    assert without_password(name) == shown


def test_a_url_that_cannot_be_opened_is_named_without_its_password() -> None:
    with pytest.raises(SourceError, match=r"cannot be opened: .*; check the address") as refused:
        open_input("nothing://me:secret@192.0.2.1/video")
    assert "secret" not in str(refused.value)


def test_a_file_that_cannot_be_opened_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = tmp_path / "talk.mp4"
    path.touch()
    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(SourceError) as refused:
        open_input(str(path))
    assert str(refused.value) == (
        f"{path}: cannot be opened: Permission denied; see that you may read it, or choose another "
        "file"
    )
