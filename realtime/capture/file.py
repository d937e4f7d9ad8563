"""Frames from a video file or a URL."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from os import fspath
from pathlib import Path
from typing import cast

import av
import cv2

from realtime.capture.decoder import Decoder
from realtime.capture.planar import crop_to_even, tags_of, to_yuv420p
from realtime.capture.source import Source
from realtime.errors import SourceError
from realtime.frame import Frame, Planes, UInt8, VideoFormat
from realtime.media import without_password

_ROTATIONS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}

# Transfer characteristics of H.273 that 8 bits of SDR are not made for.
_HDR = {16: "HDR (PQ)", 18: "HDR (HLG)"}

# A file that ends this much before its own header's word was cut short, and a last picture that is
# on for so much longer than others is held; less is rounding.
_MISSING_SECONDS = Fraction(1, 2)

# How often: encoders store pictures a few places late, and some containers take the time of the
# last place for their length.
_HELD = 4


class FileSource(Source):
    """Delivers a file as it is: native 4:2:0 where possible, its own timestamps, turned upright.

    Time starts at the file's first instant, or at `start`. Damaged packets are skipped and counted.

    Args:
        path: file or URL.
        start: seconds to skip.
        duration: seconds to deliver; None for all.

    Attributes:
        origin: the file's own time, in seconds, that became 0.

    Raises:
        SourceError: no such file, no video in it, nothing that decodes, or a pixel format that
            FFmpeg cannot convert.
    """

    def __init__(self, path: str | Path, start: float = 0.0, duration: float | None = None) -> None:
        self.name = without_password(fspath(path))
        self._duration = None if duration is None else _exact_seconds(duration)
        self._decoder = Decoder(fspath(path))
        self.origin = self._decoder.first_instant
        if start:
            # On one of the moments that the video's times can tell, so that sound, whose times may
            # tell others, begins at the same one.
            base = self._decoder.time_base
            self.origin = round((self.origin + _exact_seconds(start)) / base) * base
        self._index = 0
        self._last_pts = -1
        self._reordered = 0
        self._end = Fraction(0)
        self._ended = False
        self._last: Frame | None = None
        # Seconds between the last two pictures, None before there are two.
        self._interval: Fraction | None = None
        try:
            self._decoded = self._decoder.frames(self.origin)
            first = self._next_in_range()
            if first is None:
                raise SourceError(f"{self.name}: {self._nothing(start)}")  # noqa: TRY301
            if min(first.width, first.height) < 2:
                raise SourceError(  # noqa: TRY301
                    f"{self.name}: its pictures are {first.width}×{first.height} pixels; choose "
                    "a video of 2×2 or more"
                )
            self._size = (first.width, first.height)
            self._turn = _ROTATIONS.get(round(first.rotation) % 360)
            self._mirrored = _is_mirrored(first)
            self._interlaced = bool(first.interlaced_frame)
            self.format = self._describe(first)
            self._frames = chain([self._frame(first)], self._others())
        except BaseException:
            self._decoder.close()
            raise

    def _nothing(self, start: float) -> str:
        if start:
            return f"nothing to decode after {start:g} s; choose an earlier --start"
        if self._duration is not None:
            return f"nothing to decode in {float(self._duration):g} s; choose a longer --duration"
        return "nothing to decode; it is damaged or empty: record it again, or repair it"

    def _describe(self, first: av.VideoFrame) -> VideoFormat:
        decoder = self._decoder
        width, height = self._size
        aspect = decoder.sample_aspect_ratio
        if self._turn in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE):
            width, height = height, width
            aspect = 1 / aspect
        length = self._length(decoder.video_end or decoder.end)
        count = decoder.frame_count
        if length is not None and (count is None or self._duration is not None or self.origin):
            count = max(1, round(length * decoder.frame_rate))
        return VideoFormat(
            width=width // 2 * 2,
            height=height // 2 * 2,
            frame_rate=decoder.frame_rate,
            time_base=decoder.time_base,
            color=tags_of(first),
            sample_aspect_ratio=aspect,
            frame_count=count,
        )

    def _length(self, end: Fraction | None) -> Fraction | None:
        """Seconds from the origin to `end`, the file's time, and not more than the duration."""
        if end is None:
            return self._duration
        length = end - self.origin
        return length if self._duration is None else min(length, self._duration)

    def _next_in_range(self) -> av.VideoFrame | None:
        frame = next(self._decoded, None)
        if frame is None or frame.pts is None:
            return None
        time = frame.pts * self._decoder.time_base
        return frame if self._duration is None or time < self._duration else None

    def read(self) -> Frame | None:
        frame = next(self._frames, None)
        self._ended = frame is None
        return frame

    def _others(self) -> Iterator[Frame]:
        """All frames but the first."""
        for decoded in iter(self._next_in_range, None):
            yield self._frame(decoded)
        yield from self._held()

    def _held(self) -> Iterator[Frame]:
        """The last picture a few times more, as its time ends, where that is long.

        Else whatever is written from these frames would end as it begins.
        """
        last = self._last
        # Where pictures are stored in another order, a packet's duration is not its picture's.
        promised = self._length(self._decoder.video_end or self._decoder.end)
        end = self._end if promised is None else min(self._end, promised)
        # What a sink takes the last one to be on for.
        usual = 1 / self._decoder.frame_rate
        usual = usual if self._interval is None else min(usual, self._interval)
        left = Fraction(0) if last is None else end - last.pts * last.time_base
        if last is None or left - usual < _MISSING_SECONDS:
            return
        interval = min(usual, left / (_HELD + 1))
        for index in range(_HELD):
            pts = round((end - (_HELD - index) * interval) / last.time_base)
            yield replace(last, index=last.index + 1 + index, pts=pts)

    def _frame(self, decoded: av.VideoFrame) -> Frame:
        pts = decoded.pts or 0
        if pts <= self._last_pts:
            # Broken muxers repeat timestamps; every encoder insists on increasing ones.
            pts = self._last_pts + 1
            self._reordered += 1
        self._last_pts = pts
        try:
            planes, color = to_yuv420p(decoded, self._size)
        except OSError:
            raise SourceError(
                f"{self.name}: its pixel format {decoded.format.name} is unknown here; convert it "
                "to H.264 first"
            ) from None
        planes = Planes(*(self._upright(plane) for plane in crop_to_even(planes)))
        frame = Frame(
            planes=planes,
            index=self._index,
            pts=pts,
            time_base=self._decoder.time_base,
            color=color,
        )
        if self._last is not None:
            self._interval = (pts - self._last.pts) * frame.time_base
        self._last = frame
        self._index += 1
        usual = 1 / self._decoder.frame_rate
        time_base = self._decoder.time_base
        self._end = pts * time_base + max(usual, decoded.duration * time_base)
        return frame

    def _upright(self, plane: UInt8) -> UInt8:
        if self._mirrored:
            plane = cv2.flip(plane, 0)
        return plane if self._turn is None else cv2.rotate(plane, self._turn)

    def notes(self) -> tuple[str, ...]:
        notes = list(self._decoder.notes())
        hdr = _HDR.get(self.format.color.transfer)
        if hdr is not None:
            notes.append(
                f"{self.name} is {hdr}: its pictures were cut to 8 bits, and the background does "
                "not have its colours; convert it to SDR (BT.709) first"
            )
        if self._interlaced:
            notes.append(
                f"{self.name} is interlaced and was taken as it is: outlines may look like combs; "
                "deinterlace it first"
            )
        if self._reordered:
            notes.append(f"{self._reordered} timestamps of {self.name} were out of order")
        promised = self._decoder.video_end
        length = None if promised is None else self._length(promised)
        if self._ended and length is not None and length - self._end > _MISSING_SECONDS:
            notes.append(
                f"{self.name} ends at {float(self._end):.1f} s of {float(length):.1f} s: "
                "the file is cut short, everything that decodes was kept"
            )
        return tuple(notes)

    def close(self) -> None:
        self._decoder.close()


def _is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether the display matrix mirrors: players flip top to bottom then, before they turn."""
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # Where PyAV does not know one kind of a frame's side data, it gives out none.
        return False
    if data is None:
        return False
    xx, xy, _, yx, yy, *_ = struct.unpack("=9i", cast(memoryview, data))
    return bool(xx * yy < xy * yx)


def _exact_seconds(seconds: float) -> Fraction:
    """What a user who writes 0.1 means, rather than the nearest binary fraction."""
    return Fraction(seconds).limit_denominator(1_000_000)
