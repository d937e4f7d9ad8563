"""Mattes in, finished frames out, by settings that may change with every frame."""

from __future__ import annotations

from collections.abc import Callable

from realtime.closing import Closing
from realtime.frame import Frame, Matte
from realtime.output.backgrounds import Background, Fit, Switcher, opaque, parse
from realtime.output.buffers import Pool
from realtime.output.compositing import Blender
from realtime.output.compositor import finish
from realtime.output.geometry import View
from realtime.settings import Settings


class LiveCompositor(Closing):
    """Does what a `Compositor` does, by settings that may change with every frame.

    Of the settings it follows `background`, `background_fit`, `crossfade`, `decontaminate`,
    `light_wrap`, `mirror`, `zoom`, `pan_x` and `pan_y`. It owns its background; leaving it closes
    that.

    Args:
        settings: to begin with.
        report: told in one sentence when a background cannot be opened or breaks; the old one
            stays. Called by the thread that composites.

    Raises:
        BackgroundError: the first background, or one of those to change to, cannot be opened or is
            transparent.
    """

    def __init__(self, settings: Settings, report: Callable[[str], None] = lambda _: None) -> None:
        # Before anybody is on air: later a wrong name could only be told of.
        for text in settings.backgrounds:
            opaque(_open(text, settings.background_fit), text).close()
        self._background = Switcher(settings.background, settings.background_fit, _open, report)
        self._blender = Blender()
        # Not the blender's own, which knows what it has drawn there.
        self._pool = Pool()

    def __call__(self, matte: Matte, settings: Settings, *, plain: bool = False) -> Frame:
        """The finished frame; it never has an `alpha`.

        Args:
            matte: the people.
            settings: of this frame.
            plain: whether outlines are left as they come: they do not follow the picture, and keep
                the old room's colour. It saves half of the time.
        """
        self._background.request(settings.background, settings.background_fit, settings.crossfade)
        view = View(settings.mirror, settings.zoom, settings.pan_x, settings.pan_y)
        return finish(
            self._blender,
            view.of(matte, self._pool),
            self._background,
            refine=not plain,
            decontaminate=settings.decontaminate and not plain,
            light_wrap=settings.light_wrap,
        )

    def close(self) -> None:
        """Closes the background and joins its helper. Idempotent."""
        self._background.close()


def _open(text: str, fit: Fit) -> Background:
    return parse(text, fit, live=True)
