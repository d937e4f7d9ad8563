"""When the frames of a file are due: as it says, from its first instant on."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from realtime.capture.file import FileSource
from realtime.errors import SourceError
from realtime.frame import ColorTags
from tests.capture.files import assert_shows, read
from tests.media import drain, remux, write_clip


class TestTime:
    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov"])
    def test_varying_timestamps_are_kept_exactly(self, tmp_path: Path, name: str) -> None:
        pts = [0, 1, 40, 41, 77, 200, 1001, 1002, 3003, 3017]
        unit = Fraction(1, 1000)
        clip = write_clip(tmp_path / name, frames=len(pts), pts=pts, time_base=unit)
        frames, notes = read(clip)
        assert [frame.pts * frame.time_base for frame in frames] == [n * unit for n in pts]
        assert_shows(frames, range(len(pts)))
        assert notes == ()

    def test_ntsc_rate_is_exact(self, tmp_path: Path) -> None:
        rate = Fraction(30000, 1001)
        clip = write_clip(tmp_path / "clip.mp4", frames=20, rate=rate)
        with FileSource(clip) as source:
            assert source.format.frame_rate == rate
            times = [frame.pts * frame.time_base for frame in drain(source)]
        assert times == [n / rate for n in range(20)]

    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
    def test_a_late_beginning_becomes_zero(self, tmp_path: Path, name: str) -> None:
        pts = [1_000 + 40 * n for n in range(12)]
        clip = write_clip(tmp_path / name, pts=pts, time_base=Fraction(1, 1000), rate=Fraction(25))
        with FileSource(clip) as source:
            assert source.origin == 1
            assert source.format.frame_count == 12
            frames = drain(source)
            assert source.notes() == ()
        assert [float(frame.time) for frame in frames] == [n / 25 for n in range(12)]

    @pytest.mark.parametrize("first", [666_667, 1_234_561, 333])
    def test_a_beginning_between_two_microseconds_loses_no_frame(
        self, tmp_path: Path, first: int
    ) -> None:
        unit = Fraction(1, 10_000_000)
        pts = [first + 400_000 * n for n in range(12)]
        clip = write_clip(tmp_path / "clip.mp4", pts=pts, time_base=unit, rate=Fraction(25))
        frames, notes = read(clip)
        assert_shows(frames, range(12))
        assert notes == ()

    def test_the_beginning_of_the_sound_counts_too(self, tmp_path: Path) -> None:
        """A video track that starts late in a file stays late, or lips would move too early."""
        pts = [500 + 40 * n for n in range(12)]
        clip = write_clip(
            tmp_path / "clip.mp4",
            pts=pts,
            time_base=Fraction(1, 1000),
            rate=Fraction(25),
            audio="aac",
        )
        with FileSource(clip) as source:
            assert source.origin == 0
            assert drain(source)[0].time == 0.5

    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.avi", "clip.h264"])
    @pytest.mark.parametrize("bframes", ["0", "2"])
    def test_any_container_gives_an_even_rhythm(
        self, tmp_path: Path, name: str, bframes: str
    ) -> None:
        """AVI has no presentation times, a raw stream has no times at all."""
        clip = write_clip(tmp_path / name, frames=20, options={"bf": bframes})
        frames, notes = read(clip)
        assert_shows(frames, range(20))
        for frame in frames:
            assert frame.time == pytest.approx(frame.index / 30, abs=0.6e-3)
        assert notes == ()

    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.avi", "clip.h264"])
    @pytest.mark.parametrize("gop", [5, 1000])
    def test_start_and_duration(self, tmp_path: Path, name: str, gop: int) -> None:
        clip = write_clip(
            tmp_path / name, frames=39, options={"g": str(gop), "bf": "0"}, rate=Fraction(25)
        )
        frames, _ = read(clip, start=0.52, duration=0.4)
        assert_shows(frames, range(13, 23))
        assert frames[0].pts == 0
        assert frames[-1].time == pytest.approx(9 / 25, abs=0.6e-3)

    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
    def test_a_start_within_a_long_frame_begins_with_that_frame(
        self, tmp_path: Path, name: str
    ) -> None:
        pts = [0, 1, 2, 3, 49, 50, 51]
        clip = write_clip(tmp_path / name, frames=7, pts=pts, rate=Fraction(25))
        frames, _ = read(clip, start=1.0)
        assert_shows(frames, range(3, 7))
        assert [round(frame.time * 25) for frame in frames] == [0, 24, 25, 26]
        alone, _ = read(clip, start=1.0, duration=0.2)
        assert_shows(alone, range(3, 4))

    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
    def test_a_last_frame_is_on_for_as_long_as_it_says(self, tmp_path: Path, name: str) -> None:
        """As in slide shows, and recordings of a screen on which nothing moves."""

        def hold(_kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            assert packet.time_base is not None
            if index == 29:
                packet.duration = round(10 / packet.time_base)
            return packet

        clip = write_clip(tmp_path / name, frames=30, options={"bf": "0"})
        held = remux(clip, tmp_path / f"held{clip.suffix}", hold)
        frames, notes = read(held)
        frames, again = frames[:30], frames[30:]
        assert_shows(frames, range(30))
        assert all(frame.planes is frames[-1].planes for frame in again)
        assert [frame.index for frame in again] == [30, 31, 32, 33]
        end = 29 / 30 + 10
        assert again[-1].time == pytest.approx(end - 1 / 30, abs=0.01)
        assert notes == ()
        frames, notes = read(held, start=5.0, duration=2.0)
        assert frames[0].pts == 0
        assert frames[-1].time == pytest.approx(2.0, abs=0.4)
        assert len(frames) == 5
        assert notes == ()
        with pytest.raises(SourceError, match="--start"):
            read(held, start=11.5)

    @pytest.mark.parametrize(
        ("pts", "end"),
        [
            ([0, 25], 100),  # a slide show
            ([0, 5, 10, 15], 35),  # slow
            ([*range(25), 150], 275),  # a pause before the last
        ],
    )
    def test_times_rise_while_a_last_frame_is_held(
        self, tmp_path: Path, pts: list[int], end: int
    ) -> None:
        def hold(_kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            assert packet.time_base is not None
            if index == len(pts) - 1:
                packet.duration = round((end - pts[-1]) / 25 / packet.time_base)
            return packet

        options = {"bf": "0"}
        clip = write_clip(
            tmp_path / "clip.mkv", frames=len(pts), pts=pts, rate=Fraction(25), options=options
        )
        frames, _ = read(remux(clip, tmp_path / "held.mkv", hold))
        times = [frame.time for frame in frames]
        assert times == sorted(set(times))
        assert len(frames) == len(pts) + 4
        assert end / 25 - 1 < times[-1] < end / 25

    def test_what_is_not_taken_along_is_noted(self, tmp_path: Path) -> None:
        hdr = ColorTags(full_range=False, matrix=9, primaries=9, transfer=16)
        clip = write_clip(tmp_path / "hdr.mp4", color=hdr)
        (note,) = read(clip)[1]
        assert "is HDR (PQ)" in note
        clip = write_clip(tmp_path / "tff.mp4", options={"x264-params": "tff=1"})
        (note,) = read(clip)[1]
        assert "is interlaced" in note

    def test_duration_ends_before_the_frame_that_is_due_at_it(self, tmp_path: Path) -> None:
        """0.1 in binary is a little more than 0.1; the fourth frame at 30 fps is not in it."""
        clip = write_clip(tmp_path / "clip.mp4", frames=30)
        frames, _ = read(clip, duration=0.1)
        assert_shows(frames, range(3))

    @pytest.mark.parametrize(
        ("arguments", "fix"),
        [({"start": 9.0}, "--start"), ({"duration": 0.0}, "--duration")],
    )
    def test_an_empty_range_says_so(
        self, clip: Path, arguments: dict[str, float], fix: str
    ) -> None:
        with pytest.raises(SourceError, match=fix):
            FileSource(clip, **arguments)

    def test_repeated_timestamps_are_spread_and_noted(self, tmp_path: Path) -> None:
        def repeat(_kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            if index in (5, 6):
                packet.pts = packet.dts = 4 * 33
            return packet

        pts = [33 * n for n in range(12)]
        clip = write_clip(
            tmp_path / "clip.mkv", pts=pts, time_base=Fraction(1, 1000), options={"bf": "0"}
        )
        frames, notes = read(remux(clip, tmp_path / "repeated.mkv", repeat))
        assert_shows(frames, range(12))
        assert all(a.pts < b.pts for a, b in pairwise(frames))
        assert frames[-1].pts == pts[-1]
        assert any("out of order" in note for note in notes)
