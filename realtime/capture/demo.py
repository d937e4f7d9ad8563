"""A person in front of a camera, where there is no camera: an embedded photograph that moves."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib.resources import files

import cv2
import numpy as np

from realtime.capture.source import Source
from realtime.color import rgb_to_planes
from realtime.frame import ColorTags, Float32, Frame, Planes, UInt8, VideoFormat

# Official NASA portrait of Eileen Collins, 1999; public domain.
_PHOTOGRAPH = "eileen_collins.jpg"

_COLOR = ColorTags(full_range=False, matrix=1, primaries=1, transfer=1)


class DemoSource(Source):
    """Moves, scales, turns and re-lights a photograph of a person over time.

    The same arguments give the same frames.

    Args:
        width: pixels, even.
        height: pixels, even.
        fps: frames in a second.
        seconds: length; None for endless.
    """

    def __init__(
        self,
        width: int = 1280,
        height: int = 720,
        fps: Fraction = Fraction(30),
        seconds: float | None = None,
    ) -> None:
        jpeg = files(__package__).joinpath("assets", _PHOTOGRAPH).read_bytes()
        bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        self._photograph = rgb_to_planes(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), _COLOR)
        self._index = 0
        self.format = VideoFormat(
            width=width,
            height=height,
            frame_rate=fps,
            time_base=1 / fps,
            color=_COLOR,
            frame_count=None if seconds is None else max(1, round(seconds * fps)),
        )

    def read(self) -> Frame | None:
        index, count = self._index, self.format.frame_count
        if count is not None and index >= count:
            return None
        self._index += 1
        return Frame(
            planes=self._picture(float(index / self.format.frame_rate)),
            index=index,
            pts=index,
            time_base=self.format.time_base,
            color=_COLOR,
        )

    def _picture(self, seconds: float) -> Planes:
        """The photograph at one moment; periods have no common multiple, so it never repeats."""
        brightness = 0.95 + 0.12 * math.sin(math.tau * seconds / 9.0)
        warmth = 5 * math.sin(math.tau * seconds / 13.0)
        y = self._warp(self._photograph.y, seconds, 1)
        u = self._warp(self._photograph.u, seconds, 2)
        v = self._warp(self._photograph.v, seconds, 2)
        return Planes(
            cv2.convertScaleAbs(y, alpha=brightness, beta=16 * (1 - brightness)),
            cv2.convertScaleAbs(u, alpha=1, beta=-warmth),
            cv2.convertScaleAbs(v, alpha=1, beta=warmth),
        )

    def _warp(self, plane: UInt8, seconds: float, subsampling: int) -> UInt8:
        width, height = self.format.width // subsampling, self.format.height // subsampling
        rows, columns = plane.shape
        zoom = 1.18 + 0.1 * math.sin(math.tau * seconds / 5.3)
        scale = zoom * max(width / columns, height / rows)
        angle = math.radians(2) * math.sin(math.tau * seconds / 3.7)
        # The picture's centre in the photograph: swaying sideways; the head stays below the top.
        spare_x, spare_y = columns - width / scale, rows - height / scale
        x = columns / 2 + 0.35 * spare_x * math.sin(math.tau * seconds / 4.1)
        y = height / scale / 2 + 0.05 * spare_y * (1 + math.sin(math.tau * seconds / 2.9))
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        forward: Float32 = np.array(
            [
                [cos, sin, width / 2 - cos * x - sin * y],
                [-sin, cos, height / 2 + sin * x - cos * y],
            ],
            np.float32,
        )
        warped: UInt8 = cv2.warpAffine(
            plane, forward, (width, height), borderMode=cv2.BORDER_REFLECT_101
        )
        return warped

    def close(self) -> None:
        """Nothing is held."""
