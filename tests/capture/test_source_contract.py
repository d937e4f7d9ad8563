"""What every source promises, held against every source."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from realtime.capture.demo import DemoSource
from realtime.capture.file import FileSource
from realtime.capture.paced import Paced
from realtime.capture.source import Source
from tests.media import drain, write_clip

VFR_PTS = [0, 31, 64, 70, 150, 151, 400, 433, 460, 500]


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 7_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += round(seconds * 1e9)


def _file(folder: Path) -> Source:
    return FileSource(write_clip(folder / "clip.mp4", audio="aac"))


def _part_of_file(folder: Path) -> Source:
    return FileSource(write_clip(folder / "clip.mp4", frames=30), start=0.3, duration=0.4)


def _odd_file(folder: Path) -> Source:
    clip = write_clip(folder / "odd.mkv", size=(33, 19), pixels="yuv444p", codec="ffv1")
    return FileSource(clip)


def _vfr_file(folder: Path) -> Source:
    clip = write_clip(
        folder / "vfr.mp4", frames=len(VFR_PTS), pts=VFR_PTS, time_base=Fraction(1, 1000)
    )
    return FileSource(clip)


def _demo(_folder: Path) -> Source:
    return DemoSource(96, 64, Fraction(30), seconds=0.4)


def _paced(make: Callable[[Path], Source]) -> Callable[[Path], Source]:
    def make_paced(folder: Path) -> Source:
        clock = Clock()
        return Paced(make(folder), clock, clock.sleep)

    return make_paced


MAKERS = {
    "file": _file,
    "part of a file": _part_of_file,
    "odd file": _odd_file,
    "vfr file": _vfr_file,
    "demo": _demo,
    "paced file": _paced(_file),
    "paced vfr file": _paced(_vfr_file),
    "paced demo": _paced(_demo),
}


@pytest.fixture(params=list(MAKERS.values()), ids=list(MAKERS))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Source]:
    maker: Callable[[Path], Source] = request.param
    return lambda: maker(tmp_path)


def test_indices_count_up_and_times_strictly_increase(make: Callable[[], Source]) -> None:
    with make() as source:
        frames = drain(source)
    assert len(frames) > 5
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    assert {frame.time_base for frame in frames} == {source.format.time_base}


def test_frames_are_what_the_format_says(make: Callable[[], Source]) -> None:
    with make() as source:
        frames = drain(source)
        width, height = source.format.width, source.format.height
    assert width % 2 == 0
    assert height % 2 == 0
    for frame in frames:
        assert frame.planes.y.shape == (height, width)
        assert frame.planes.u.shape == frame.planes.v.shape == (height // 2, width // 2)
        assert all(plane.dtype == np.uint8 for plane in frame.planes)
        assert frame.color == source.format.color
        assert frame.alpha is None


def test_the_announced_number_of_frames_comes(make: Callable[[], Source]) -> None:
    with make() as source:
        assert source.format.frame_count == len(drain(source))


def test_after_the_end_is_the_end(make: Callable[[], Source]) -> None:
    with make() as source:
        drain(source)
        assert [source.read() for _ in range(3)] == [None] * 3


def test_frames_stay_as_they_were(make: Callable[[], Source]) -> None:
    """A queue holds several frames at once: reading on must not overwrite them."""
    with make() as source:
        first = source.read()
        assert first is not None
        before = [plane.copy() for plane in first.planes]
        drain(source)
    for plane, copy in zip(first.planes, before, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_closing_twice_is_closing(make: Callable[[], Source]) -> None:
    source = make()
    source.read()
    source.close()
    source.close()


def test_the_block_closes(make: Callable[[], Source], monkeypatch: pytest.MonkeyPatch) -> None:
    source = make()
    close, closed = source.close, []

    def counted() -> None:
        closed.append(True)
        close()

    monkeypatch.setattr(source, "close", counted)
    with pytest.raises(LookupError), source:
        raise LookupError
    assert closed == [True]


def test_reading_is_repeatable(make: Callable[[], Source]) -> None:
    with make() as source:
        once = drain(source)
    with make() as source:
        twice = drain(source)
    for a, b in zip(once, twice, strict=True):
        assert a.pts == b.pts
        for plane, other in zip(a.planes, b.planes, strict=True):
            np.testing.assert_array_equal(plane, other)


@pytest.mark.parametrize("make_inner", [_file, _vfr_file, _demo])
def test_pacing_keeps_the_rhythm(make_inner: Callable[[Path], Source], tmp_path: Path) -> None:
    with make_inner(tmp_path) as source:
        plain = drain(source)
    clock = Clock()
    with Paced(make_inner(tmp_path), clock, clock.sleep) as source:
        start = clock.now
        paced = drain(source)
    for a, b in zip(plain, paced, strict=True):
        assert b.pts - start == round(a.time * 1e9)


def test_a_late_frame_is_not_held_back_and_the_next_one_is_on_time() -> None:
    clock = Clock()
    with Paced(DemoSource(32, 32, Fraction(10), 0.5), clock, clock.sleep) as source:
        first = source.read()
        assert first is not None
        clock.now += 250_000_000
        offsets = [frame.pts - first.pts for frame in drain(source)]
    # The second and third were due at 0.1 and 0.2 s.
    assert offsets == [250_000_000, 250_000_001, 300_000_000, 400_000_000]
