"""Mattes in, finished frames out."""

from __future__ import annotations

from dataclasses import replace

from realtime.frame import Frame, Matte
from realtime.output.backgrounds import Background
from realtime.output.compositing import Blender


class Compositor:
    """Puts the people of each matte before a background.

    There is no way through here for a picture without its alpha.

    Args:
        background: what is put behind; the caller closes it.
        refine: whether outlines follow the picture, see `realtime.output.refinement`.
        decontaminate: whether to take the colour of the old room out of mixed pixels.
        light_wrap: how much of the background's light falls on the edges of people, 0..1.
    """

    def __init__(
        self,
        background: Background,
        *,
        refine: bool = True,
        decontaminate: bool = True,
        light_wrap: float = 0.0,
    ) -> None:
        self._background = background
        self._refine = refine
        self._decontaminate = decontaminate
        self._light_wrap = light_wrap
        self._blender = Blender()

    def __call__(self, matte: Matte) -> Frame:
        """The finished frame; its `alpha` is set where the background is transparent."""
        return finish(
            self._blender,
            matte,
            self._background,
            refine=self._refine,
            decontaminate=self._decontaminate,
            light_wrap=self._light_wrap,
        )


def finish(
    blender: Blender,
    matte: Matte,
    background: Background,
    *,
    refine: bool,
    decontaminate: bool,
    light_wrap: float,
) -> Frame:
    """What a compositor does to one frame, by its options; the blender keeps memory for it."""
    frame = matte.frame
    full_range = bool(frame.color.full_range)
    behind = background.behind(matte)
    if behind is None:
        planes, alpha = blender.cut_out(
            frame.planes,
            matte.alpha,
            full_range=full_range,
            refine=refine,
            decontaminate=decontaminate,
        )
        return replace(frame, planes=planes, alpha=alpha)
    planes = blender(
        frame.planes,
        matte.alpha,
        behind,
        refine=refine,
        decontaminate=decontaminate,
        light_wrap=light_wrap,
        full_range=full_range,
        in_place=background.fresh,
    )
    return replace(frame, planes=planes)
