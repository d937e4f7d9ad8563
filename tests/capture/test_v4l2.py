"""What is made of the answers of Linux's drivers."""

from __future__ import annotations

import errno
import struct
import sys
from fractions import Fraction
from typing import TypeVar

import pytest

from realtime.frame import ColorTags

if sys.platform != "linux":
    pytest.skip("V4L2 is Linux's", allow_module_level=True)

from realtime.capture import v4l2
from realtime.capture.modes import Mode

T = TypeVar("T")


class Driver:
    """Answers ioctls as the kernel lays them out for a 64-bit program."""

    card = b"HD Webcam"
    capabilities = (0x84200001, 0x04200001)
    formats: tuple[bytes, ...] = (b"YUYV", b"MJPG", b"BA81")
    # Kind, and what follows: one size, or the steps of a range.
    sizes: tuple[tuple[int, ...], ...] = ((1, 640, 480), (1, 1280, 720))
    intervals: tuple[tuple[int, ...], ...] = ((1, 1, 30), (1, 1001, 15000))
    color = (8, 0, 0, 0)

    def __call__(self, _fd: int, request: int, answer: bytearray) -> int:
        number, size = request & 0xFF, request >> 16 & 0x3FFF
        assert (request >> 8 & 0xFF, size) == (ord("V"), len(answer))
        # Whether the kernel reads the argument too.
        assert request >> 30 == (2 if number == 0 else 3)
        index = struct.unpack_from("=I", answer)[0]
        match number:
            case 0:
                struct.pack_into("=16s32s32s", answer, 0, b"uvcvideo", self.card, b"usb-1")
                struct.pack_into("=3I", answer, 80, 0x060100, *self.capabilities)
            case 2:
                assert struct.unpack_from("=I", answer, 4)[0] == 1
                struct.pack_into("=4s", answer, 44, self._at(self.formats, index))
            case 4:
                assert index == 1
                words = [0] * 6 + [self.color[0], 0xFEEDCAFE, 0, *self.color[1:]]
                struct.pack_into("=12I", answer, 8, *words)
            case 74:
                assert bytes(answer[4:8]) in self.formats
                kind, *rest = self._at(self.sizes, index)
                struct.pack_into(f"={1 + len(rest)}I", answer, 8, kind, *rest)
            case 75:
                kind, *rest = self._at(self.intervals, index)
                struct.pack_into(f"={1 + len(rest)}I", answer, 16, kind, *rest)
            case _:
                raise AssertionError(f"no such request: {number}")
        return 0

    @staticmethod
    def _at(items: tuple[T, ...], index: int) -> T:
        if index >= len(items):
            raise OSError(errno.EINVAL, "Invalid argument")
        return items[index]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    driver = Driver()
    monkeypatch.setattr("realtime.capture.v4l2.fcntl.ioctl", driver)
    return driver


def test_requests_are_the_kernels() -> None:
    assert v4l2._QUERYCAP == 0x80685600
    assert v4l2._ENUM_FMT == 0xC0405602
    assert v4l2._ENUM_FRAMESIZES == 0xC02C564A
    assert v4l2._ENUM_FRAMEINTERVALS == 0xC034564B
    if struct.calcsize("P") == 8:
        assert v4l2._G_FMT == 0xC0D05604


def test_a_camera_says_who_it_is(driver: Driver) -> None:
    assert v4l2.capabilities(3) == v4l2.Capabilities("uvcvideo", "HD Webcam", "usb-1", True, False)


@pytest.mark.parametrize(
    ("capabilities", "captures", "outputs"),
    [
        ((0x05200003, 0), True, True),  # an old driver speaks for the device as a whole
        ((0x85A00001, 0x04A00000), False, False),  # a camera's node for metadata
        ((0x85200003, 0x05200002), False, True),  # a virtual camera that nobody feeds
        ((0x84201000, 0x04201000), True, False),  # several planes
    ],
)
def test_what_the_node_can_do_counts(
    driver: Driver, capabilities: tuple[int, int], captures: bool, outputs: bool
) -> None:
    driver.capabilities = capabilities
    able = v4l2.capabilities(3)
    assert (able.captures, able.outputs) == (captures, outputs)


def test_modes_are_listed_in_usable_formats(driver: Driver) -> None:
    rates = (Fraction(30), Fraction(15000, 1001))
    assert list(v4l2.modes(3)) == [
        Mode("YUYV", 640, 480, rates),
        Mode("YUYV", 1280, 720, rates),
        Mode("MJPG", 640, 480, rates),
        Mode("MJPG", 1280, 720, rates),
    ]


def test_a_range_of_sizes_has_the_wanted_and_the_usual_ones(driver: Driver) -> None:
    driver.formats = (b"YUYV",)
    driver.sizes = ((3, 320, 1280, 16, 180, 720, 2),)
    driver.intervals = ((2, 1, 60, 1, 10, 1, 1),)
    modes = {(mode.width, mode.height): mode.rates for mode in v4l2.modes(3, (1024, 576))}
    assert (1024, 576) in modes
    assert (640, 480) in modes
    assert (1920, 1080) not in modes
    assert max(modes[1024, 576]) == 60
    assert min(modes[1024, 576]) == 10
    assert (1000, 576) not in {
        (mode.width, mode.height) for mode in v4l2.modes(3, (1000, 576))
    }  # no step leads to it


def test_a_list_that_never_ends_is_ended(driver: Driver) -> None:
    driver.formats = (b"YUYV",)
    driver.sizes = ((1, 640, 480),) * 100_000
    driver.intervals = ()
    assert list(v4l2.modes(3)) == [Mode("YUYV", 640, 480, ())]


def test_an_interval_of_nothing_is_no_rate(driver: Driver) -> None:
    driver.intervals = ((1, 0, 30), (1, 1, 25))
    assert {mode.rates for mode in v4l2.modes(3)} == {(Fraction(25),)}
    driver.intervals = ((2, 0, 0, 0, 0, 0, 0),)
    assert {mode.rates for mode in v4l2.modes(3)} == {()}


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        ((8, 0, 0, 0), ColorTags(False, 6, 1, 13)),  # sRGB: what webcams say
        ((3, 0, 0, 0), ColorTags(False, 1, 1, 1)),  # BT.709
        ((1, 0, 0, 0), ColorTags(False, 6, 6, 6)),  # SMPTE 170M
        ((7, 0, 0, 0), ColorTags(True, 6, 1, 13)),  # JPEG
        ((10, 0, 0, 0), ColorTags(False, 9, 9, 14)),  # BT.2020
        ((8, 2, 1, 1), ColorTags(True, 1, 1, 1)),  # all said
        ((7, 0, 2, 0), ColorTags(False, 6, 1, 13)),  # JPEG in limited range
        ((0, 0, 0, 0), ColorTags(False, 6, 2, 2)),  # nothing said
    ],
)
def test_colours_follow_the_kernels_rules(
    driver: Driver, words: tuple[int, int, int, int], tags: ColorTags
) -> None:
    driver.color = words
    assert v4l2.color(3) == tags
