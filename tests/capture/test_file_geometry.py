"""Pictures that are turned, mirrored, odd, or of another size midway."""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from realtime.capture.file import FileSource
from realtime.errors import SourceError
from realtime.media import plane_view
from tests.media import drain, luma_of_index, write_clip


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
