"""Frames from a video file or a URL, through PyAV."""

from __future__ import annotations

import re
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

# Formats without an index may seek past the asked time: then again this many seconds earlier.
_SEEK_LEADS = (0, 10)

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
            self._time_base = self._stream.time_base or Fraction(1, 90000)
            self._first_instant = self._find_first_instant()
            self.origin = self._first_instant + _exact_seconds(start)
            self._duration = None if duration is None else _exact_seconds(duration)
            self._damaged = 0
            self._reordered = 0
            self._broke_off: str | None = None
            self._index = 0
            self._end = Fraction(0)
            self._ended = False
            self._last_pts = -1
            self._rate = self._frame_rate()
            self._promised_end = self._video_end()
            self._first_dts: int | None = None
            self._early = False  # whether there was a frame before the origin
            first = self._seek() if start else self._restart()
            if first is None:
                raise SourceError(f"{self.name}: {self._nothing(start)}")  # noqa: TRY301
            self._pending: av.VideoFrame | None = first
            if min(first.width, first.height) < 2:
                raise SourceError(  # noqa: TRY301
                    f"{self.name}: its pictures are {first.width}×{first.height} pixels; choose "
                    "a video of 2×2 or more"
                )
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
        stream.thread_type = "AUTO"
        return stream

    def _find_first_instant(self) -> Fraction:
        instant = Fraction(self._container.start_time or 0, av.time_base)
        if self._stream.start_time is not None:
            own = self._stream.start_time * self._time_base
            # The container's is rounded to microseconds, the stream's is exact.
            if abs(own - instant) <= Fraction(1, av.time_base):
                instant = own
        return max(Fraction(0), instant)

    def _frame_rate(self) -> Fraction:
        average, guess = self._stream.average_rate, self._stream.guessed_rate
        if self._container.start_time is None:
            # Without timestamps the average is FFmpeg's default, and the guess the codec's word.
            average, guess = guess, average
        return Fraction(average or guess or 30)

    def _nothing(self, start: float) -> str:
        if start:
            return f"nothing to decode after {start:g} s; choose an earlier --start"
        if self._duration is not None:
            return f"nothing to decode in {float(self._duration):g} s; choose a longer --duration"
        return "nothing to decode; it is damaged or empty: record it again, or repair it"

    def _describe(self, first: av.VideoFrame) -> VideoFormat:
        width, height = self._size
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        if self._turn in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE):
            width, height = height, width
            aspect = 1 / aspect
        length = self._length()
        count = self._stream.frames or None
        if length is not None and (count is None or self._duration is not None or self.origin):
            count = max(1, round(length * self._rate))
        _, color = _to_yuv420p(first, self._size)
        return VideoFormat(
            width=width // 2 * 2,
            height=height // 2 * 2,
            frame_rate=self._rate,
            time_base=self._time_base,
            color=color,
            sample_aspect_ratio=aspect,
            frame_count=count,
        )

    def _length(self) -> Fraction | None:
        """Seconds that the file's header promises from the origin on, capped to the duration."""
        end = self._promised_end or self._container_end()
        if end is None:
            return self._duration
        return self._capped(end - self.origin)

    def _capped(self, length: Fraction) -> Fraction:
        return length if self._duration is None else min(length, self._duration)

    def _video_end(self) -> Fraction | None:
        """When the pictures end, by the header; in the file's own time, as all of these."""
        if self._stream.duration is not None:
            return ((self._stream.start_time or 0) + self._stream.duration) * self._time_base
        # Matroska's way to tell one track from the longest; hours, minutes, seconds.
        tag = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", self._stream.metadata.get("DURATION", ""))
        if tag is not None:
            return 3600 * int(tag[1]) + 60 * int(tag[2]) + Fraction(tag[3])
        return self._container_end() if len(self._container.streams) == 1 else None

    def _container_end(self) -> Fraction | None:
        """When the longest stream ends."""
        if self._container.duration is None:
            return None
        # Matroska counts from zero, whenever the first frame comes.
        from_zero = "matroska" in self._container.format.name
        start = 0 if from_zero else self._container.start_time or 0
        return Fraction(start + self._container.duration, av.time_base)

    def _decode(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
                if self._first_dts is None:
                    self._first_dts = packet.dts
                self._damaged += packet.is_corrupt
                frames = packet.decode()
            except (StopIteration, av.error.EOFError):
                return
            except IndexError:
                # PyAV stumbles over a stream that turns up midway; what follows is still readable.
                packets = self._container.demux(self._stream)
                continue
            except av.error.InvalidDataError:
                self._damaged += 1
                continue
            except (av.error.FFmpegError, OSError) as error:
                # What was read until here is worth keeping; the note says why it ends.
                self._broke_off = reason(error)
                return
            yield from frames

    def _decode_timed(self) -> Iterator[av.VideoFrame]:
        """Decoded frames, their `pts` counted from the origin.

        Where the file stores none, a frame comes one duration after the last: AVI knows only the
        order of decoding, and raw streams nothing.
        """
        origin = round(self.origin / self._time_base)
        stored = self._container.format.name != "avi"
        one_frame = max(1, round(1 / self._rate / self._time_base))
        pts: int | None = None
        dts: int | None = None
        for frame in self._decode():
            if stored and frame.pts is not None:
                pts = frame.pts - origin
            elif pts is None:
                pts = (self._first_dts or 0) - origin
            else:
                # A frame that was lost to damage leaves its time empty.
                step = frame.dts - dts if frame.dts is not None and dts is not None else 0
                pts += max(one_frame, step)
            dts = frame.dts
            frame.pts = pts
            yield frame

    def _seek(self) -> av.VideoFrame | None:
        """The first frame from the origin on, looking for it from ever earlier key frames."""
        for lead in _SEEK_LEADS:
            target = max(self._first_instant, self.origin - lead)
            try:
                self._container.seek(int(target * av.time_base))
            except (av.error.FFmpegError, OSError):
                break
            first = self._restart()
            if self._early or (first is not None and first.pts == 0):
                return first
        # It cannot seek, or begins after the asked time: nothing is before the beginning.
        self._container.close()
        self._container = open_input(self.name)
        self._stream = self._pick_stream()
        return self._restart()

    def _restart(self) -> av.VideoFrame | None:
        self._first_dts = None
        self._early = False
        self._timed = self._decode_timed()
        return self._next_in_range()

    def _next_in_range(self) -> av.VideoFrame | None:
        for frame in self._timed:
            assert frame.pts is not None
            if frame.pts < 0:  # between the key frame that was sought and the asked start
                self._early = True
                continue
            if self._duration is not None and frame.pts * self._time_base >= self._duration:
                return None
            return frame
        return None

    def read(self) -> Frame | None:
        decoded = None if self._ended else self._pending or self._next_in_range()
        self._pending = None
        if decoded is None:
            self._ended = True
            return None
        assert decoded.pts is not None
        pts = decoded.pts
        if pts <= self._last_pts:
            # Broken muxers repeat timestamps; every encoder insists on increasing ones.
            pts = self._last_pts + 1
            self._reordered += 1
        self._last_pts = pts
        self._damaged += decoded.is_corrupt
        planes, color = _to_yuv420p(decoded, self._size)
        planes = _crop_to_even(planes)
        if self._turn is not None:
            planes = Planes(*(cv2.rotate(plane, self._turn) for plane in planes))
        frame = Frame(
            planes=planes,
            index=self._index,
            pts=pts,
            time_base=self._time_base,
            color=color,
        )
        self._index += 1
        self._end = pts * self._time_base + 1 / self._rate
        return frame

    def notes(self) -> tuple[str, ...]:
        notes = []
        if self._damaged:
            notes.append(f"{self._damaged} damaged packets in {self.name} were skipped or patched")
        if self._reordered:
            notes.append(f"{self._reordered} timestamps of {self.name} were out of order")
        if self._broke_off is not None:
            notes.append(f"reading {self.name} broke off: {self._broke_off}")
        if self._promised_end is not None and self._ended:
            length = self._capped(self._promised_end - self.origin)
            if length - self._end > _MISSING_SECONDS:
                notes.append(
                    f"{self.name} ends at {float(self._end):.1f} s of {float(length):.1f} s: "
                    "the file is cut short, everything that decodes was kept"
                )
        return tuple(notes)

    def close(self) -> None:
        self._container.close()


def _exact_seconds(seconds: float) -> Fraction:
    """What a user who writes 0.1 means, rather than the nearest binary fraction."""
    return Fraction(seconds).limit_denominator(1_000_000)


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
