"""What `--camera` can name."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from realtime.capture import devices, opening
from realtime.capture.devices import OddCameraError
from realtime.capture.opening import open_camera
from realtime.capture.source import Lost
from realtime.errors import SourceError
from realtime.frame import Frame
from realtime.stats import Stats
from tests.capture.fakes import WEBCAM, FakeSource, frame
from tests.media import write_clip


def _first(camera: str, **arguments: Any) -> Frame:
    with open_camera(camera, **arguments) as source:
        for _ in range(50):
            try:
                frame = source.read()
            except Lost:
                continue
            assert frame is not None
            return frame
    raise AssertionError("no picture came")


def test_the_demo_is_a_camera() -> None:
    with open_camera("demo", 96, 64, 30) as source:
        assert (source.format.width, source.format.height) == (96, 64)
    assert _first("demo", width=96, height=64).planes.y.shape == (64, 96)


def test_a_url_is_a_camera(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "stream.mkv")
    assert _first(f"file://{clip}").planes.y.shape == (48, 64)


def test_a_url_that_cannot_be_opened_refuses_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="check its address"):
        open_camera(f"file://{tmp_path}/missing.mkv")


def test_a_camera_that_is_not_there_refuses_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_DEVICES", tmp_path)
    monkeypatch.setattr(devices, "_list_elsewhere", lambda: ())
    with pytest.raises(SourceError, match="camera 5: there is no"):
        open_camera("5")


def test_nothing_is_opened_while_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_camera: str) -> None:
        raise AssertionError("touched")

    monkeypatch.setattr(opening, "find_camera", refuse)
    with open_camera("0", 640, 360, 25, paused=True) as source:
        assert (source.format.width, source.format.height) == (640, 360)
        assert source.format.frame_rate == 25


class Shop:
    """Sells cameras to the opener, and notes which."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.refusal: SourceError | None = None
        self.second_refusal: SourceError | None = None
        monkeypatch.setattr(opening, "find_camera", self._find)
        monkeypatch.setattr(opening, "find_again", self._find_again)
        monkeypatch.setattr(opening, "CameraSource", self._ffmpeg)
        monkeypatch.setattr(opening, "OpenCVSource", self._opencv)

    def _find(self, name: str) -> devices.Camera:
        self.calls.append(f"find {name}")
        return WEBCAM

    def _find_again(self, lost: devices.Camera) -> devices.Camera:
        self.calls.append(f"find {lost.name} again")
        return lost

    def _ffmpeg(self, *_arguments: object, **_named: object) -> FakeSource:
        self.calls.append("ffmpeg")
        if self.refusal is not None:
            raise self.refusal
        return FakeSource(frame(), SourceError("unplugged"))

    def _opencv(self, *_arguments: object) -> FakeSource:
        self.calls.append("opencv")
        if self.second_refusal is not None:
            raise self.second_refusal
        return FakeSource(frame(), SourceError("unplugged"))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


def test_the_same_camera_is_opened_again(shop: Shop) -> None:
    opener = opening._Opener("webcam", 640, 480, 30, Stats())
    opener()
    opener()
    assert shop.calls == ["find webcam", "ffmpeg", "find Fake Webcam again", "ffmpeg"]


def test_a_camera_that_could_not_be_opened_is_looked_for_by_its_name(shop: Shop) -> None:
    opener = opening._Opener("webcam", 640, 480, 30, Stats())
    shop.refusal = SourceError("in use")
    with pytest.raises(SourceError, match="in use"):
        opener()
    shop.refusal = None
    opener()
    assert shop.calls == ["find webcam", "ffmpeg"] * 2


def test_odd_cameras_go_through_opencv(shop: Shop) -> None:
    shop.refusal = OddCameraError(f"fails: {errno.errorcode[errno.EIO]}")
    opening._Opener("0", 640, 480, 30, Stats())()
    assert shop.calls == ["find 0", "ffmpeg", "opencv"]


def test_what_neither_reads_says_what_ffmpeg_said(shop: Shop) -> None:
    shop.refusal, shop.second_refusal = OddCameraError("fails: EIO"), SourceError("gives nothing")
    with pytest.raises(SourceError, match="fails: EIO"):
        opening._Opener("0", 640, 480, 30, Stats())()


def test_a_camera_in_use_is_not_tried_with_opencv(shop: Shop) -> None:
    shop.refusal = SourceError("in use")
    with pytest.raises(SourceError, match="in use"):
        opening._Opener("0", 640, 480, 30, Stats())()
    assert "opencv" not in shop.calls
