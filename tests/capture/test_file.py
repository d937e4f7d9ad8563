"""Files as people have them: odd, turned, tagged, cut short, damaged."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from realtime.capture import decoder, file
from realtime.capture.file import FileSource
from realtime.capture.planar import to_yuv420p
from realtime.color import planes_to_rgb, rgb_to_yuv_matrix
from realtime.errors import SourceError
from realtime.frame import ColorTags, Frame, Planes, UInt8
from realtime.media import demux, plane_view
from tests.capture.server import serve, write_late_sound
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

    @pytest.mark.parametrize("name", ["mirrored.mov", "mirrored.mkv"])
    @pytest.mark.parametrize(
        ("matrix", "size", "corner"),
        [
            ((-1, 0, 0, 1), (64, 48), (4, -5)),  # FFmpeg's hflip
            ((1, 0, 0, -1), (64, 48), (-5, 4)),  # vflip
            ((0, 1, 1, 0), (48, 64), (4, 4)),  # transpose
            ((0, -1, -1, 0), (48, 64), (-5, -5)),  # transpose, hflip, vflip
        ],
    )
    def test_a_mirrored_picture_stands_upright(
        self,
        tmp_path: Path,
        name: str,
        matrix: tuple[int, int, int, int],
        size: tuple[int, int],
        corner: tuple[int, int],
    ) -> None:
        """The marked corner is the top left one of what is stored."""
        picture = av.VideoFrame(64, 48, "yuv420p")
        for plane, dark in zip(picture.planes, (40, 128, 128), strict=True):
            plane.update(bytes([dark]) * plane.buffer_size)
        plane_view(picture.planes[0], 24, 32)[...] = 235
        xx, xy, yx, yy = (unit << 16 for unit in matrix)
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.set_display_matrix((xx, xy, 0, yx, yy, 0, 0, 0, 1 << 30))
            container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        with FileSource(tmp_path / name) as source:
            frame = source.read()
            assert frame is not None
            assert (source.format.width, source.format.height) == size
        y = frame.planes.y
        assert (y.shape[1], y.shape[0]) == size
        corners = {(row, column): y[row, column] for row in (4, -5) for column in (4, -5)}
        assert corners.pop(corner) > 220
        assert max(corners.values()) < 60

    def test_a_photograph_is_turned_by_its_exif(self, tmp_path: Path) -> None:
        """PyAV knows nothing of Exif, and then gives out no side data at all."""
        picture = np.full((48, 64, 3), 40, np.uint8)
        picture[:24, :32] = 235
        _, encoded = cv2.imencode(".jpg", picture)
        jpeg = encoded.tobytes()
        turn_clockwise = struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
        exif = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + turn_clockwise
        photograph = tmp_path / "turned.jpg"
        photograph.write_bytes(
            jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
        )
        with FileSource(photograph) as source:
            frame = source.read()
        assert frame is not None
        assert frame.planes.y.shape == (64, 48)
        assert frame.planes.y[4, -5] > 220

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

    def test_a_palette_is_rgb(self, tmp_path: Path) -> None:
        """At a height where what is untagged is taken for BT.709, which FFmpeg does not give."""
        picture = av.VideoFrame(64, 720, "pal8")
        indices, palette = picture.planes
        indices.update(bytes(indices.buffer_size))
        palette.update(bytes((40, 40, 200, 255)) + bytes(palette.buffer_size - 4))  # BGRA
        with av.open(str(tmp_path / "clip.mov"), "w") as container:
            stream = container.add_stream("png", rate=30)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 720, "pal8"
            container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        with FileSource(tmp_path / "clip.mov") as source:
            frame = source.read()
            assert frame is not None
            assert source.format.color == frame.color
        rgb = planes_to_rgb(frame.planes, frame.color)
        np.testing.assert_allclose(rgb[360, 32], (200, 40, 40), atol=2)

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


def test_the_first_picture_is_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = []

    def counted(frame: av.VideoFrame, size: tuple[int, int]) -> tuple[Planes, ColorTags]:
        converted.append(frame.pts)
        return to_yuv420p(frame, size)

    monkeypatch.setattr(file, "to_yuv420p", counted)
    frames, _ = read(write_clip(tmp_path / "clip.mp4", frames=3, pixels="yuv422p"))
    assert len(frames) == len(converted) == 3


def test_pictures_that_cannot_be_converted_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "packed.nut"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("rawvideo", rate=30)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb4"
        container.mux(stream.encode(av.VideoFrame(64, 48, "rgb4")))
        container.mux(stream.encode(None))
    closed = []
    monkeypatch.setattr(decoder.Decoder, "close", lambda self: closed.append(self))
    with pytest.raises(SourceError, match="pixel format rgb4 is unknown here; convert it"):
        FileSource(clip)
    assert len(closed) == 1


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


def test_a_silent_server_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.media._URL_TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as server:  # it accepts, and never answers
        url = f"http://127.0.0.1:{server.getsockname()[1]}/video.mp4"
        with pytest.raises(SourceError, match=r"the server was silent for 0\.2 s"):
            FileSource(url)


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", options={"x264-params": "tff=1"})
    with (
        serve(clip.read_bytes()[:-200]) as address,
        FileSource(f"http://me:secret@{address}") as source,
    ):
        drain(source)
        said = " ".join(source.notes())
    assert f"http://{address} is interlaced" in said
    assert "secret" not in said + source.name
    with serve(b"This is not a video.") as address, pytest.raises(SourceError) as refused:
        FileSource(f"http://me:secret@{address}")
    assert str(refused.value).startswith(f"http://{address}: not a video")
    sound = _sound_only(tmp_path / "sound.mkv").read_bytes()
    with serve(sound) as address, pytest.raises(SourceError) as refused:
        FileSource(f"http://me:secret@{address}")
    assert str(refused.value).startswith(f"http://{address}: has no video in it")
