"""Whose clock a picture's time is."""

from __future__ import annotations

import pytest

from realtime.capture.stamps import Stamps

NOW = 7_000_000_000_000
MS = 1_000_000


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (NOW - 20 * MS, NOW - 20 * MS),  # the driver's word, by our clock
        (NOW, NOW),
        (NOW + 30 * MS, NOW),  # the end of a picture that it has yet to send
        (NOW - 3_000 * MS, NOW),  # a clock that stands apart
        (1_795_000_000_000 * MS, NOW),  # the time of day
        (0, NOW),  # counted from the start
        (None, NOW),
    ],
)
def test_the_device_is_believed_if_its_clock_is_ours(device: int | None, expected: int) -> None:
    assert Stamps()(device, NOW) == expected


def test_times_strictly_increase() -> None:
    stamps = Stamps()
    device = [NOW - 20 * MS, NOW - 20 * MS, NOW - 30 * MS, NOW - 10 * MS]
    times = [stamps(each, NOW) for each in device]
    assert times == [NOW - 20 * MS, NOW - 20 * MS + 1, NOW - 20 * MS + 2, NOW - 10 * MS]
