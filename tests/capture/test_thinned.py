"""A camera that is faster than anybody asked for."""

from __future__ import annotations

from fractions import Fraction

import pytest

from realtime.capture.source import Lost
from realtime.capture.thinned import Thinned
from tests.capture.fakes import FORMAT, FakeSource, frame

_RATE = Fraction(30)


def _stamps(*times_in_seconds: float) -> FakeSource:
    return FakeSource(
        *(frame(index, round(time * 1e9)) for index, time in enumerate(times_in_seconds)),
    )


def _kept(source: Thinned) -> list[int]:
    indices = []
    while (frame := source.read()) is not None:
        indices.append(frame.index)
    return indices


@pytest.mark.parametrize("camera_rate", [15, 29, 30, 31])
def test_a_camera_about_as_fast_or_slower_loses_nothing(camera_rate: int) -> None:
    source = Thinned(_stamps(*(index / camera_rate for index in range(60))), _RATE)
    assert _kept(source) == list(range(60))
    assert source.dropped == 0


def test_pictures_that_come_four_at_once_are_all_kept() -> None:
    times = [index // 4 * 4 / 30 + index % 4 / 1000 for index in range(60)]
    source = Thinned(_stamps(*times), _RATE)
    assert _kept(source) == list(range(60))


def test_a_camera_twice_as_fast_is_halved_and_counted() -> None:
    source = Thinned(_stamps(*(index / 60 for index in range(600))), _RATE)
    kept = _kept(source)
    assert len(kept) == pytest.approx(300 * 1.05, abs=4)
    assert source.dropped == 600 - len(kept)
    assert source.notes() == (
        f"{source.dropped} pictures were left out: it is faster than the 30 fps asked for",
    )


def test_its_format_is_what_comes_out_of_it() -> None:
    assert Thinned(FakeSource(), Fraction(15)).format.frame_rate == 15
    assert Thinned(FakeSource(), Fraction(60)).format == FORMAT


def test_all_else_is_the_sources() -> None:
    inner = FakeSource(Lost("silent"), notes=("a note",))
    inner.dropped = 2
    source = Thinned(inner, _RATE)
    with pytest.raises(Lost, match="silent"):
        source.read()
    assert source.dropped == 2
    assert source.notes() == inner.notes()
    source.close()
    assert inner.closed
