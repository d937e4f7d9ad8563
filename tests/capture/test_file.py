"""What is a video file, and what is said of anything else."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.capture.file import FileSource
from realtime.errors import SourceError
from tests.capture.files import assert_shows, read
from tests.capture.server import serve
from tests.media import drain, write_clip


def _cover_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000)
        cover = container.add_stream("mjpeg", rate=1)
        assert isinstance(sound, av.AudioStream)
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(32, 32, "yuvj420p")))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
        silence.sample_rate = 48_000
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    return path


def _sound_only(path: Path) -> Path:
    clip = write_clip(path.with_name("with_video.mp4"), audio="aac")
    with av.open(str(clip)) as old, av.open(str(path), "w") as new:
        target = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(old.streams.audio[0]):
            if packet.size:
                packet.stream = target
                new.mux(packet)
    return path


def _text(path: Path) -> Path:
    path.write_text("This is not a video.\n" * 50)
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _empty(path: Path) -> Path:
    path.touch()
    return path


def _without_index(path: Path) -> Path:
    whole = write_clip(path.with_name("whole.mp4"), frames=40).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def _too_long_a_name(path: Path) -> Path:
    return path.with_name("a" * 300 + ".mp4")


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (_cover_only, "choose a file with pictures"),
        (_sound_only, "choose a file with pictures"),
        (_text, "not a video"),
        (_folder, "name a video file in it"),
        (_empty, "not a video"),
        (_without_index, "cut short"),
        (lambda path: path, "check the path"),
        (_too_long_a_name, "check the path"),
    ],
)
def test_what_is_no_video_gives_one_line_with_the_fix(
    tmp_path: Path, make: Callable[[Path], Path], fix: str
) -> None:
    path = make(tmp_path / "input.mp4")
    with pytest.raises(SourceError) as caught:
        FileSource(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert fix in message
    assert "\n" not in message


def test_a_colon_in_a_name_is_part_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    frames, _ = read(Path("12:30.mp4"))
    assert_shows(frames, range(12))


def test_a_silent_server_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.media._URL_TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as server:  # it accepts, and never answers
        url = f"http://127.0.0.1:{server.getsockname()[1]}/video.mp4"
        with pytest.raises(SourceError, match=r"the server was silent for 0\.2 s"):
            FileSource(url)


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", options={"x264-params": "tff=1"})
    with (
        serve(clip.read_bytes()[:-200]) as address,
        FileSource(f"http://me:secret@{address}") as source,
    ):
        drain(source)
        said = " ".join(source.notes())
    assert f"http://{address} is interlaced" in said
    assert "secret" not in said + source.name
    with serve(b"This is not a video.") as address, pytest.raises(SourceError) as refused:
        FileSource(f"http://me:secret@{address}")
    assert str(refused.value).startswith(f"http://{address}: not a video")
    sound = _sound_only(tmp_path / "sound.mkv").read_bytes()
    with serve(sound) as address, pytest.raises(SourceError) as refused:
        FileSource(f"http://me:secret@{address}")
    assert str(refused.value).startswith(f"http://{address}: has no video in it")
