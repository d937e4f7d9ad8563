"""The sound of the source, into the output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av

from realtime.media import open_input, reason

# Tracks of one file are interleaved to about this many seconds.
_INTERLEAVING = 1

# What every encoder takes; Opus knows this and its divisors alone.
_ENCODED_RATE = 48_000

# What both encoders write in an order that is read back right. A source gets the first that has
# room for its channels.
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}

# Encoders by container; AAC for all others.
_ENCODERS = {"webm": "libopus"}

# A unit of time, in seconds, beyond which sound would be shifted audibly by what is no multiple of
# it: some containers count in whole packets. And the parts that such a unit is cut into.
_COARSE = Fraction(1, 1000)
_FINER = 1000

# Audio is sought this much too early, in seconds: containers interleave loosely.
_SEEK_LEAD = 5


class _Track(ABC):
    """One track on its way into a container.

    Attributes:
        damaged: packets that were left out.
    """

    damaged: int = 0

    @abstractmethod
    def write(self, packet: av.Packet[av.AudioStream], origin: Fraction) -> None:
        """Takes a packet of the source, whose time `origin` seconds becomes 0."""

    @abstractmethod
    def finish(self) -> None:
        """Writes what is still held back."""


class _Copied(_Track):
    """Packets as they are."""

    def __init__(self, output: av.container.OutputContainer, source: av.AudioStream) -> None:
        self._output = output
        self._target = output.add_stream_from_template(source)
        self._target.metadata.update(source.metadata)
        self._last_dts: int | None = None

    def write(self, packet: av.Packet[av.AudioStream], origin: Fraction) -> None:
        base, step = packet.time_base or Fraction(1), 1
        if base > _COARSE:
            step = _FINER
            packet.pts = None if packet.pts is None else packet.pts * _FINER
            packet.dts = None if packet.dts is None else packet.dts * _FINER
            packet.duration = (packet.duration or 0) * _FINER
            packet.time_base = base = base / _FINER
        shift = round(origin / base)
        dts = packet.pts if packet.dts is None else packet.dts
        dts = 0 if dts is None else dts - shift
        if self._last_dts is not None:
            # Broken muxers repeat timestamps; every muxer insists on increasing ones.
            dts = max(dts, self._last_dts + step)
        self._last_dts = dts
        packet.pts = dts if packet.pts is None else max(dts, packet.pts - shift)
        packet.dts = dts
        packet.stream = self._target
        self._output.mux(packet)

    def finish(self) -> None:
        """Nothing is held back."""


class _Encoded(_Track):
    """Decoded and encoded again, into the container's own codec.

    Attributes:
        form: what it becomes, in words.
    """

    def __init__(self, output: av.container.OutputContainer, source: av.AudioStream) -> None:
        codec = _ENCODERS.get(output.format.name, "aac")
        channels = source.layout.nb_channels or 2
        layout = next((name for room, name in _LAYOUTS.items() if room >= channels), "7.1")
        target = output.add_stream(codec, rate=_ENCODED_RATE, layout=layout)
        assert isinstance(target, av.AudioStream)
        target.metadata.update(source.metadata)
        self.form = target.codec_context.codec.canonical_name
        if channels > target.layout.nb_channels:
            self.form += f", its {channels} channels mixed down to {layout}"
        self._output = output
        self._source = source
        self._target = target
        self._end: Fraction | None = None

    def write(self, packet: av.Packet[av.AudioStream], origin: Fraction) -> None:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            self.damaged += 1
            return
        for frame in frames:
            if frame.pts is not None and frame.time_base is not None:
                length = Fraction(frame.samples, frame.sample_rate)
                time = frame.pts * frame.time_base - origin
                frame.pts = round(time * frame.sample_rate)
                frame.time_base = Fraction(1, frame.sample_rate)
                # Times are rounded in some containers; beyond that, nothing may go back.
                if self._end is not None and time < self._end - length / 2:
                    self.damaged += 1
                    continue
                self._end = time + length
            self._encode(frame)

    def _encode(self, frame: av.AudioFrame) -> None:
        try:
            packets = self._target.encode(frame)
        except ValueError:  # such as a frame of another rate than those before
            self.damaged += 1
            return
        self._output.mux(packets)

    def finish(self) -> None:
        with suppress(av.error.InvalidDataError, av.error.EOFError):
            for frame in self._source.codec_context.decode(None):
                self._encode(frame)
        self._output.mux(self._target.encode(None))


def _can_copy(source: av.AudioStream, container: str) -> bool:
    """Whether a container takes the packets of a track as they are."""
    codec = source.codec_context.codec.canonical_name
    if container == "mp4" and codec.startswith("pcm_"):
        return False  # FFmpeg can, but hardly anything plays it
    try:
        # The muxers' own lists of codecs are too long: only a header that is written proves it.
        with av.open(BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(source)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


class AudioTracks:
    """Copies every audio track of a file; re-encodes one only where the container cannot carry it.

    It reads the file a second time and by itself, so that frames and sound need not wait for each
    other in the pipeline, however the file interleaves them.

    Args:
        path: the file or URL.
        origin: the file's time, in seconds, that becomes 0.
        trim: whether sound before the origin is left out.
        duration: seconds to copy; None for all.

    Raises:
        SourceError: the file cannot be opened.
    """

    def __init__(
        self,
        path: str | Path,
        origin: Fraction = Fraction(0),
        *,
        trim: bool = False,
        duration: float | None = None,
    ) -> None:
        self._container = open_input(str(path))
        self._origin = origin
        self._trim = trim
        self._duration = duration
        self._notes: list[str] = []
        self._tracks: dict[int, _Track] = {}
        self._packets: Iterator[av.Packet[av.AudioStream]] = iter(())
        self._held: av.Packet[av.AudioStream] | None = None

    def attach(self, output: av.container.OutputContainer) -> None:
        """Adds the tracks to a container whose header is not written yet."""
        streams = list(self._container.streams.audio)
        for stream in streams:
            # PyAV leaves the context out where FFmpeg has no decoder.
            context = getattr(stream, "codec_context", None)
            if context is None:
                self._notes.append("an audio track of unknown codec was left out")
                continue
            if _can_copy(stream, output.format.name):
                self._tracks[stream.index] = _Copied(output, stream)
            else:
                track = _Encoded(output, stream)
                self._tracks[stream.index] = track
                self._notes.append(
                    f"{output.format.name} cannot carry {context.codec.canonical_name} sound: "
                    f"it was re-encoded to {track.form}"
                )
        if self._tracks:
            if self._trim:
                first = self._container.start_time or 0
                target = max(first, int((self._origin - _SEEK_LEAD) * av.time_base))
                # What cannot seek is read from its beginning.
                with suppress(av.error.FFmpegError, OSError):
                    self._container.seek(target)
            self._packets = self._read([s for s in streams if s.index in self._tracks])

    def mux_until(self, time: Fraction | None) -> None:
        """Writes the sound up to `time` seconds, or all that remains."""
        while True:
            packet = self._held or next(self._packets, None)
            self._held = None
            if packet is None:
                return
            if time is not None and self._time(packet) > time:
                self._held = packet
                return
            self._tracks[packet.stream.index].write(packet, self._origin)

    def finish(self, end: Fraction | None) -> None:
        """Writes the sound up to `end` seconds, or all that remains, and what encoders hold."""
        self.mux_until(end)
        for track in self._tracks.values():
            track.finish()

    def _read(self, streams: list[av.AudioStream]) -> Iterator[av.Packet[av.AudioStream]]:
        """The packets in range."""
        packets = self._container.demux(streams)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except IndexError:
                # PyAV stumbles over a stream that turns up midway; what follows is still readable.
                packets = self._container.demux(streams)
                continue
            except (av.error.FFmpegError, OSError) as error:
                self._notes.append(f"reading the sound broke off: {reason(error)}")
                return
            if packet.size == 0:  # demuxing ends with an empty packet for each decoder
                continue
            time = self._time(packet)
            if self._trim and time + (packet.duration or 0) * (packet.time_base or 0) <= 0:
                continue
            if self._duration is not None and time >= self._duration:
                if time >= self._duration + _INTERLEAVING:
                    return
                continue
            yield packet  # type: ignore[misc] # of audio streams alone

    def _time(self, packet: av.Packet[Any]) -> Fraction:
        return (packet.pts or 0) * (packet.time_base or Fraction(0)) - self._origin

    def notes(self) -> tuple[str, ...]:
        damaged = sum(track.damaged for track in self._tracks.values())
        left_out = [f"{damaged} damaged packets of sound were left out"] if damaged else []
        return (*self._notes, *left_out)

    def close(self) -> None:
        self._container.close()
