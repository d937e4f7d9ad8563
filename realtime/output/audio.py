"""The sound of the source, into the output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from realtime.media import open_input, reason

# Tracks of one file are interleaved to about this many seconds.
_INTERLEAVING = 1

# Opus knows 48 kHz and its divisors alone.
_OPUS_RATE = 48_000


class _Track(ABC):
    """One track on its way into a container."""

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

    def write(self, packet: av.Packet[av.AudioStream], origin: Fraction) -> None:
        if packet.time_base is not None:
            shift = round(origin / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._target
        self._output.mux(packet)

    def finish(self) -> None:
        """Nothing is held back."""


class _Encoded(_Track):
    """Decoded and encoded again, into the container's own codec."""

    def __init__(self, output: av.container.OutputContainer, source: av.AudioStream) -> None:
        codec = output.default_audio_codec
        target = output.add_stream(codec, rate=_OPUS_RATE if codec == "opus" else source.rate)
        assert isinstance(target, av.AudioStream)
        target.metadata.update(source.metadata)
        self._output = output
        self._source = source
        self._target = target

    def write(self, packet: av.Packet[av.AudioStream], origin: Fraction) -> None:
        for frame in packet.decode():
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(origin / frame.time_base)
            self._output.mux(self._target.encode(frame))

    def finish(self) -> None:
        for frame in self._source.codec_context.decode(None):
            self._output.mux(self._target.encode(frame))
        self._output.mux(self._target.encode(None))


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
            codec = context.codec.canonical_name
            if codec in output.supported_codecs:
                self._tracks[stream.index] = _Copied(output, stream)
            else:
                self._tracks[stream.index] = _Encoded(output, stream)
                self._notes.append(
                    f"{output.format.name} cannot carry {codec} sound: it was re-encoded to "
                    f"{output.default_audio_codec}"
                )
        if self._tracks:
            if self._trim:
                self._container.seek(int(self._origin * av.time_base))
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
        try:
            for packet in self._container.demux(streams):
                assert isinstance(packet.stream, av.AudioStream)
                if packet.size == 0:  # demuxing ends with an empty packet for each decoder
                    continue
                time = self._time(packet)
                if self._trim and time + (packet.duration or 0) * (packet.time_base or 0) <= 0:
                    continue
                if self._duration is not None and time >= self._duration:
                    if time >= self._duration + _INTERLEAVING:
                        return
                    continue
                yield packet  # type: ignore[misc] # the assertion above says it is audio
        except (av.error.FFmpegError, OSError) as error:
            self._notes.append(f"reading the sound broke off: {reason(error)}")

    def _time(self, packet: av.Packet[Any]) -> Fraction:
        return (packet.pts or 0) * (packet.time_base or Fraction(0)) - self._origin

    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def close(self) -> None:
        self._container.close()
