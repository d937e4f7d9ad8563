"""The way through OpenCV, with its capture played by a fake."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from realtime.capture.devices import Camera
from realtime.capture.opencv import OpenCVSource
from realtime.color import planes_to_rgb
from realtime.errors import SourceError
from realtime.frame import UInt8
from tests.capture.fakes import START, Clock

CAMERA = Camera("0", "Odd Webcam", "/nowhere/video0")


class FakeCapture:
    """Gives its pictures one after another and then none."""

    def __init__(self, *pictures: UInt8, rate: float = 25.0, opens: bool = True) -> None:
        self._pictures = list(pictures)
        self._rate = rate
        self._opens = opens
        self.settings: dict[int, float] = {}
        self.released = 0
        self.log_levels: list[int] = []

    def open(self, _which: str | int, _reader: int) -> FakeCapture:
        self.log_levels.append(cv2.utils.logging.getLogLevel())
        return self

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._opens

    def set(self, what: int, value: float) -> bool:
        self.settings[what] = value
        return True

    def get(self, _what: int) -> float:
        return self._rate

    def read(self) -> tuple[bool, UInt8 | None]:
        return (True, self._pictures.pop(0)) if self._pictures else (False, None)

    def release(self) -> None:
        self.log_levels.append(cv2.utils.logging.getLogLevel())
        self.released += 1


def _open(capture: FakeCapture, **arguments: Any) -> OpenCVSource:
    return OpenCVSource(CAMERA, open=capture.open, clock=Clock(), **arguments)


def _picture(height: int = 48, width: int = 64) -> UInt8:
    bgr = np.full((height, width, 3), 128, np.uint8)
    bgr[:, : width // 2] = (30, 40, 200)
    return bgr


def test_pictures_become_planes_with_their_colours() -> None:
    capture = FakeCapture(_picture(), _picture())
    with _open(capture, width=640, height=360, fps=15.0) as source:
        assert (source.format.width, source.format.height) == (64, 48)
        assert source.format.frame_rate == 25
        frames = [source.read(), source.read()]
    for index, frame in enumerate(frames):
        assert frame is not None
        assert (frame.index, frame.pts) == (index, START + index)
        assert frame.color == source.format.color
        rgb = planes_to_rgb(frame.planes, frame.color)
        np.testing.assert_allclose(rgb[24, 12], (200, 40, 30), atol=3)
        np.testing.assert_allclose(rgb[24, 50], (128, 128, 128), atol=3)
    assert capture.settings[cv2.CAP_PROP_FRAME_WIDTH] == 640
    assert capture.settings[cv2.CAP_PROP_FRAME_HEIGHT] == 360
    assert capture.settings[cv2.CAP_PROP_FPS] == 15
    assert capture.released == 1


@pytest.mark.parametrize(("height", "width"), [(50, 66), (49, 67), (6, 2)])
def test_any_size_is_cropped_to_even(height: int, width: int) -> None:
    with _open(FakeCapture(_picture(height, width))) as source:
        frame = source.read()
    assert frame is not None
    assert frame.planes.y.shape == (height // 2 * 2, width // 2 * 2)
    assert frame.planes.u.shape == frame.planes.v.shape == (height // 2, width // 2)


def test_grey_pictures_are_grey() -> None:
    with _open(FakeCapture(np.full((48, 64), 128, np.uint8))) as source:
        frame = source.read()
    assert frame is not None
    assert {int(frame.planes.u.mean()), int(frame.planes.v.mean())} == {128}


def test_a_camera_that_breaks_says_so() -> None:
    with _open(FakeCapture(_picture())) as source:
        source.read()
        with pytest.raises(SourceError, match=r"Odd Webcam .* gives no picture"):
            source.read()


@pytest.mark.parametrize("capture", [FakeCapture(opens=False), FakeCapture()])
def test_a_camera_that_gives_nothing_is_refused_and_released(capture: FakeCapture) -> None:
    with pytest.raises(SourceError, match="gives no picture"):
        _open(capture)
    assert capture.released == 1


def test_opencv_does_not_talk_while_it_opens_and_closes() -> None:
    level = cv2.utils.logging.getLogLevel()
    capture = FakeCapture(_picture())
    _open(capture).close()
    assert capture.log_levels == [0, 0]
    assert cv2.utils.logging.getLogLevel() == level


def test_a_rate_that_is_not_known_is_the_asked_one() -> None:
    with _open(FakeCapture(_picture(), rate=0.0), fps=15.0) as source:
        assert source.format.frame_rate == 15
