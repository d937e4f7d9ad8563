"""Frames from a video file or a URL, through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from os import fspath
from pathlib import Path

import av
import cv2
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace

from realtime.capture.source import Source
from realtime.errors import SourceError
from realtime.frame import ColorTags, Frame, Planes, VideoFormat
from realtime.media import open_input, plane_view, reason

_ROTATIONS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}

# A file that ends this much before its own header's word was cut short; less is rounding.
_MISSING_SECONDS = Fraction(1, 2)


class FileSource(Source):
    """Decodes a file as it is: native 4:2:0 where possible, its own timestamps, turned upright.

    Time starts at the file's first instant, or at `start`. Damaged packets are skipped and counted.

    Args:
        path: file or URL.
        start: seconds to skip.
        duration: seconds to deliver; None for all.

    Attributes:
        origin: the file's own time, in seconds, that became 0.

    Raises:
        SourceError: no such file, no video in it, or nothing that decodes.
    """

    def __init__(self, path: str | Path, start: float = 0.0, duration: float | None = None) -> None:
        self.name = fspath(path)
        self._container = open_input(self.name)
        try:
            self._stream = self._pick_stream()
            self._stream.thread_type = "AUTO"
            self._time_base = self._stream.time_base or Fraction(1, 90000)
            self.origin = max(Fraction(0), Fraction(self._container.start_time or 0, av.time_base))
            if start:
                self.origin += Fraction(start).limit_denominator(1_000_000)
                self._container.seek(int(self.origin * av.time_base))
            self._duration = duration
            self._damaged = 0
            self._reordered = 0
            self._broke_off: str | None = None
            self._index = 0
            self._end = Fraction(0)
            self._last_pts = -1
            self._decoded = self._decode()
            first = self._next_in_range()
            if first is None:
                fix = f" after {start:g} s; choose an earlier --start" if start else ""
                raise SourceError(f"{self.name}: nothing to decode{fix}")  # noqa: TRY301
            self._pending: av.VideoFrame | None = first
            self._size = (first.width, first.height)
            self._turn = _ROTATIONS.get(round(first.rotation) % 360)
            self.format = self._describe(first)
        except BaseException:
            self._container.close()
            raise

    def _pick_stream(self) -> av.VideoStream:
        # The cover picture of an audio file is stored as a video stream of one frame.
        streams = [
            stream
            for stream in self._container.streams.video
            if not stream.disposition & Disposition.attached_pic
        ]
        if not streams:
            raise SourceError(f"{self.name}: has no video in it; choose a file with pictures")
        stream = streams[0]
        # PyAV leaves the context out where FFmpeg has no decoder, whatever its type says.
        if getattr(stream, "codec_context", None) is None:
            raise SourceError(
                f"{self.name}: its video codec is unknown here; convert it to H.264 first"
            )
        return stream

    def _describe(self, first: av.VideoFrame) -> VideoFormat:
        width, height = self._size
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        if self._turn in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE):
            width, height = height, width
            aspect = 1 / aspect
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(30)
        length = self._length()
        count = self._stream.frames or None
        if length is not None and (count is None or self._duration is not None or self.origin):
            count = round(length * rate)
        _, color = _to_yuv420p(first, self._size)
        return VideoFormat(
            width=width // 2 * 2,
            height=height // 2 * 2,
            frame_rate=Fraction(rate),
            time_base=self._time_base,
            color=color,
            sample_aspect_ratio=aspect,
            frame_count=count,
        )

    def _length(self) -> Fraction | None:
        """Seconds that the file's header promises from the origin on, capped to the duration."""
        if self._stream.duration is not None:
            end = (self._stream.start_time or 0) + self._stream.duration
            promised = end * self._time_base - self.origin
        elif self._container.duration is not None:
            start = self._container.start_time or 0
            promised = Fraction(start + self._container.duration, av.time_base) - self.origin
        else:
            return None if self._duration is None else Fraction(self._duration)
        return promised if self._duration is None else min(promised, Fraction(self._duration))

    def _decode(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
                self._damaged += packet.is_corrupt
                frames = packet.decode()
            except StopIteration:
                return
            except av.error.InvalidDataError:
                self._damaged += 1
                continue
            except (av.error.FFmpegError, OSError) as error:
                # What was read until here is worth keeping; the note says why it ends.
                self._broke_off = reason(error)
                return
            yield from frames

    def _pts(self, frame: av.VideoFrame) -> int:
        if frame.pts is None:
            return self._last_pts + 1
        return frame.pts - round(self.origin / self._time_base)

    def _next_in_range(self) -> av.VideoFrame | None:
        for frame in self._decoded:
            pts = self._pts(frame)
            if pts < 0:  # between the key frame that was sought and the asked start
                continue
            if self._duration is not None and pts * self._time_base >= self._duration:
                return None
            return frame
        return None

    def read(self) -> Frame | None:
        decoded = self._pending or self._next_in_range()
        self._pending = None
        if decoded is None:
            return None
        pts = self._pts(decoded)
        if pts <= self._last_pts:
            # Broken muxers repeat timestamps; every encoder insists on increasing ones.
            pts = self._last_pts + 1
            self._reordered += 1
        self._last_pts = pts
        planes, color = _to_yuv420p(decoded, self._size)
        if self._turn is not None:
            planes = Planes(*(cv2.rotate(plane, self._turn) for plane in planes))
        frame = Frame(
            planes=_crop_to_even(planes),
            index=self._index,
            pts=pts,
            time_base=self._time_base,
            color=color,
        )
        self._index += 1
        self._end = pts * self._time_base + 1 / self.format.frame_rate
        return frame

    def notes(self) -> tuple[str, ...]:
        notes = []
        if self._damaged:
            notes.append(f"{self._damaged} damaged packets in {self.name} were skipped or patched")
        if self._reordered:
            notes.append(f"{self._reordered} timestamps of {self.name} were out of order")
        if self._broke_off is not None:
            notes.append(f"reading {self.name} broke off: {self._broke_off}")
        length = self._length()
        if length is not None and length - self._end > _MISSING_SECONDS:
            notes.append(
                f"{self.name} ends at {float(self._end):.1f} s of {float(length):.1f} s: "
                "the file is cut short, everything that decodes was kept"
            )
        return tuple(notes)

    def close(self) -> None:
        self._container.close()


def _to_yuv420p(frame: av.VideoFrame, size: tuple[int, int]) -> tuple[Planes, ColorTags]:
    """Views on a decoded frame's planes, converted only if it is something else than 4:2:0."""
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    tagged = full or frame.color_range == ColorRange.MPEG
    matrix, primaries, transfer = frame.colorspace, frame.color_primaries, frame.color_trc
    if frame.format.name not in ("yuv420p", "yuvj420p") or (frame.width, frame.height) != size:
        options: dict[str, int] = {}
        if frame.format.is_rgb:
            full, tagged, matrix = False, True, Colorspace.ITU709
            options["dst_colorspace"] = Colorspace.ITU709
        color_range = ColorRange.JPEG if full else ColorRange.MPEG
        frame = frame.reformat(*size, format="yuv420p", dst_color_range=color_range, **options)
    width, height = size
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    planes = Planes(
        plane_view(frame.planes[0], height, width),
        plane_view(frame.planes[1], half_height, half_width),
        plane_view(frame.planes[2], half_height, half_width),
    )
    return planes, ColorTags(full if tagged else None, int(matrix), int(primaries), int(transfer))


def _crop_to_even(planes: Planes) -> Planes:
    height, width = planes.height // 2, planes.width // 2
    return Planes(
        planes.y[: 2 * height, : 2 * width],
        planes.u[:height, :width],
        planes.v[:height, :width],
    )
