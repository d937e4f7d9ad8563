"""Capture from real devices. Run with -s to see the figures."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
import pytest

from realtime.capture.camera import CameraSource
from realtime.capture.devices import Camera, find_camera, list_cameras, modes_of
from realtime.capture.opening import open_camera
from realtime.capture.source import Lost, Source
from realtime.capture.ways import Way, ways_to_device
from realtime.color import planes_to_rgb
from realtime.errors import SourceError
from realtime.frame import Frame, UInt8
from tests.hardware.conftest import Cable

SIZES = [(640, 480), (1280, 720), (1920, 1080)]

# Of 255, per pixel and colour. What 4:2:0 does to edges is more, and so is the clock in vivid's
# picture, but both are a small part of it.
_TOLERANCE = 3
_OTHER_PIXELS = 0.06

# Seconds after which a test gives up.
_HANGS = 30.0


def _next(source: Source) -> Frame:
    """The next frame, however long the source is lost before."""
    until = time.monotonic() + _HANGS
    while time.monotonic() < until:
        try:
            frame = source.read()
        except Lost:
            continue
        assert frame is not None
        return frame
    raise AssertionError("no picture came")


def _lost(source: Source) -> str:
    """Reads until there is nothing to read; why."""
    until = time.monotonic() + _HANGS
    while time.monotonic() < until:
        try:
            source.read()
        except Lost as lost:
            return str(lost)
    raise AssertionError("pictures went on")


def _resident_kib() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def _held() -> tuple[int, int]:
    """How many threads and file handles this process has."""
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def _picture_by_opencv(webcam: Camera, size: tuple[int, int]) -> UInt8:
    """What OpenCV makes of the camera, as RGB."""
    capture = cv2.VideoCapture(webcam.path, cv2.CAP_V4L2)
    try:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        for _ in range(3):
            came, bgr = capture.read()
            assert came
    finally:
        capture.release()
    rgb: UInt8 = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb


@pytest.mark.parametrize("size", SIZES)
def test_every_pixel_format_shows_what_opencv_shows(
    test_picture: Camera, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _picture_by_opencv(test_picture, size).astype(np.int16)
    modes = [m for m in modes_of(test_picture, size) if (m.width, m.height) == size]
    assert {"YU12", "NV12", "YUYV", "UYVY", "422P", "BGR3"} <= {mode.pixels for mode in modes}
    for mode in modes:
        if mode.pixels == "GREY":
            continue
        monkeypatch.setattr("realtime.capture.ways.modes_of", lambda *_, mode=mode: (mode,))
        with CameraSource(test_picture, *size, 30) as source:
            assert mode.pixels in source.notes()[0]
            _next(source)
            frame = _next(source)
        assert (frame.planes.width, frame.planes.height) == size
        shown = planes_to_rgb(frame.planes, frame.color).astype(np.int16)
        off = np.abs(shown - expected).max(axis=-1) > _TOLERANCE
        print(f"{size} {mode.pixels} {frame.color}: {off.mean():.2%} of pixels differ")
        assert off.mean() < _OTHER_PIXELS


@pytest.mark.parametrize("size", SIZES)
def test_the_asked_size_and_rate_come(webcam: Camera, size: tuple[int, int]) -> None:
    if not any((mode.width, mode.height) == size for mode in webcam.modes):
        pytest.skip(f"{webcam.name} has no {size}")
    with open_camera(webcam.path, *size, 30) as source:
        frames = [_next(source) for _ in range(60)]
        print(source.notes())
        assert (source.format.width, source.format.height) == size
    gaps = np.diff([frame.time for frame in frames])
    assert (gaps > 0).all()
    assert time.monotonic() - 60 < frames[0].time < frames[-1].time < time.monotonic()
    print(f"{size}: {1 / gaps.mean():.1f} fps, median {statistics.median(gaps) * 1e3:.1f} ms")


def test_listing_and_capturing_say_nothing_on_the_terminal(
    webcam: Camera, capfd: pytest.CaptureFixture[str]
) -> None:
    assert webcam in list_cameras()
    with open_camera(webcam.path, 640, 480) as source:
        _next(source)
    with pytest.raises(SourceError):
        find_camera("/dev/null")
    assert capfd.readouterr() == ("", "")


def test_frames_outlive_their_camera(webcam: Camera) -> None:
    """Raw pictures lie in memory that is unmapped when the device is closed."""
    source = open_camera(webcam.path, 640, 480)
    frames = [_next(source) for _ in range(4)]
    before = [frame.planes.y.copy() for frame in frames]
    source.close()
    for frame, copy in zip(frames, before, strict=True):
        np.testing.assert_array_equal(frame.planes.y, copy)


_HOLDER = """
import sys
from realtime.capture.opening import open_camera
from realtime.capture.source import Lost
with open_camera(sys.argv[1], 640, 480) as source:
    while True:
        try:
            source.read()
            break
        except Lost:
            pass
    print("holding", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _somebody_else(path: str) -> Iterator[int]:
    """Another process that captures from the camera; its number."""
    command = [sys.executable, "-c", _HOLDER, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"holding\n"
        yield process.pid
        process.communicate(b"")
    assert process.returncode == 0


def test_a_camera_in_use_names_who_has_it(webcam: Camera) -> None:
    with _somebody_else(webcam.path) as process:
        with pytest.raises(SourceError) as caught:
            open_camera(webcam.path)
        print(caught.value)
    assert f"(process {process})" in str(caught.value)


def test_pausing_gives_the_camera_to_others_and_resuming_takes_it(webcam: Camera) -> None:
    with open_camera(webcam.path, 640, 480) as source:
        assert _next(source).epoch == 0
        source.pause()
        _lost(source)
        deadline = time.monotonic() + _HANGS
        while os.path.realpath(webcam.path) in _open_files():
            assert time.monotonic() < deadline
        with _somebody_else(webcam.path):
            pass
        source.resume()
        assert _next(source).epoch == 1


def _open_files() -> set[str]:
    """What this process has open."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile by another thread
            found.add(os.path.realpath(f"/proc/self/fd/{fd}"))
    return found


def test_a_virtual_camera_that_nobody_feeds_is_refused(loopback: str) -> None:
    with pytest.raises(SourceError, match=r"virtual camera that no program sends to|in use"):
        find_camera(loopback)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_unplugged_twenty_times_it_always_comes_back(
    test_picture: Camera, cable: Cable, size: tuple[int, int]
) -> None:
    with open_camera(test_picture.path, *size) as source:
        last = _next(source)
        held, resident, until_lost, until_back = [], [], [], []
        for cycle in range(20):
            start = time.monotonic()
            cable.unplug()
            done = time.monotonic()
            _lost(source)
            until_lost.append((time.monotonic() - start, done - start))
            time.sleep(0.05 * cycle)  # at every point of the back-off
            start = time.monotonic()
            cable.plug()
            frame = _next(source)
            until_back.append(time.monotonic() - start)
            assert frame.index > last.index
            assert frame.pts > last.pts
            assert frame.epoch == last.epoch + 1
            last = frame
            for _ in range(5):
                last = _next(source)
            held.append(_held())
            resident.append(_resident_kib())
        assert source.losses == 20
        assert set(held) == {held[0]}
    lost = [f"{all_of_it * 1e3:.0f} ({kernel * 1e3:.0f})" for all_of_it, kernel in until_lost]
    print(f"{size} ms until lost (of these, to unplug): {', '.join(lost)}")
    print(f"{size} s until back: {', '.join(f'{each:.2f}' for each in until_back)}")
    print(f"{size} threads and handles: {held[0]} each time; KiB resident: {resident}")
    # The memory that FFmpeg shares with the driver counts as resident while it is mapped.
    assert resident[-1] < resident[0] * 1.05


class Phone:
    """A program that feeds the virtual camera with JPEG, as those for telephones do."""

    colors = ((200, 40, 30), (30, 180, 60), (20, 60, 220))

    def __init__(self, path: str, size: tuple[int, int]) -> None:
        self._size = size
        self._output = av.open(path, "w", format="v4l2")
        self._stream = self._output.add_stream("mjpeg", rate=30)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuvj422p"
        self._stream.codec_context.qmin = self._stream.codec_context.qmax = 2
        self._packets = self._encode()
        self._stopping = threading.Event()
        self.silent = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _encode(self) -> list[Any]:
        width, height = self._size
        rgb = np.empty((height, width, 3), np.uint8)
        for index, color in enumerate(self.colors):
            rgb[:, index * width // 3 :] = color
        picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            format="yuvj422p", dst_colorspace=5, dst_color_range=2
        )
        picture.time_base = Fraction(1, 30)
        packets: list[Any] = []
        for index in range(2):
            picture.pts = index
            packets += self._stream.encode(picture)
        return packets

    def _send(self) -> None:
        with self._output:
            while not self._stopping.wait(1 / 30):
                if not self.silent.is_set():
                    self._output.mux(self._packets[0])

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


@contextmanager
def _phone(path: str, size: tuple[int, int]) -> Iterator[Phone]:
    phone = Phone(path, size)
    try:
        until = time.monotonic() + _HANGS
        while True:
            try:
                find_camera(path)
                break
            except SourceError:
                assert time.monotonic() < until
        yield phone
    finally:
        phone.stop()


@pytest.mark.parametrize("size", SIZES)
def test_jpeg_is_shown_in_its_colours(loopback: str, size: tuple[int, int]) -> None:
    with _phone(loopback, size) as phone, open_camera(loopback, *size) as source:
        _next(source)
        start, spent = time.monotonic(), time.process_time()
        for _ in range(30):
            frame = _next(source)
        print(f"{size}: {30 / (time.monotonic() - start):.1f} fps, {source.notes()}")
        print(f"{(time.process_time() - spent) / 30 * 1e3:.1f} ms of CPU, the sender's included")
        assert "MJPG" in source.notes()[0]
        assert frame.color == source.format.color
        assert frame.color.full_range
        rgb = planes_to_rgb(frame.planes, frame.color)
        for index, color in enumerate(phone.colors):
            place = rgb[size[1] // 2, (2 * index + 1) * size[0] // 6]
            np.testing.assert_allclose(place, color, atol=3)


def test_a_camera_that_falls_silent_is_lost_and_goes_on(loopback: str) -> None:
    size = (640, 480)
    with _phone(loopback, size) as phone, open_camera(loopback, *size) as source:
        assert _next(source).epoch == 0
        start = time.monotonic()
        phone.silent.set()
        reason = _lost(source)
        print(f"{time.monotonic() - start:.3f} s: {reason}")
        assert reason == "no picture for 0.4 s"
        phone.silent.clear()
        assert _next(source).epoch == 1


def test_a_virtual_camera_is_waited_for_when_its_program_ends(loopback: str) -> None:
    size = (640, 480)
    with _phone(loopback, size):
        source = open_camera(loopback, *size)
        first = _next(source)
    with source:
        _lost(source)
        with _phone(loopback, size):
            # What the device kept of the first program may come before.
            while _next(source).epoch == first.epoch:
                pass


def test_the_wait_is_for_the_devices_own_sign(
    webcam: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not for a fixed time: a picture would lie there until it is over."""
    asked = []
    poll = select.poll

    def counted() -> select.poll:
        asked.append(True)
        return poll()

    monkeypatch.setattr(select, "poll", counted)
    with CameraSource(webcam, 640, 480) as source:
        _next(source)
    assert asked


def test_a_device_that_refuses_is_opened_as_it_likes(webcam: Camera) -> None:
    def first_way_fails(url: str, **arguments: object) -> object:
        if arguments == best.arguments():
            raise OSError(22, "Invalid argument")
        return av.open(url, **arguments)  # type: ignore[call-overload]

    best: Way = next(ways_to_device(webcam, 640, 480, 30))
    with CameraSource(webcam, 640, 480, 30, open=first_way_fails) as source:
        frame = _next(source)
        assert (frame.planes.width, frame.planes.height) == (
            source.format.width,
            source.format.height,
        )
