"""The pictures of a folder, one after another."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor

from realtime.errors import BackgroundError
from realtime.frame import Matte, Planes
from realtime.output.backgrounds.background import Background
from realtime.output.backgrounds.crossfade import Crossfade, mix
from realtime.output.backgrounds.still import Fit, Image, read_image
from realtime.output.buffers import Pool

DEFAULT_SECONDS = 10.0

_CROSSFADE = 1.0


class Slideshow(Background):
    """Shows each picture of a folder for a while, in the order of their names, over and over.

    The next picture is read and scaled by a thread of its own. Files that are no pictures are
    left out, also those that became so meanwhile, and pictures that cannot be drawn, such as for
    lack of memory.

    Args:
        folder: where the pictures are; not those in folders below.
        seconds: how long each is shown, crossfade included.
        fit: see `Image`.
        crossfade: seconds in which one becomes the next, no longer than half of `seconds`.
        patient: whether a frame waits for a picture that is due, as for files; otherwise the old
            one stays until the new one is there.
        pixel_aspect: width of the frame's pixels by their height.

    Raises:
        BackgroundError: there is no picture in the folder that can be read.
    """

    def __init__(
        self,
        folder: str,
        seconds: float = DEFAULT_SECONDS,
        fit: Fit = "cover",
        *,
        crossfade: float = _CROSSFADE,
        patient: bool = True,
        pixel_aspect: float = 1.0,
    ) -> None:
        self._folder = folder
        self._seconds = seconds
        self._fit = fit
        self._pixel_aspect = pixel_aspect
        self._fading = min(crossfade, seconds / 2)
        self._patient = patient
        self._pool = Pool()
        try:
            entries = os.listdir(folder)
        except OSError as error:
            raise BackgroundError(
                f"background {folder}: cannot be read: {error.strerror}; choose another folder"
            ) from None
        self._names = sorted(name for name in entries if not name.startswith("."))
        self._last = -1
        first = self._open_next()
        if first is None:
            raise BackgroundError(
                f"background {folder}: no picture in this folder that can be read; choose one "
                "with JPEG or PNG files"
            )
        self._current: Image = first
        self._previous: Image | None = None
        self._due: float | None = None
        self._fade: Crossfade | None = None
        self._next: Future[Image | None] | None = None
        self._helper = ThreadPoolExecutor(1, "realtime-slideshow")

    def _open_next(self, matte: Matte | None = None) -> Image | None:
        """The picture after the last one, drawn for this frame; None where there is none left."""
        for step in range(1, len(self._names) + 1):
            index = (self._last + step) % len(self._names)
            path = os.path.join(self._folder, self._names[index])
            try:
                rgb = read_image(path) if os.path.isfile(path) else None
                if rgb is None:
                    continue
                image = Image(rgb, self._fit, self._pixel_aspect)
                if matte is not None:
                    image.behind(matte)
            except Exception:  # noqa: BLE001 - whatever it is, the others can be shown
                continue
            self._last = index
            return image
        return None

    def behind(self, matte: Matte) -> Planes | None:
        time = matte.frame.time
        if self._due is None or time < self._due - 2 * self._seconds:
            self._due = time + self._seconds
        if self._next is None:
            self._next = self._helper.submit(self._open_next, matte)
        if time >= self._due and (self._patient or self._next.done()):
            ready, self._next = self._next, None
            self._advance(ready.result(), time)
        planes = self._current.behind(matte)
        self.fresh = False
        if self._fade is None or self._previous is None:
            return planes
        progress = self._fade.progress(time)
        old = self._previous.behind(matte)
        if progress >= 1 or planes is None or old is None:
            self._fade, self._previous = None, None
            return planes
        self.fresh = True
        return mix(old, planes, progress, self._pool)

    def _advance(self, following: Image | None, time: float) -> None:
        assert self._due is not None
        # After a gap in time, the clock starts anew; slides that nobody saw are not made up for.
        due = self._due + self._seconds
        self._due = due if due > time else time + self._seconds
        if following is not None:
            self._previous, self._current = self._current, following
            self._fade = Crossfade(time, self._fading)

    def close(self) -> None:
        self._helper.shutdown(wait=True, cancel_futures=True)
