"""What is shown in place of a picture: a drawn card, black, or what no eye can make out.

Nothing here ever sees a picture that has not been sent already.
"""

from __future__ import annotations

import cv2

from realtime.frame import Frame, Planes, UInt8, VideoFormat
from realtime.scaling import shrink

_NEUTRAL = 128

# Limited-range luma of the card's ground and of what is written on it: calm, not glaring.
_GROUND = 44
_INK = 150

# Rows of the picture that a blur is made from. A face has two or three of them at most, a line of
# text a tenth of one: nobody can be recognised and nothing read, whatever is done to it afterwards,
# as all else was averaged away before.
_BLUR_ROWS = 9


class Placeholder:
    """Draws placeholders for one output; what does not change is drawn once.

    Args:
        video: the output's format.
    """

    def __init__(self, video: VideoFormat) -> None:
        self._width = video.width
        self._height = video.height
        self._full_range = bool(video.color.full_range)
        self._drawn: dict[str, Planes] = {}

    def black(self) -> Planes:
        """A black picture."""
        return self._once("", 16)

    def card(self, caption: str) -> Planes:
        """A calm picture with a crossed-out camera and one line of text."""
        return self._once(caption, _GROUND)

    def blurred(self, frame: Frame) -> Planes:
        """A few blots of colour where a picture was.

        Args:
            frame: a finished one that was sent already.
        """
        columns = max(2, round(_BLUR_ROWS * frame.planes.width / frame.planes.height))
        return Planes(*(_blots(plane, columns) for plane in frame.planes))

    def _once(self, caption: str, ground: int) -> Planes:
        if caption not in self._drawn:
            planes = Planes.empty(self._height, self._width)
            planes.y.fill(self._level(ground))
            planes.u.fill(_NEUTRAL)
            planes.v.fill(_NEUTRAL)
            if caption:
                self._draw(planes.y, caption)
            self._drawn[caption] = planes
        return self._drawn[caption]

    def _level(self, limited: int) -> int:
        return round((limited - 16) * 255 / 219) if self._full_range else limited

    def _draw(self, luma: UInt8, caption: str) -> None:
        unit = min(self._height, self._width * 9 // 16)
        ink, stroke = self._level(_INK), max(1, unit // 90)
        centre = (self._width // 2, self._height * 2 // 5)
        half = unit // 9

        def at(x: float, y: float) -> tuple[int, int]:
            return round(centre[0] + x * half), round(centre[1] + y * half)

        cv2.rectangle(luma, at(-1.2, -0.8), at(0.6, 0.8), ink, stroke, cv2.LINE_AA)
        for start, end in [((0.6, -0.1), (1.3, -0.6)), ((1.3, -0.6), (1.3, 0.6))]:
            cv2.line(luma, at(*start), at(*end), ink, stroke, cv2.LINE_AA)
        cv2.line(luma, at(1.3, 0.6), at(0.6, 0.1), ink, stroke, cv2.LINE_AA)
        cv2.line(luma, at(-1.5, 1.2), at(1.5, -1.2), ink, stroke, cv2.LINE_AA)

        font, scale = cv2.FONT_HERSHEY_SIMPLEX, unit / 500
        (text_width, text_height), _ = cv2.getTextSize(caption, font, scale, stroke)
        scale *= min(1.0, 0.9 * self._width / text_width)
        (text_width, text_height), _ = cv2.getTextSize(caption, font, scale, stroke)
        corner = ((self._width - text_width) // 2, self._height * 7 // 10 + text_height // 2)
        cv2.putText(luma, caption, corner, font, scale, ink, stroke, cv2.LINE_AA)


def _blots(plane: UInt8, columns: int) -> UInt8:
    small = shrink(plane, (columns, _BLUR_ROWS))
    height, width = plane.shape
    large: UInt8 = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return large
