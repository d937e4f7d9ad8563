"""Mattes in, finished frames out."""

from __future__ import annotations

from dataclasses import replace

from realtime.frame import Frame, Matte
from realtime.output.backgrounds import Background
from realtime.output.compositing import alpha_planes, composite, cut_out


class Compositor:
    """Puts the people of each matte before a background.

    There is no way through here for a picture without its alpha.
    """

    def __init__(self, background: Background) -> None:
        self._background = background

    def __call__(self, matte: Matte) -> Frame:
        """The finished frame; its `alpha` is set where the background is transparent."""
        frame = matte.frame
        luma, chroma = alpha_planes(matte.alpha, frame.planes.height, frame.planes.width)
        behind = self._background.behind(matte)
        if behind is None:
            full_range = bool(frame.color.full_range)
            cut = cut_out(frame.planes, luma, chroma, full_range=full_range)
            return replace(frame, planes=cut, alpha=luma)
        return replace(frame, planes=composite(frame.planes, behind, luma, chroma))
