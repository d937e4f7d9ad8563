"""What is put behind the foreground: the interface."""

from __future__ import annotations

from abc import abstractmethod

from realtime.closing import Closing
from realtime.frame import ColorTags, Matte, Planes


class Background(Closing):
    """Gives the picture behind each frame; opening it is its constructor's work.

    One thread asks, frame after frame.

    Attributes:
        transparent: whether there is nothing behind, so that the sink must carry alpha.
        fresh: whether the planes given last were made for that frame alone: they may be written to.
    """

    transparent: bool = False
    fresh: bool = False

    @abstractmethod
    def behind(self, matte: Matte) -> Planes | None:
        """The picture behind this frame.

        Returns:
            Planes of the frame's size and colour tags, not to be written to unless `fresh`; None
            for nothing. Where the very same object is given again, nothing in it has changed.

        Raises:
            BackgroundError: the background broke.
        """

    def close(self) -> None:
        """Releases what is held; most hold nothing. Idempotent."""


class Transparent(Background):
    """Nothing behind: the foreground is cut out."""

    transparent = True

    def behind(self, matte: Matte) -> Planes | None:
        return None


class Still(Background):
    """A background that does not move: drawn once for each size and kind of colour."""

    def __init__(self) -> None:
        self._key: tuple[int, int, ColorTags] | None = None
        self._planes: Planes | None = None

    def behind(self, matte: Matte) -> Planes | None:
        frame = matte.frame
        key = (frame.planes.width, frame.planes.height, frame.color)
        if key != self._key:
            self._planes = self._draw(*key)
            self._key = key
        return self._planes

    @abstractmethod
    def _draw(self, width: int, height: int, color: ColorTags) -> Planes:
        """The picture at this size."""
