"""The colours and layouts that files come in."""

from __future__ import annotations

from pathlib import Path

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
from realtime.media import plane_view
from tests.capture.files import read
from tests.media import drain, write_clip

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
