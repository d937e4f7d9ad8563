"""What both ends need of FFmpeg."""

from __future__ import annotations

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
    with pytest.raises(SourceError, match="cannot be opened") as refused:
        open_input("nothing://me:secret@192.0.2.1/video")
    assert "secret" not in str(refused.value)
