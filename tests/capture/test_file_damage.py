"""Files that are cut short or damaged."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from realtime.capture import decoder
from realtime.capture.file import FileSource
from realtime.media import demux
from tests.capture.files import assert_shows, read
from tests.capture.server import serve, write_late_sound
from tests.media import drain, noise_like, remux, write_clip


class TestDamage:
    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
    def test_a_file_cut_short_keeps_what_decodes_and_says_so(
        self, tmp_path: Path, name: str
    ) -> None:
        whole = write_clip(
            tmp_path / name,
            frames=60,
            audio="aac",
            options={"g": "10", "bf": "0"},
            container_options={"movflags": "faststart"} if name.endswith("mp4") else {},
        )
        content = whole.read_bytes()
        cut = tmp_path / f"cut{whole.suffix}"
        cut.write_bytes(content[: len(content) * 6 // 10])
        frames, notes = read(cut)
        assert 10 < len(frames) < 60
        assert_shows(frames[:10], range(10))
        assert any("cut short" in note for note in notes)

    def test_sound_that_is_longer_than_the_video_is_no_damage(self, tmp_path: Path) -> None:
        def drop_late(kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any] | None:
            return None if kind == "video" and index >= 20 else packet

        clip = write_clip(tmp_path / "clip.mkv", frames=60, audio="aac", options={"bf": "0"})
        frames, notes = read(remux(clip, tmp_path / "short.mkv", drop_late))
        assert_shows(frames, range(20))
        assert notes == ()

    def test_who_stops_reading_is_not_told_of_damage(self, tmp_path: Path) -> None:
        with FileSource(write_clip(tmp_path / "clip.mp4", frames=90)) as source:
            source.read()
            assert source.notes() == ()

    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
    def test_damage_in_the_middle_is_passed_over_and_noted(self, tmp_path: Path, name: str) -> None:
        def spoil(_kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            return noise_like(packet, index) if 22 <= index < 25 else packet

        clip = write_clip(tmp_path / name, frames=40, options={"g": "10", "bf": "0"})
        frames, notes = read(remux(clip, tmp_path / f"spoilt{clip.suffix}", spoil))
        assert_shows(frames[:20], range(20))
        # The next key frame heals it, and time has not slipped.
        healed = [frame for frame in frames if frame.time > 0.99]
        assert_shows(healed, range(30, 40))
        assert any("damaged" in note for note in notes)

    @pytest.mark.parametrize("codec", ["libx264", "mjpeg", "mpeg4"])
    def test_a_damaged_packet_is_counted_once(self, tmp_path: Path, codec: str) -> None:
        """Its own mark, the decoder and the picture may all tell of it."""
        clip = write_clip(
            tmp_path / "clip.mp4",
            frames=40,
            codec=codec,
            pixels="yuvj420p" if codec == "mjpeg" else "yuv420p",
            options={"bf": "0", "g": "10"},
            container_options={"movflags": "faststart"},
        )
        with av.open(str(clip)) as container:
            half = [packet.pos + packet.size // 2 for packet in container.demux() if packet.pos]
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(clip.read_bytes()[: half[30]])
        _, notes = read(cut)
        assert any(note.startswith("1 damaged packets") for note in notes)

    def test_what_an_attempt_to_seek_met_is_not_told_of(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attempts = []

        def broken_twice(*arguments: Any) -> Iterator[av.Packet[Any]]:
            attempts.append(arguments)
            if len(attempts) <= 2:
                raise av.error.OSError(errno.EIO, "Input/output error")
            yield from demux(*arguments)

        monkeypatch.setattr(decoder, "demux", broken_twice)
        frames, notes = read(write_clip(tmp_path / "clip.mp4", frames=30), start=0.5)
        assert_shows(frames, range(15, 30))
        assert len(attempts) == 3
        assert notes == ()

    def test_sound_that_turns_up_midway_is_no_damage(self, tmp_path: Path) -> None:
        late = write_late_sound(tmp_path).read_bytes()
        with serve(late) as address, FileSource(f"http://{address}") as source:
            assert len(drain(source)) == 90
            assert "broke off" not in " ".join(source.notes())

    def test_random_damage_never_raises(self, tmp_path: Path) -> None:
        clip = write_clip(
            tmp_path / "clip.ts", frames=30, options={"g": "5"}, audio="mp2", size=(160, 120)
        )
        content = np.fromfile(clip, np.uint8)
        for seed in range(10):
            random = np.random.default_rng(seed)
            spoilt = content.copy()
            where = random.integers(len(content) // 3, len(content), 40)
            spoilt[where] = random.integers(0, 256, 40)
            path = tmp_path / f"spoilt{seed}.ts"
            spoilt.tofile(path)
            frames, _ = read(path)
            assert frames
            assert all(a.pts < b.pts for a, b in pairwise(frames))
