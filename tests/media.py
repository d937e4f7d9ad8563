"""Media that the tests make for themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2  # before PyAV, see realtime.media
import numpy as np

# isort: split
import av

from realtime.capture.demo import DemoSource
from realtime.capture.source import Source
from realtime.color import planes_to_rgb, rgb_to_planes
from realtime.frame import ColorTags, Float32, Frame, Matte, Planes, UInt8
from realtime.media import plane_view

SAMPLE_RATE = 48_000

UNTAGGED = ColorTags()
BT709 = ColorTags(full_range=False, matrix=1, primaries=1, transfer=1)


def gray_frame(
    value: int,
    index: int = 0,
    *,
    size: tuple[int, int] = (64, 48),
    time_base: Fraction = Fraction(1, 30),
    color: ColorTags = BT709,
) -> Frame:
    """A frame of one luma value, whose pts is its index; size is (width, height)."""
    planes = Planes.empty(size[1], size[0])
    planes.y.fill(value)
    planes.u.fill(128)
    planes.v.fill(128)
    return Frame(planes, index, index, time_base, color)


def portrait_frame(
    size: tuple[int, int] = (640, 360), index: int = 0, *, color: ColorTags = BT709
) -> Frame:
    """The demo's person, squeezed into (width, height); moves a little from index to index."""
    rgb = np.roll(_portrait(), 2 * index, axis=1)
    picture = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return Frame(rgb_to_planes(picture, color), index, index, Fraction(1, 30), color)


@cache
def _portrait() -> UInt8:
    with DemoSource(1280, 720, Fraction(30), 1) as source:
        frame = source.read()
    assert frame is not None
    return planes_to_rgb(frame.planes, frame.color)


def matte_of(frame: Frame, alpha: float | Float32) -> Matte:
    """A matte of one alpha value everywhere, or of a whole alpha."""
    if isinstance(alpha, float):
        alpha = np.full((9, 16), alpha, np.float32)
    return Matte(frame, alpha)


def luma_of_index(index: int) -> int:
    """The luma that frame `index` of `write_clip` is filled with; neighbours differ clearly."""
    return 20 + 5 * (index % 40)


def nearest_index(luma: float) -> int:
    """Which frame of `write_clip` a luma is of, of the first 40."""
    return min(range(40), key=lambda index: abs(luma_of_index(index) - luma))


def write_clip(
    path: Path,
    *,
    frames: int = 12,
    size: tuple[int, int] = (64, 48),
    rate: Fraction = Fraction(30),
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    audio: str | None = None,
    rotation: int = 0,
    color: ColorTags = UNTAGGED,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    top_left: int | None = None,
) -> Path:
    """Writes a clip whose frame n has luma `luma_of_index(n)`.

    Args:
        path: its ending chooses the container.
        frames: how many.
        size: (width, height).
        rate: frames in a second.
        pts: timestamps in `time_base`; by default 0, 1, 2 … at the rate.
        time_base: seconds in a unit of pts.
        codec: of the video.
        pixels: pixel format.
        audio: codec of a sine tone as long as the video, None for none.
        rotation: degrees counter-clockwise that a player has to turn it by.
        color: tags.
        options: of the encoder.
        container_options: of the muxer.
        top_left: luma of the top left quarter, to tell which way is up.
    """
    unit = time_base or 1 / rate
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.codec_context.time_base = unit
        if color.full_range is not None:
            stream.codec_context.color_range = 2 if color.full_range else 1
        stream.codec_context.colorspace = color.matrix
        stream.codec_context.color_primaries = color.primaries
        stream.codec_context.color_trc = color.transfer
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream(audio, rate=SAMPLE_RATE) if audio else None
        for index in range(frames):
            picture = _picture(luma_of_index(index), size, top_left)
            if pixels != "yuv420p":
                picture = picture.reformat(format=pixels)
            picture.pts = pts[index] if pts is not None else index
            picture.time_base = unit
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if sound is not None:
            assert isinstance(sound, av.AudioStream)
            seconds = float(frames / rate)
            t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
            tone = (0.2 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
            samples = av.AudioFrame.from_ndarray(tone[None], format="flt", layout="mono")
            samples.sample_rate = SAMPLE_RATE
            samples.pts = 0
            container.mux(sound.encode(samples))
            container.mux(sound.encode(None))
    return path


def _picture(luma: int, size: tuple[int, int], top_left: int | None) -> av.VideoFrame:
    width, height = size
    picture = av.VideoFrame(width, height, "yuv420p")
    y = plane_view(picture.planes[0], height, width)
    y[...] = luma
    if top_left is not None:
        y[: height // 2, : width // 2] = top_left
    for plane in picture.planes[1:]:
        plane_view(plane, (height + 1) // 2, (width + 1) // 2)[...] = 128
    return picture


def decode(path: Path) -> list[tuple[Fraction, UInt8]]:
    """Every frame's time in seconds and luma plane."""
    with av.open(str(path)) as container:
        return [
            (
                (frame.pts or 0) * (frame.time_base or Fraction(0)),
                plane_view(frame.planes[0], frame.height, frame.width).copy(),
            )
            for frame in container.decode(video=0)
        ]


def audio_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """Every audio packet's time in seconds and content."""
    with av.open(str(path)) as container:
        return [
            ((packet.pts or 0) * (packet.time_base or Fraction(0)), bytes(packet))
            for packet in container.demux(container.streams.audio[0])
            if packet.size
        ]


def drain(source: Source) -> list[Frame]:
    """Every frame that a source still delivers."""
    return list(iter(source.read, None))


def remux(
    source: Path,
    target: Path,
    change: Callable[[str, int, av.Packet[Any]], av.Packet[Any] | None] = lambda _k, _i, p: p,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Copies a file packet by packet, letting `change` alter or leave out each.

    Args:
        source: the file.
        target: its ending chooses the container.
        change: given "video" or "audio", the number of the packet in its stream, and the packet.
        container_options: of the muxer.
    """
    options = container_options or {}
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        counts = dict.fromkeys(streams, 0)
        for packet in old.demux():
            if packet.size == 0:
                continue
            index = packet.stream.index
            changed = change(packet.stream.type, counts[index], packet)
            counts[index] += 1
            if changed is not None:
                changed.stream = streams[index]
                new.mux(changed)
    return target


def noise_like(packet: av.Packet[Any], seed: int) -> av.Packet[Any]:
    """A packet of random bytes in place of another."""
    noise: av.Packet[Any] = av.Packet(np.random.default_rng(seed).bytes(packet.size))
    noise.pts, noise.dts, noise.duration = packet.pts, packet.dts, packet.duration
    if packet.time_base is not None:
        noise.time_base = packet.time_base
    return noise
