"""Which of a camera's modes is opened."""

from __future__ import annotations

from fractions import Fraction

import pytest

from realtime.capture.modes import Mode, choose


def _mode(pixels: str, size: str, *rates: float) -> Mode:
    width, height = (int(side) for side in size.split("x"))
    return Mode(pixels, width, height, tuple(Fraction(rate) for rate in rates))


# What a usual webcam at USB 2 can do.
WEBCAM = [
    _mode("YUYV", "640x480", 30, 15),
    _mode("YUYV", "640x360", 30),
    _mode("YUYV", "1280x720", 10, 5),
    _mode("YUYV", "1920x1080", 5),
    _mode("MJPG", "640x480", 30),
    _mode("MJPG", "1280x720", 60, 30),
    _mode("MJPG", "1920x1080", 30),
    _mode("H264", "1920x1080", 30),
]


@pytest.mark.parametrize(
    ("width", "height", "fps", "pixels", "size", "rate"),
    [
        (640, 480, 30, "YUYV", "640x480", 30),
        (640, 480, 10, "YUYV", "640x480", 15),
        (1280, 720, 30, "MJPG", "1280x720", 30),
        (1280, 720, 60, "MJPG", "1280x720", 60),
        (1280, 720, 10, "YUYV", "1280x720", 10),
        (1920, 1080, 30, "MJPG", "1920x1080", 30),
        (3840, 2160, 30, "MJPG", "1920x1080", 30),
        (960, 540, 30, "MJPG", "1280x720", 30),
        (320, 180, 30, "YUYV", "640x360", 30),
    ],
)
def test_the_cheapest_that_reaches_size_and_rate_or_else_the_nearest(
    width: int, height: int, fps: float, pixels: str, size: str, rate: int
) -> None:
    chosen = choose(WEBCAM, width, height, fps)
    assert chosen is not None
    assert (chosen.pixels, f"{chosen.width}x{chosen.height}") == (pixels, size)
    assert chosen.rate_for(fps) == rate


def test_a_smaller_picture_rather_than_a_third_of_the_rate() -> None:
    modes = [_mode("YUYV", "1280x720", 10), _mode("YUYV", "640x360", 30)]
    assert choose(modes, 1280, 720, 30) == modes[1]


def test_a_little_too_slow_is_better_than_too_small() -> None:
    modes = [_mode("YUYV", "1280x720", 25), _mode("YUYV", "640x360", 30)]
    assert choose(modes, 1280, 720, 30) == modes[0]


def test_television_rates_are_as_good_as_round_ones() -> None:
    mode = Mode("YUYV", 640, 480, (Fraction(60000, 1001), Fraction(30000, 1001)))
    assert mode.rate_for(30) == Fraction(30000, 1001)
    assert choose([_mode("MJPG", "640x480", 30), mode], 640, 480, 30) == mode


def test_planes_come_before_packed_pixels_and_colour_before_grey() -> None:
    names = ["GREY", "H264", "BGR3", "MJPG", "422P", "YUYV", "NV12", "YU12"]
    modes = [_mode(name, "640x480", 30) for name in names]
    for count in range(1, len(modes) + 1):
        chosen = choose(modes[:count], 640, 480, 30)
        assert chosen is not None
        assert chosen.pixels == names[count - 1]


def test_unknown_rates_count_as_reached_and_unknown_pixels_not_at_all() -> None:
    mode = _mode("YUYV", "640x480")
    assert choose([mode, _mode("BA81", "640x480", 30)], 640, 480, 30) == mode
    assert mode.rate_for(30) is None
    assert choose([_mode("BA81", "640x480", 30)], 640, 480, 30) is None
    assert choose([], 640, 480, 30) is None
