"""The sound of the source, in the output."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from realtime.capture.file import FileSource
from realtime.output.audio import AudioTracks
from realtime.output.file import FileSink
from tests.media import (
    SAMPLE_RATE,
    audio_packets,
    decode,
    drain,
    nearest_index,
    noise_like,
    remux,
    write_clip,
)

Change = Callable[[str, int, "av.Packet[Any]"], "av.Packet[Any] | None"]


def copy(
    source: Path,
    target: Path,
    *,
    start: float = 0.0,
    duration: float | None = None,
    stop_after: int | None = None,
) -> tuple[str, ...]:
    """Runs a file through source, sound and sink; what the sink notes."""
    with FileSource(source, start, duration) as frames:
        audio = AudioTracks(source, frames.origin, trim=start > 0, duration=duration)
        sink = FileSink(target, audio=audio)
        sink.open(frames.format, transparent=False)
        while (frame := frames.read()) is not None and frame.index != stop_after:
            sink.write(frame)
        sink.close(early=stop_after is not None)
    return sink.notes()


def sound(path: Path, track: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Every sample of the first channel."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", SAMPLE_RATE)
        pieces = [
            piece.to_ndarray()[0]
            for frame in container.decode(audio=track)
            for piece in resampler.resample(frame)
        ]
    return np.concatenate(pieces).astype(np.float32)


def loud_seconds(path: Path) -> float:
    """How long there is a tone."""
    return float((np.abs(sound(path)) > 0.01).sum() / SAMPLE_RATE)


@pytest.mark.parametrize("ending", [".mp4", ".m4v", ".mov"])
def test_packets_are_copied_bit_by_bit_with_their_times(
    clip: Path, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"out{ending}"
    assert copy(clip, out) == ()
    assert audio_packets(out) == audio_packets(clip)


def test_matroska_keeps_packets_and_what_they_are_in_time_with(clip: Path, tmp_path: Path) -> None:
    """A file there cannot begin before 0, as AAC in MP4 does: all moves on by the same time."""
    out = tmp_path / "out.mkv"
    assert copy(clip, out) == ()
    before, after = audio_packets(clip), audio_packets(out)
    assert [content for _, content in after] == [content for _, content in before]
    for (old, _), (new, _) in zip(before, after, strict=True):
        lag = (new - decode(out)[0][0]) - (old - decode(clip)[0][0])
        assert abs(lag) <= Fraction(1, 1000)


def test_every_track_comes_along(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "one.mp4", audio="aac")
    two = write_clip(tmp_path / "two.mkv", audio="flac")
    both = tmp_path / "both.mkv"
    picks = [(one, "video", ""), (one, "audio", "deu"), (two, "audio", "eng")]
    with ExitStack() as stack, av.open(str(both), "w") as new:
        sources = []
        for path, kind, language in picks:
            old = stack.enter_context(av.open(str(path)))
            stream = next(stream for stream in old.streams if stream.type == kind)
            target = new.add_stream_from_template(stream)
            if language:
                target.metadata["language"] = language
            sources.append((old, stream, target))
        for old, stream, target in sources:
            for packet in old.demux(stream):
                if packet.size:
                    packet.stream = target
                    new.mux(packet)
    out = tmp_path / "out.mkv"
    assert copy(both, out) == ()
    with av.open(str(both)) as before_, av.open(str(out)) as after_:
        for before, after in zip(before_.streams.audio, after_.streams.audio, strict=True):
            assert after.codec_context.name == before.codec_context.name
            assert after.metadata["language"] == before.metadata["language"]
    for track in (0, 1):
        np.testing.assert_array_equal(sound(out, track), sound(both, track))


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("source", ["clip.mp4", "clip.ts"])
def test_start_and_duration_trim_it_too(tmp_path: Path, ending: str, source: str) -> None:
    clip = write_clip(tmp_path / source, frames=90, audio="aac", options={"g": "15"})
    out = tmp_path / f"out{ending}"
    copy(clip, out, start=1.0, duration=0.5)
    # Whole packets: to one before and one after.
    assert loud_seconds(out) == pytest.approx(0.5, abs=0.06)
    # To a packet of sound and a frame of video; Opus has a packet before its first sample, too.
    assert abs(audio_packets(out)[0][0] - decode(out)[0][0]) <= Fraction(6, 100)


@pytest.mark.parametrize("start", [0.31, 1.0, 1.5])
def test_a_start_shifts_sound_as_it_shifts_pictures(tmp_path: Path, start: float) -> None:
    """Also where both are counted in units as coarse as a picture and a packet of sound."""
    options = {"g": "15", "bf": "0"}
    clip = write_clip(
        tmp_path / "clip.avi", frames=40, rate=Fraction(25), audio="libmp3lame", options=options
    )
    out = tmp_path / "out.mkv"
    copy(clip, out, start=start)
    shift = audio_packets(clip)[-1][0] - audio_packets(out)[-1][0]
    with FileSource(clip) as frames:
        seen = [Fraction(frame.time) for frame in drain(frames)]
    for time, luma in decode(out):
        assert abs(seen[nearest_index(float(luma.mean()))] - time - shift) < 0.002


def test_sound_that_is_longer_than_the_video_is_kept(tmp_path: Path) -> None:
    def drop_late(kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any] | None:
        return None if kind == "video" and index >= 10 else packet

    clip = write_clip(tmp_path / "clip.mp4", frames=60, audio="aac", options={"bf": "0"})
    long = remux(clip, tmp_path / "long.mp4", drop_late)
    copy(long, tmp_path / "out.mp4")
    assert audio_packets(tmp_path / "out.mp4") == audio_packets(long)


def test_who_stops_early_gets_no_more_sound_than_video(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=90, audio="aac")
    out = tmp_path / "out.mp4"
    copy(clip, out, stop_after=15)
    last, _ = audio_packets(out)[-1]
    assert 0.4 <= last <= 0.5
    assert audio_packets(out) == audio_packets(clip)[: len(audio_packets(out))]


@pytest.mark.parametrize(
    ("source", "codec", "ending", "becomes"),
    [
        ("clip.mp4", "aac", ".webm", "opus"),
        ("clip.mkv", "ac3", ".webm", "opus"),
        ("clip.mkv", "pcm_s16le", ".mp4", "aac"),
        ("clip.mov", "pcm_mulaw", ".mkv", "aac"),
        ("clip.mkv", "libopus", ".mov", "aac"),
        ("clip.mkv", "flac", ".mov", "aac"),
    ],
)
def test_what_the_container_cannot_carry_is_encoded_and_noted(
    tmp_path: Path, source: str, codec: str, ending: str, becomes: str
) -> None:
    clip = write_clip(tmp_path / source, frames=60, audio=codec)
    out = tmp_path / f"out{ending}"
    (note,) = copy(clip, out)
    assert becomes in note
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == becomes
    assert loud_seconds(out) == pytest.approx(loud_seconds(clip), abs=0.04)
    # A tone stays the tone it was.
    spectrum = np.abs(np.fft.rfft(sound(out)[:SAMPLE_RATE]))
    assert spectrum.argmax() == pytest.approx(440, abs=1)


def _surround(path: Path, layout: str) -> Path:
    """A clip with a tone of its own in each channel: 200 Hz, 300 Hz, and so on."""
    with av.open(str(write_clip(path.with_stem("silent")))) as old, av.open(str(path), "w") as new:
        video = old.streams.video[0]
        pictures = new.add_stream_from_template(video)
        track = new.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout=layout)
        for packet in old.demux(video):
            if packet.size:
                packet.stream = pictures
                new.mux(packet)
        channels = track.layout.nb_channels
        t = np.arange(SAMPLE_RATE)[:, None] / SAMPLE_RATE
        tones = (8000 * np.sin(2 * np.pi * t * (200 + 100 * np.arange(channels)))).astype(np.int16)
        samples = av.AudioFrame.from_ndarray(tones.reshape(1, -1), format="s16", layout=layout)
        samples.sample_rate = SAMPLE_RATE
        new.mux(track.encode(samples))
    return path


def _heard(path: Path) -> tuple[str, list[int]]:
    """The layout, and the strongest frequency of each channel, 0 for silence."""
    with av.open(str(path)) as container:
        layout = container.streams.audio[0].layout
        resampler = av.AudioResampler("flt", layout, SAMPLE_RATE)
        pieces = [
            piece.to_ndarray().reshape(-1, layout.nb_channels)
            for frame in container.decode(audio=0)
            for piece in resampler.resample(frame)
        ]
    spectrum = np.abs(np.fft.rfft(np.concatenate(pieces)[: SAMPLE_RATE // 2], axis=0))
    strongest = 2 * spectrum.argmax(0)
    return layout.name, np.where(spectrum.max(0) > 100, strongest, 0).tolist()


# Low frequency effects: above its band, AAC leaves the tone out.
_LFE = 3


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
@pytest.mark.parametrize(
    ("layout", "becomes", "tones"),
    [
        ("mono", "mono", [200]),
        ("stereo", "stereo", [200, 300]),
        ("5.0", "5.1", [200, 300, 400, 0, 500, 600]),
        ("5.1", "5.1", [200, 300, 400, 500, 600, 700]),
        ("5.1(side)", "5.1", [200, 300, 400, 500, 600, 700]),
        ("7.1", "7.1", [200, 300, 400, 500, 600, 700, 800, 900]),
    ],
)
def test_sound_that_is_encoded_keeps_its_channels(
    tmp_path: Path, ending: str, layout: str, becomes: str, tones: list[int]
) -> None:
    out = tmp_path / f"out{ending}"
    (note,) = copy(_surround(tmp_path / "clip.mkv", layout), out)
    assert "mixed down" not in note
    name, heard = _heard(out)
    assert name == becomes
    for channel, (tone, expected) in enumerate(zip(heard, tones, strict=True)):
        if channel != _LFE:
            assert tone == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_channels_that_are_mixed_down_are_noted(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out{ending}"
    (note,) = copy(_surround(tmp_path / "clip.mov", "hexadecagonal"), out)
    assert note.endswith("its 16 channels mixed down to 7.1")
    assert _heard(out)[0] == "7.1"


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_a_file_without_sound_has_none(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out{ending}"
    assert copy(write_clip(tmp_path / "clip.mp4"), out) == ()
    with av.open(str(out)) as container:
        assert not container.streams.audio


class TestBrokenSound:
    """The video is what people came for: broken sound must not take it away."""

    def broken(self, tmp_path: Path, change: Change, name: str = "broken.mp4") -> Path:
        clip = write_clip(tmp_path / "clip.mkv", frames=60, audio="aac")
        return remux(clip, tmp_path / name, change)

    @pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm"])
    def test_noise_in_place_of_packets(self, tmp_path: Path, ending: str) -> None:
        def spoil(kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            return noise_like(packet, index) if kind == "audio" and 20 <= index < 30 else packet

        out = tmp_path / f"out{ending}"
        notes = copy(self.broken(tmp_path, spoil), out)
        assert len(decode(out)) == 60
        if ending == ".webm":
            assert any("damaged" in note for note in notes)

    @pytest.mark.parametrize("start", [0.0, 0.31])
    @pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm"])
    def test_times_that_go_back(self, tmp_path: Path, ending: str, start: float) -> None:
        def repeat(kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            if kind == "audio" and packet.pts is not None and 20 <= index < 24:
                packet.pts = packet.dts = 19 * 21
            return packet

        out = tmp_path / f"out{ending}"
        copy(self.broken(tmp_path, repeat, "broken.mkv"), out, start=start)
        assert len(decode(out)) == 60 - math.ceil(start * 30)
        times = [time for time, _ in audio_packets(out)]
        assert times == sorted(times)
        assert times[-1] > 1.9 - start

    @pytest.mark.parametrize("ending", [".mp4", ".webm"])
    def test_a_gap_stays_a_gap(self, tmp_path: Path, ending: str) -> None:
        def drop(kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any] | None:
            return None if kind == "audio" and 20 <= index < 50 else packet

        out = tmp_path / f"out{ending}"
        copy(self.broken(tmp_path, drop), out)
        times = [time for time, _ in audio_packets(out)]
        assert max(b - a for a, b in pairwise(times)) > 0.5
        assert 1.9 < times[-1] < 2.1

    def test_a_file_cut_short(self, tmp_path: Path) -> None:
        whole = write_clip(
            tmp_path / "clip.mp4",
            frames=60,
            audio="aac",
            container_options={"movflags": "faststart"},
        ).read_bytes()
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(whole[: len(whole) * 3 // 4])
        for ending in (".mp4", ".webm"):
            out = tmp_path / f"out{ending}"
            copy(cut, out)
            assert len(decode(out)) > 10


def test_an_unused_track_is_closed_with_its_sink(clip: Path, tmp_path: Path) -> None:
    closed: list[bool] = []

    class Watched(AudioTracks):
        def close(self) -> None:
            closed.append(True)
            super().close()

    for end in (FileSink.close, FileSink.abort):
        closed.clear()
        end(FileSink(tmp_path / "out.mp4", audio=Watched(clip)))
        assert closed
