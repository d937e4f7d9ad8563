"""What every camera promises, held against every way to read one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from realtime.capture import devices
from realtime.capture.camera import CameraSource
from realtime.capture.demo import DemoSource
from realtime.capture.opencv import OpenCVSource
from realtime.capture.paced import Paced
from realtime.capture.reconnecting import Reconnecting
from realtime.capture.source import Lost, Source
from realtime.frame import NANOSECOND, Frame
from tests.capture.fakes import WEBCAM, Clock, FakeContainer, picture
from tests.capture.test_opencv import FakeCapture

COUNT = 6


def _ffmpeg(pixels: str, codec: str = "rawvideo") -> Callable[[], Source]:
    def make() -> Source:
        clock = Clock()
        container = FakeContainer(*[picture(pixels=pixels) for _ in range(COUNT)], codec=codec)
        return CameraSource(WEBCAM, open=container.open, clock=clock, wait=clock.wait)

    return make


def _opencv() -> Source:
    pictures = [np.full((48, 64, 3), 40 * index, np.uint8) for index in range(COUNT)]
    return OpenCVSource(WEBCAM, open=FakeCapture(*pictures).open, clock=Clock())


def _demo() -> Source:
    clock = Clock()
    return Paced(DemoSource(64, 48), clock, clock.wait)


MAKERS: dict[str, Callable[[], Source]] = {
    "YUYV": _ffmpeg("yuyv422"),
    "NV12": _ffmpeg("nv12"),
    "I420": _ffmpeg("yuv420p"),
    "MJPG": _ffmpeg("yuvj422p", "mjpeg"),
    "OpenCV": _opencv,
    "demo": _demo,
}
MAKERS |= {
    f"reconnecting {name}": lambda make=make: Reconnecting(make)  # type: ignore[misc]
    for name, make in list(MAKERS.items())
}


@pytest.fixture(params=list(MAKERS.values()), ids=list(MAKERS))
def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Source]:
    monkeypatch.setattr(devices, "_DEVICES", tmp_path)
    maker: Callable[[], Source] = request.param
    return maker


def _read(source: Source, count: int) -> list[Frame]:
    """At most so many frames: the newest alone waits in a source that reads ahead."""
    frames: list[Frame] = []
    for _ in range(100):
        try:
            frame = source.read()
        except Lost:
            if frames:
                break
            continue
        assert frame is not None
        frames.append(frame)
        if len(frames) == count:
            break
    return frames


def test_it_counts_in_nanoseconds(make: Callable[[], Source]) -> None:
    with make() as source:
        assert source.format.time_base == NANOSECOND
        assert source.format.frame_count is None


def test_indices_and_times_increase(make: Callable[[], Source]) -> None:
    with make() as source:
        frames = _read(source, COUNT)
    assert frames
    assert all(a.index < b.index and a.pts < b.pts for a, b in pairwise(frames))
    assert {frame.time_base for frame in frames} == {NANOSECOND}


def test_frames_are_what_the_format_says(make: Callable[[], Source]) -> None:
    with make() as source:
        (frame,) = _read(source, 1)
        width, height = source.format.width, source.format.height
        assert frame.color == source.format.color
    assert frame.planes.y.shape == (height, width)
    assert frame.planes.u.shape == frame.planes.v.shape == (height // 2, width // 2)
    for plane in frame.planes:
        assert plane.dtype == np.uint8
        assert plane.strides[1] == 1


def test_closing_twice_is_closing(make: Callable[[], Source]) -> None:
    source = make()
    _read(source, 1)
    source.close()
    source.close()


def test_pausing_and_resuming_do_no_harm(make: Callable[[], Source]) -> None:
    with make() as source:
        source.pause()
        source.resume()
        assert _read(source, 1)
