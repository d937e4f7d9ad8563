"""The data contracts between the threads: what a frame is, and what a matte is.

Pictures stay in YUV 4:2:0 with 8 bits, as cameras, codecs and virtual cameras have them. All sizes
are even (a source crops an odd last row or column). Alpha is 1 where the foreground covers a pixel
wholly and 0 where it does not at all; it is float32 in 0..1 at the network's size and uint8 in
0..255 at the picture's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

NANOSECOND = Fraction(1, 1_000_000_000)
"""The time base of live pictures, whose pts are on the monotonic clock."""


def exact_rate(fps: float | Fraction) -> Fraction:
    """Frames in a second as formats give them: no denominator is above that of 30000/1001."""
    return Fraction(fps).limit_denominator(1001)


class Planes(NamedTuple):
    """The three planes of a 4:2:0 picture, read-only by convention; rows may be padded.

    Attributes:
        y: luma, uint8 (H, W).
        u: blue difference, uint8 (H/2, W/2), 128 is neutral.
        v: red difference, likewise.
    """

    y: UInt8
    u: UInt8
    v: UInt8

    @property
    def height(self) -> int:
        return len(self.y)

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def packed(self) -> UInt8 | None:
        """The planes as one array: the rows of luma, then those of both chromas, as I420 has them.

        Returns:
            uint8 (H·3/2, W), a view of the planes' own memory; None where they do not lie behind
            each other.
        """
        memory = self.y.base
        if not isinstance(memory, np.ndarray) or memory.size != self.y.size * 3 // 2:
            return None
        whole = memory.reshape(-1)
        same = all(
            mine.ctypes.data == plane.ctypes.data and mine.strides == plane.strides
            for mine, plane in zip(Planes.within(whole, *self.y.shape), self, strict=True)
        )
        return whole.reshape(-1, self.width) if same else None

    @classmethod
    def empty(cls, height: int, width: int) -> Planes:
        """Uninitialised planes of an even size."""
        return cls.within(np.empty(height * width * 3 // 2, np.uint8), height, width)

    @classmethod
    def within(cls, memory: UInt8, height: int, width: int) -> Planes:
        """Planes of an even size, behind each other in memory: uint8 (height·width·3/2,)."""
        half = (height // 2, width // 2)
        luma, chroma = height * width, half[0] * half[1]
        return cls(
            memory[:luma].reshape(height, width),
            memory[luma : luma + chroma].reshape(half),
            memory[luma + chroma :].reshape(half),
        )


@dataclass(frozen=True, slots=True)
class ColorTags:
    """How the numbers of a picture become light: code points of ITU-T H.273, carried untouched.

    Attributes:
        full_range: True for 0..255 ("JPEG"), False for 16..235 ("video"), None where untagged.
        matrix: 1 BT.709, 5 and 6 BT.601, 9 BT.2020; 2 untagged.
        primaries: likewise.
        transfer: likewise.
    """

    full_range: bool | None = None
    matrix: int = 2
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and its place in time.

    Attributes:
        planes: the picture.
        index: 0, 1, 2 … in the order of capture; a gap is a dropped frame. Negative where no camera
            took it, but the guard put it in a frame's place.
        pts: presentation time in units of `time_base`, strictly increasing. A file's time starts
            at its first instant; a live source's time is `time.monotonic()`.
        time_base: seconds in one unit of `pts`.
        color: how to read the planes.
        alpha: straight (not premultiplied) coverage, uint8 (H, W), where the picture has any.
        epoch: grows each time a camera was lost and came back. In another epoch, what was seen
            before says nothing: start afresh. (A mark on the first frame could be dropped with it.)
    """

    planes: Planes
    index: int
    pts: int
    time_base: Fraction
    color: ColorTags = ColorTags()
    alpha: UInt8 | None = None
    epoch: int = 0

    @property
    def is_placeholder(self) -> bool:
        """Whether it went out in a frame's place: see `realtime.output.guard`."""
        return self.index < 0

    @property
    def time(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)


@dataclass(frozen=True, slots=True)
class Matte:
    """A frame and its own alpha: the only thing that leaves the inference thread.

    They travel together, so a picture can never be shown with the alpha of another.

    Attributes:
        frame: the picture.
        alpha: float32 (h, w) in 0..1 at the network's size, covering the same field of view.
    """

    frame: Frame
    alpha: Float32


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What a source delivers, known before its first frame.

    Attributes:
        width: pixels, even.
        height: pixels, even.
        frame_rate: frames in a second; an average where the rate varies.
        time_base: seconds in one unit of a frame's `pts`.
        color: tags of the frames.
        sample_aspect_ratio: width of a pixel by its height.
        frame_count: how many frames to expect, for a progress bar; None where unknown.
    """

    width: int
    height: int
    frame_rate: Fraction
    time_base: Fraction
    color: ColorTags = ColorTags()
    sample_aspect_ratio: Fraction = Fraction(1)
    frame_count: int | None = None
