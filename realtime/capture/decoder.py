"""A video file as FFmpeg's frames, each with a time that can be relied on."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

import av
from av.stream import Disposition

from realtime.errors import SourceError
from realtime.media import demux, open_input, reason, without_password

# Formats without an index may seek past the asked time: then again this many seconds earlier.
_SEEK_LEADS = (0, 10)

# Damaged packets whose times to remember: not even with threads does a picture come so much later.
_REMEMBERED = 128


class Decoder:
    """Decodes the video of a file; damaged packets are skipped and counted.

    Times are in the file's own clock, in seconds.

    Args:
        name: file or URL.

    Attributes:
        time_base: seconds in one unit of a frame's pts.
        frame_rate: frames in a second; an average where the rate varies.
        first_instant: when the file begins, not before 0.
        video_end: when the pictures end by the file's header, None where it does not say.
        end: when the longest stream ends by the header, None where it does not say.
        frame_count: how many frames the header promises, None where it does not.
        sample_aspect_ratio: width of a pixel by its height.

    Raises:
        SourceError: no such file, or no video in it that can be decoded.
    """

    def __init__(self, name: str) -> None:
        self._url = name
        self._name = without_password(name)
        self._begin()
        self._open()
        stream, container = self._stream, self._container
        self.time_base: Fraction = stream.time_base or Fraction(1, 90000)
        self.frame_rate = self._find_frame_rate()
        self.first_instant = self._find_first_instant()
        self.end = self._find_end()
        self.video_end = self._find_video_end()
        self.frame_count = stream.frames or None
        self.sample_aspect_ratio = stream.sample_aspect_ratio or Fraction(1)
        self._left_out = [
            what
            for what, there in (
                ("subtitles", container.streams.subtitles),
                ("chapters", container.chapters()),
            )
            if there
        ]
        # AVI stores the order of decoding alone, which FFmpeg gives out as times.
        self._has_times = container.format.name != "avi"

    def _open(self) -> None:
        self._container = open_input(self._url)
        try:
            self._stream = self._pick_stream()
        except SourceError:
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
            raise SourceError(f"{self._name}: has no video in it; choose a file with pictures")
        stream = streams[0]
        # PyAV leaves the context out where FFmpeg has no decoder, whatever its type says.
        if getattr(stream, "codec_context", None) is None:
            raise SourceError(
                f"{self._name}: its video codec is unknown here; convert it to H.264 first"
            )
        stream.thread_type = "AUTO"
        return stream

    def _find_frame_rate(self) -> Fraction:
        average, guess = self._stream.average_rate, self._stream.guessed_rate
        if self._container.start_time is None:
            # Without timestamps the average is FFmpeg's default, and the guess the codec's word.
            average, guess = guess, average
        return Fraction(average or guess or 30)

    def _find_first_instant(self) -> Fraction:
        instant = Fraction(self._container.start_time or 0, av.time_base)
        if self._stream.start_time is not None:
            own = self._stream.start_time * self.time_base
            # The container's is rounded to microseconds, the stream's is exact.
            if abs(own - instant) <= Fraction(1, av.time_base):
                instant = own
        return max(Fraction(0), instant)

    def _find_end(self) -> Fraction | None:
        if self._container.duration is None:
            return None
        # Matroska counts from zero, whenever the first frame comes.
        from_zero = "matroska" in self._container.format.name
        start = 0 if from_zero else self._container.start_time or 0
        return Fraction(start + self._container.duration, av.time_base)

    def _find_video_end(self) -> Fraction | None:
        if self._stream.duration is not None:
            return ((self._stream.start_time or 0) + self._stream.duration) * self.time_base
        # Matroska's way to tell one track from the longest; hours, minutes, seconds.
        tag = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", self._stream.metadata.get("DURATION", ""))
        if tag is not None:
            return 3600 * int(tag[1]) + 60 * int(tag[2]) + Fraction(tag[3])
        return self.end if len(self._container.streams) == 1 else None

    def frames(self, origin: Fraction) -> Iterator[av.VideoFrame]:
        """The frames from `origin` seconds on; their `pts` count from there.

        To be called once.
        """
        if origin == self.first_instant:
            return self._from_zero(self._timed(origin))
        for lead in _SEEK_LEADS:
            target = max(self.first_instant, origin - lead)
            try:
                self._container.seek(int(target * av.time_base))
            except (av.error.FFmpegError, OSError):
                break
            frames = self._timed(origin)
            first = next(frames, None)
            # A frame at the origin or before it proves that nothing in between was jumped over.
            if first is not None and first.pts is not None and first.pts <= 0:
                return self._from_zero(chain([first], frames))
        # It cannot seek, or begins after the asked time: nothing is before the beginning.
        self._container.close()
        self._open()
        return self._from_zero(self._timed(origin))

    def _begin(self) -> None:
        """Forgets what an attempt to seek has met."""
        self._damaged = 0
        self._damaged_times: deque[int] = deque(maxlen=_REMEMBERED)
        self._broke_off: str | None = None
        self._first_dts: int | None = None

    def _from_zero(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Leaves out what lies between the key frame that was sought and the asked start.

        But not the frame that is on then, where it stays for longer than one usually does or is the
        last.
        """
        usual = 1 / self.frame_rate / self.time_base
        on: av.VideoFrame | None = None
        for frame in frames:
            if frame.pts is None:
                continue
            if frame.pts < 0:
                on = frame
                # What is left of it from zero on.
                on.duration = math.ceil(frame.pts + (frame.duration or usual))
                on.pts = 0
                continue
            if on is not None and frame.pts > usual:
                yield on
            on = None
            yield frame
        if on is not None and on.duration > 0:
            yield on

    def _timed(self, origin: Fraction) -> Iterator[av.VideoFrame]:
        """Decoded frames from the present position on, their `pts` counted from the origin.

        Where the file stores no times, a frame comes one duration after the last.
        """
        self._begin()
        zero = round(origin / self.time_base)
        one_frame = max(1, round(1 / self.frame_rate / self.time_base))
        pts: int | None = None
        dts: int | None = None
        for frame in self._decode():
            if self._has_times and frame.pts is not None:
                pts = frame.pts - zero
            elif pts is None:
                pts = (self._first_dts or 0) - zero
            else:
                # A frame that was lost to damage leaves its time empty.
                step = frame.dts - dts if frame.dts is not None and dts is not None else 0
                pts += max(one_frame, step)
            dts = frame.dts
            frame.pts = pts
            yield frame

    def _decode(self) -> Iterator[av.VideoFrame]:
        packets = demux(self._container, self._stream)
        while True:
            try:
                packet = next(packets)
                if self._first_dts is None:
                    self._first_dts = packet.dts
                damaged = packet.is_corrupt
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    damaged, frames = True, []
            except (StopIteration, av.error.EOFError):
                return
            except (av.error.FFmpegError, OSError) as error:
                # What was read until here is worth keeping; the note says why it ends.
                self._broke_off = reason(error)
                return
            if damaged:
                self._count_damage(packet)
            for frame in frames:
                if frame.is_corrupt:
                    self._count_damage(frame)
                yield frame

    def _count_damage(self, what: av.Packet[Any] | av.VideoFrame) -> None:
        """Counts a packet, or a picture whose packet was not counted already."""
        time = what.dts if what.pts is None else what.pts
        if time is None or time not in self._damaged_times:
            self._damaged += 1
        if time is not None:
            self._damaged_times.append(time)

    def notes(self) -> tuple[str, ...]:
        """What went wrong or is left out, one sentence each."""
        notes = []
        if self._left_out:
            notes.append(f"{' and '.join(self._left_out)} of {self._name} are not taken along")
        if self._damaged:
            notes.append(f"{self._damaged} damaged packets in {self._name} were skipped or patched")
        if self._broke_off is not None:
            notes.append(f"reading {self._name} broke off: {self._broke_off}")
        return tuple(notes)

    def close(self) -> None:
        """Closes the file. Idempotent."""
        self._container.close()
