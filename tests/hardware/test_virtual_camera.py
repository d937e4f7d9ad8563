"""What other programs see in a virtual camera. Run with -s to see the figures.

REALTIME_SECONDS is how long each measurement lasts, 5 by default.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.placing import kept_to
from realtime.capture.devices import Camera
from realtime.color import planes_to_rgb, rgb_to_planes
from realtime.errors import OutputError
from realtime.frame import ColorTags, Frame, Planes, UInt8, VideoFormat
from realtime.output import loopback as loopbacks
from realtime.output.virtual import VirtualCameraSink
from tests.hardware import START_UP

SIZES = [(640, 480), (1280, 720), (1920, 1080)]
SECONDS = float(os.environ.get("REALTIME_SECONDS", "5"))

WEBCAM = ColorTags(full_range=False, matrix=6)
COLORS = {
    "webcam": WEBCAM,
    "untagged": ColorTags(),
    "jpeg": ColorTags(full_range=True, matrix=5),
    "bt709": ColorTags(full_range=False, matrix=1),
    "full bt709": ColorTags(full_range=True, matrix=1),
}


def _bars(width: int, height: int) -> UInt8:
    """Flat colours, uint8 RGB: what 4:2:0 does to edges is at their edges."""
    colors = [
        (235, 235, 235),
        (200, 30, 30),
        (30, 180, 40),
        (40, 50, 200),
        (200, 190, 40),
        (8, 8, 8),
    ]
    rgb = np.empty((height, width, 3), np.uint8)
    for index, color in enumerate(colors):
        rgb[:, index * width // 6 : (index + 1) * width // 6] = color
    return rgb


def _inside(picture: UInt8) -> UInt8:
    """The middles of the bars, (6, 3)."""
    height, width = picture.shape[:2]
    return picture[height // 2, [(2 * index + 1) * width // 12 for index in range(6)]]


def _read(way: str, device: str, seconds: float, keep: Path | None = None) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.hardware.reader", way, device, str(seconds)]
    command = kept_to(1, command)
    done = subprocess.run(
        [*command, *([] if keep is None else [str(keep)])],
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@contextmanager
def _sending(device: str, planes: Planes, color: ColorTags, rate: float = 30.0) -> Iterator[None]:
    """Sends one picture again and again from a thread."""
    ended = threading.Event()
    video = VideoFormat(planes.width, planes.height, Fraction(rate), Fraction(1, 10**9), color)
    sink = VirtualCameraSink(device)
    sink.open(video, transparent=False)

    def send() -> None:
        while not ended.wait(1 / rate):
            sink.write(Frame(planes, 0, time.monotonic_ns(), video.time_base, color))

    thread = threading.Thread(target=send, name="realtime-test-sender")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        sink.close()


@pytest.mark.parametrize("way", ["opencv", "ffmpeg"])
@pytest.mark.parametrize("size", SIZES)
def test_others_see_the_right_size_and_colors(
    loopback: str, tmp_path: Path, size: tuple[int, int], way: str
) -> None:
    rgb = _bars(*size)
    for name, color in COLORS.items():
        # One that is not tagged is of the colours that its size suggests, here as everywhere.
        planes = rgb_to_planes(rgb, color)
        with _sending(loopback, planes, color):
            result = _read(way, loopback, 0.5, tmp_path / "last.npy")
        assert (result["width"], result["height"]) == size
        picture = np.load(tmp_path / "last.npy")
        if way == "opencv":
            seen = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        else:
            seen = cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)
        difference = np.abs(_inside(seen).astype(int) - _inside(rgb)).max()
        print(f"{way} {size[0]}×{size[1]} {name}: largest difference {difference} of 255")
        assert difference <= 2


def test_a_webcams_pictures_pass_bit_for_bit(loopback: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    width, height = 640, 480
    planes = Planes(
        random.integers(0, 256, (height, width), np.uint8),
        random.integers(0, 256, (height // 2, width // 2), np.uint8),
        random.integers(0, 256, (height // 2, width // 2), np.uint8),
    )
    with _sending(loopback, planes, WEBCAM):
        _read("ffmpeg", loopback, 0.5, tmp_path / "last.npy")
    sent = np.concatenate([plane.reshape(-1) for plane in planes])
    np.testing.assert_array_equal(np.load(tmp_path / "last.npy").reshape(-1), sent)


def test_it_can_be_opened_again_and_again(loopback: str) -> None:
    """Up to 0.12, v4l2loopback allows it once only: see `loopback.heal`."""
    planes = rgb_to_planes(_bars(640, 480), WEBCAM)
    for _ in range(5):
        with _sending(loopback, planes, WEBCAM):
            _wait_until_sending(loopback)
        assert loopbacks.usable(loopback).path == loopback


def test_one_that_is_in_use_is_said_to_be(loopback: str) -> None:
    planes = rgb_to_planes(_bars(640, 480), WEBCAM)
    video = VideoFormat(640, 480, Fraction(30), Fraction(1, 30))
    with _sending(loopback, planes, WEBCAM):
        _wait_until_sending(loopback)
        sink = VirtualCameraSink(loopback)
        with pytest.raises(OutputError, match="another program is sending"):
            sink.open(video, transparent=False)
        sink.abort()
        # The one who is sending is not disturbed.
        assert _read("opencv", loopback, 0.5)["pictures"] > 3


def test_a_webcam_is_no_virtual_camera(webcam: Camera) -> None:
    with pytest.raises(OutputError, match="and not a virtual camera"):
        loopbacks.usable(webcam.path)


@contextmanager
def _running(module: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A program of ours on the first processor, until it is told to stop by Ctrl-C."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(kept_to(0, command), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)


@contextmanager
def _live(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`realtime live`, likewise."""
    with _running("realtime", "live", "--json", *arguments) as process:
        assert process.stdout is not None
        # What camera and output are comes first.
        events = (json.loads(line)["event"] for line in process.stdout)
        assert next(event for event in events if event != "note") == "progress"
        yield process


def _copied(camera: str, device: str, size: tuple[int, int]) -> tuple[dict[str, Any], str]:
    """What a reader sees of a bare copy, and in words what the copy lost: what to compare with."""
    with _running("tests.hardware.copier", camera, device, *size) as process:
        _wait_until_sending(device)
        result = _read("ffmpeg", device, SECONDS)
        copy, _ = _end(process)
    lost, at_the_start = copy["lost"], copy["lost_at_the_start"]
    return result, f"a bare copy: in {copy['frames_in']}, lost {lost}, {at_the_start} at the start"


def _end(process: subprocess.Popen[str]) -> tuple[dict[str, Any], float]:
    """Ctrl-C; its summary, and how many seconds it took to end."""
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    return json.loads(out.splitlines()[-1]), time.monotonic() - start


@pytest.mark.parametrize("size", SIZES[1:])
def test_from_the_webcam_to_another_program(
    webcam: Camera, loopback: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    width, height = size
    log = tmp_path / "figures.json"
    _, lost = _copied(webcam.path, loopback, size)
    live = ("--camera", webcam.path, "--output", loopback, "--size", f"{width}x{height}")
    with _live(*live, "--stats-json", log) as process:
        results = [_read(way, loopback, SECONDS) for way in ("opencv", "ffmpeg")]
        summary, ending = _end(process)
    for result in results:
        assert (result["width"], result["height"]) == size
        rate = (result["pictures"] - 1) / result["seconds"]
        print(f"{width}×{height}: read {result['pictures']} pictures at {rate:.1f} Hz")
        assert result["pictures"] > SECONDS
    print(
        f"in {summary['frames_in']}, out {summary['frames_out']}, "
        f"dropped {summary['frames_dropped']}, {_dropped_at_the_start(log)} of them at the start, "
        f"{summary['fps']:.1f} Hz, ended in {ending:.2f} s, {summary['notes']}\n"
        f"{summary['stages']}\n"
        f"{lost}"
    )
    assert summary["frames_out"] > 0
    assert ending < 5


def _dropped_at_the_start(log: Path) -> int:
    """Frames that were dropped in the first seconds, by the figures of each second."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    early = [line for line in lines if line["event"] == "stats" and line["seconds"] < START_UP + 1]
    return int(early[-1]["frames_dropped"])


def test_readers_come_and_go(loopback: str) -> None:
    with _live("--camera", "demo", "--output", loopback, "--size", "640x480") as process:
        _wait_until_sending(loopback)
        threads = _threads(process.pid)
        handles = len(os.listdir(f"/proc/{process.pid}/fd"))
        for _ in range(50):
            capture = cv2.VideoCapture(loopback, cv2.CAP_V4L2)
            good, picture = capture.read()
            capture.release()
            assert good
            assert picture.shape == (480, 640, 3)
        assert len(_threads(process.pid)) <= len(threads)
        assert len(os.listdir(f"/proc/{process.pid}/fd")) <= handles
        summary, _ = _end(process)
    print(f"50 readers: out {summary['frames_out']}, dropped {summary['frames_dropped']}")


def _threads(pid: int) -> list[str]:
    names = [(task / "comm").read_text().strip() for task in Path(f"/proc/{pid}/task").iterdir()]
    return sorted(names)


@pytest.mark.parametrize("size", SIZES[1:])
def test_latency_through_the_pixels(loopback: str, size: tuple[int, int]) -> None:
    width, height = size
    reference, lost = _copied("clock", loopback, size)
    with _running("tests.hardware.sender", loopback, width, height) as process:
        _wait_until_sending(loopback)
        result = _read("ffmpeg", loopback, SECONDS)
        summary, _ = _end(process)
    assert (result["width"], result["height"]) == size
    assert len(result["ages"]) > SECONDS, "the time codes cannot be read"
    print(
        f"{width}×{height}: through the pixels {_spread(result)}; "
        f"by its own clock {summary['stages']['latency']}; dropped {summary['frames_dropped']}\n"
        f"{lost}; through the pixels {_spread(reference)}"
    )


def _spread(result: dict[str, Any]) -> str:
    """The ages of a reader's pictures, in words."""
    ages = sorted(1e3 * age for age in result["ages"])
    return (
        f"p50 {statistics.median(ages):.1f} ms, p95 {ages[int(0.95 * (len(ages) - 1))]:.1f} ms, "
        f"largest {ages[-1]:.1f} ms, {len(ages)} of {result['pictures']} pictures"
    )


def _wait_until_sending(device: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if loopbacks.query(device).captures:
            return
        time.sleep(0.05)
    pytest.fail("nothing was sent")


def test_planes_to_rgb_and_opencv_agree_on_a_webcam() -> None:
    """What the colours above are compared by."""
    rgb = _bars(64, 48)
    planes = rgb_to_planes(rgb, WEBCAM)
    assert np.abs(_inside(planes_to_rgb(planes, WEBCAM)).astype(int) - _inside(rgb)).max() <= 1
