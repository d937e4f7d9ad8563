"""Files as people have them: odd, turned, tagged, cut short, damaged."""

from __future__ import annotations

import socket
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from realtime.capture import FileSource
from realtime.color import planes_to_rgb, rgb_to_yuv_matrix
from realtime.errors import SourceError
from realtime.frame import ColorTags, Frame, UInt8
from realtime.media import plane_view
from tests.media import drain, luma_of_index, noise_like, remux, write_clip


def read(path: Path, **arguments: Any) -> tuple[list[Frame], tuple[str, ...]]:
    with FileSource(path, **arguments) as source:
        return drain(source), source.notes()


def luma(frame: Frame) -> int:
    """The luma in the middle of a frame, away from where coding blurs."""
    return int(frame.planes.y[frame.planes.height // 2, frame.planes.width // 2])


def assert_shows(frames: list[Frame], indices: range) -> None:
    assert len(frames) == len(indices)
    for frame, index in zip(frames, indices, strict=True):
        assert abs(luma(frame) - luma_of_index(index)) <= 2, f"frame {index}"


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


class TestGeometry:
    @pytest.mark.parametrize("rotation", [0, 90, 180, 270])
    def test_the_picture_stands_upright(self, tmp_path: Path, rotation: int) -> None:
        """The marked corner is where a player shows it after turning counter-clockwise."""
        clip = write_clip(tmp_path / "turned.mov", rotation=rotation, top_left=235)
        with FileSource(clip) as source:
            frame = source.read()
            assert frame is not None
            shape = (source.format.width, source.format.height)
        assert shape == ((64, 48) if rotation % 180 == 0 else (48, 64))
        y = frame.planes.y
        corners = {0: y[4, 4], 90: y[-5, 4], 180: y[-5, -5], 270: y[4, -5]}
        assert corners.pop(rotation) > 220
        assert max(corners.values()) < 60

    def test_turning_swaps_the_aspect_of_pixels(self, tmp_path: Path) -> None:
        clip = tmp_path / "clip.mp4"
        with av.open(str(clip), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
            stream.set_display_rotation(90)
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
            container.mux(stream.encode(None))
        with FileSource(clip) as source:
            assert source.format.sample_aspect_ratio == Fraction(3, 4)

    @pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "bgra"])
    def test_an_odd_last_row_and_column_are_cropped(self, tmp_path: Path, pixels: str) -> None:
        clip = write_clip(
            tmp_path / "odd.mkv", size=(65, 47), codec="ffv1", pixels=pixels, top_left=200
        )
        with FileSource(clip) as source:
            assert (source.format.width, source.format.height) == (64, 46)
            frame = source.read()
        assert frame is not None
        y = frame.planes.y
        assert abs(int(y[0, 0]) - 200) <= 1
        assert abs(int(y[-1, -1]) - luma_of_index(0)) <= 1
        assert frame.planes.u.shape == (23, 32)

    def test_turning_an_odd_size_keeps_luma_and_chroma_together(self, tmp_path: Path) -> None:
        clip = tmp_path / "odd.mkv"
        picture = av.VideoFrame(35, 21, "yuv420p")
        y, u, v = (
            plane_view(plane, rows, columns)
            for plane, (rows, columns) in zip(
                picture.planes, ((21, 35), (11, 18), (11, 18)), strict=True
            )
        )
        u[...] = v[...] = 128
        # One block of 2×2 in both: it must still be one block after turning.
        y[...], y[4:6, 8:10], u[2, 4] = 50, 200, 200
        with av.open(str(clip), "w") as container:
            stream = container.add_stream("ffv1", rate=30)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 35, 21, "yuv420p"
            stream.set_display_rotation(90)
            container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        with FileSource(clip) as source:
            frame = source.read()
        assert frame is not None
        assert frame.planes.y.shape == (34, 20)
        marked = np.kron(frame.planes.u == 200, np.ones((2, 2), bool))
        np.testing.assert_array_equal(frame.planes.y == 200, marked)
        assert marked.sum() == 4

    def test_a_size_that_changes_midway_is_scaled_to_the_first(self, tmp_path: Path) -> None:
        first = write_clip(tmp_path / "a.ts", frames=6, size=(64, 48))
        second = write_clip(tmp_path / "b.ts", frames=6, size=(96, 80))
        joined = tmp_path / "joined.ts"
        joined.write_bytes(first.read_bytes() + second.read_bytes())
        with FileSource(joined) as source:
            frames = drain(source)
        assert {frame.planes.y.shape for frame in frames} == {(48, 64)}
        assert len(frames) > 6
        assert all(a.pts < b.pts for a, b in pairwise(frames))

    def test_a_single_pixel_is_refused(self, tmp_path: Path) -> None:
        dot = write_clip(tmp_path / "dot.png", frames=1, size=(1, 1), codec="png", pixels="rgb24")
        with pytest.raises(SourceError, match="1×1"):
            FileSource(dot)


# One quarter of the picture each.
QUARTERS = np.array([[[200, 40, 40], [40, 180, 60]], [[30, 60, 210], [230, 230, 230]]], np.uint8)


def write_quarters(path: Path, codec: str, pixels: str, color: ColorTags | None) -> Path:
    """A clip of four colours; `color` is its matrix and range, None for RGB pixels."""
    rgb: UInt8 = np.kron(QUARTERS, np.ones((32, 32, 1), np.uint8)).astype(np.uint8)
    if color is None:
        picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
    else:
        yuv = cv2.transform(rgb, rgb_to_yuv_matrix(color, 64))
        picture = av.VideoFrame(64, 64, "yuv444p")
        picture.colorspace = color.matrix
        picture.color_range = av.video.reformatter.ColorRange.JPEG
        for index, plane in enumerate(picture.planes):
            plane_view(plane, 64, 64)[...] = yuv[..., index]
        # Both ends full: to change the layout of the numbers and not the numbers.
        picture = picture.reformat(
            format=pixels, dst_color_range=av.video.reformatter.ColorRange.JPEG
        )
    with av.open(str(path), "w") as container:
        lossless = {"qp": "0"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=30, options=lossless)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        if color is not None:
            context = stream.codec_context
            if color.full_range is not None:
                context.color_range = 2 if color.full_range else 1
            context.colorspace = color.matrix
            context.color_primaries = color.primaries
            context.color_trc = color.transfer
        for index in range(3):
            picture.pts = index
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def assert_quarters(frame: Frame, tolerance: int) -> None:
    rgb = planes_to_rgb(frame.planes, frame.color)
    seen = rgb[16::32, 16::32].astype(int)
    assert np.abs(seen - QUARTERS).max() <= tolerance


class TestColor:
    @pytest.mark.parametrize(
        "pixels", ["yuv420p", "nv12", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"]
    )
    @pytest.mark.parametrize("matrix", [1, 6, 9])
    @pytest.mark.parametrize("full", [False, True])
    def test_every_layout_arrives_with_its_colors_and_tags(
        self, tmp_path: Path, pixels: str, matrix: int, full: bool
    ) -> None:
        color = ColorTags(full_range=full, matrix=matrix, primaries=matrix, transfer=1)
        clip = write_quarters(tmp_path / "clip.mkv", "libx264", pixels, color)
        with FileSource(clip) as source:
            assert source.format.color == color
            for frame in drain(source):
                assert frame.color == color
                assert_quarters(frame, 2)

    @pytest.mark.parametrize(
        ("codec", "pixels", "name"),
        [
            ("libx264rgb", "rgb24", "clip.mkv"),
            ("ffv1", "bgra", "clip.mkv"),
            ("png", "rgb24", "clip.mov"),
            ("qtrle", "rgb24", "clip.mov"),
        ],
    )
    def test_rgb_arrives_with_its_colors(
        self, tmp_path: Path, codec: str, pixels: str, name: str
    ) -> None:
        with FileSource(write_quarters(tmp_path / name, codec, pixels, None)) as source:
            frame = source.read()
            assert frame is not None
            assert source.format.color == frame.color
        assert frame.color.full_range is not None
        assert frame.color.matrix != 2
        assert_quarters(frame, 2)

    def test_jpeg_video_is_full_range(self, tmp_path: Path) -> None:
        clip = write_quarters(
            tmp_path / "clip.avi", "mjpeg", "yuvj422p", ColorTags(full_range=True, matrix=6)
        )
        with FileSource(clip) as source:
            frame = source.read()
        assert frame is not None
        assert frame.color.full_range
        assert_quarters(frame, 8)

    def test_what_is_untagged_stays_untagged(self, clip: Path) -> None:
        with FileSource(clip) as source:
            assert source.format.color == ColorTags()

    @pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p"])
    def test_tags_nobody_knows_are_carried(self, tmp_path: Path, pixels: str) -> None:
        """HDR is not understood here, but must not be relabelled either."""
        color = ColorTags(full_range=False, matrix=9, primaries=9, transfer=16)
        clip = write_clip(tmp_path / "clip.mp4", color=color, pixels=pixels)
        with FileSource(clip) as source:
            assert source.format.color == color


def _cover_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000)
        cover = container.add_stream("mjpeg", rate=1)
        assert isinstance(sound, av.AudioStream)
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(32, 32, "yuvj420p")))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
        silence.sample_rate = 48_000
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    return path


def _sound_only(path: Path) -> Path:
    clip = write_clip(path.with_name("with_video.mp4"), audio="aac")
    with av.open(str(clip)) as old, av.open(str(path), "w") as new:
        target = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(old.streams.audio[0]):
            if packet.size:
                packet.stream = target
                new.mux(packet)
    return path


def _text(path: Path) -> Path:
    path.write_text("This is not a video.\n" * 50)
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _empty(path: Path) -> Path:
    path.touch()
    return path


def _without_index(path: Path) -> Path:
    whole = write_clip(path.with_name("whole.mp4"), frames=40).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def _too_long_a_name(path: Path) -> Path:
    return path.with_name("a" * 300 + ".mp4")


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (_cover_only, "choose a file with pictures"),
        (_sound_only, "choose a file with pictures"),
        (_text, "not a video"),
        (_folder, "name a video file in it"),
        (_empty, "not a video"),
        (_without_index, "cut short"),
        (lambda path: path, "check the path"),
        (_too_long_a_name, "check the path"),
    ],
)
def test_what_is_no_video_gives_one_line_with_the_fix(
    tmp_path: Path, make: Callable[[Path], Path], fix: str
) -> None:
    path = make(tmp_path / "input.mp4")
    with pytest.raises(SourceError) as caught:
        FileSource(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert fix in message
    assert "\n" not in message


def test_a_colon_in_a_name_is_part_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    frames, _ = read(Path("12:30.mp4"))
    assert_shows(frames, range(12))


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


def test_a_silent_server_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.media._URL_TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as server:  # it accepts, and never answers
        url = f"http://127.0.0.1:{server.getsockname()[1]}/video.mp4"
        with pytest.raises(SourceError, match=r"the server was silent for 0\.2 s"):
            FileSource(url)
