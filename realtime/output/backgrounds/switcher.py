"""Backgrounds that change while frames go on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from realtime.errors import BackgroundError
from realtime.frame import ColorTags, Matte, Planes
from realtime.output.backgrounds.background import Background
from realtime.output.backgrounds.crossfade import Crossfade, mix
from realtime.output.backgrounds.still import Color, Fit
from realtime.output.buffers import Pool

Open = Callable[[str, Fit], Background]

# What fails for so many frames in a row for an unforeseen reason is given up.
_MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class _Wish:
    text: str
    fit: Fit


class Switcher(Background):
    """Shows one background until the next one is ready, then fades from one into the other.

    A new background is opened, decoded and scaled by a thread of its own, while frames go on with
    the old one. One that cannot be opened, for whatever reason, is reported and forgotten. One
    that breaks later is reported too, and its last picture stays.

    All methods but `close` are for one thread.

    Args:
        text: the background to begin with, as `open_background` takes it.
        fit: likewise.
        open_background: makes a background of its name; called by the helper thread.
        report: told in one sentence what went wrong; called by the thread that asks for pictures.

    Raises:
        BackgroundError: the first background cannot be opened, or is transparent.
    """

    def __init__(
        self,
        text: str,
        fit: Fit,
        open_background: Open,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._open = open_background
        self._report = report
        self._wish = self._on = _Wish(text, fit)
        self._crossfade = 0.0
        self._current = opaque(open_background(text, fit), text)
        self._previous: Background | None = None
        self._fade = Crossfade(0.0, 0.0)
        self._next: Future[Background] | None = None
        self._shown: tuple[Planes, ColorTags] | None = None
        self._matte: Matte | None = None
        self._pool = Pool()
        self._helper = ThreadPoolExecutor(1, "realtime-background")
        # Frames in a row that the present one failed for, and whether it was given up for that.
        self._failures = 0
        self._broken = False

    @property
    def pending(self) -> bool:
        """Whether a background that was asked for is not on yet."""
        return self._next is not None

    def request(self, text: str, fit: Fit = "cover", crossfade: float = 0.0) -> None:
        """Asks for a background; asking for the one that was asked for last does nothing.

        Only the newest wish counts; whatever else is being prepared is given up.

        Args:
            text: what `open_background` takes.
            fit: likewise.
            crossfade: seconds in which it replaces the old one, from when it is ready.
        """
        self._crossfade = crossfade
        wish = _Wish(text, fit)
        if wish == self._wish:
            return
        self._wish = wish
        if self._next is not None:
            _discard(self._next)
            self._next = None
        if wish == self._on and not self._broken:
            return
        self._next = self._helper.submit(self._prepare, wish, self._matte)

    def _prepare(self, wish: _Wish, matte: Matte | None) -> Background:
        """Opens a background and has it draw its first picture, which takes longest."""
        background = opaque(self._open(wish.text, wish.fit), wish.text)
        try:
            if matte is not None:
                background.behind(matte)
        except BaseException:
            background.close()
            raise
        return background

    def behind(self, matte: Matte) -> Planes | None:
        self._matte = matte
        time = matte.frame.time
        if self._next is not None and self._next.done():
            ready, self._next = self._next, None
            self._take(ready, time)
        planes = self._ask(matte)
        self.fresh = self._current.fresh
        # What may be written to is not ours to show again.
        self._shown = None if self.fresh or planes is None else (planes, matte.frame.color)
        old = self._ask_previous(matte)
        if old is None or planes is None:
            return planes
        self.fresh = True
        return mix(old, planes, self._fade.progress(time), self._pool)

    def _ask_previous(self, matte: Matte) -> Planes | None:
        """The old background's picture while it fades out."""
        if self._previous is None:
            return None
        if self._fade.progress(matte.frame.time) < 1:
            try:
                return self._previous.behind(matte)
            except Exception:  # noqa: BLE001 - it was on its way out anyway
                pass
        self._drop_previous()
        return None

    def _take(self, ready: Future[Background], time: float) -> None:
        try:
            new = ready.result()
        except Exception as error:  # noqa: BLE001 - whatever it is, the old one can go on
            self._report(f"{_told(error, self._wish.text)}; {self._on.text} stays")
            return
        self._drop_previous()
        self._previous, self._current = self._current, new
        self._on, self._broken = self._wish, False
        self._fade = Crossfade(time, self._crossfade)

    def _ask(self, matte: Matte) -> Planes | None:
        """The current background's picture; what there is of it once it broke.

        What is no BackgroundError may pass, and is raised at first.
        """
        try:
            planes = self._current.behind(matte)
        except Exception as error:
            self._failures += 1
            if not isinstance(error, BackgroundError) and self._failures < _MOST_FAILURES:
                raise
            rest = "black is shown" if self._shown is None else "its last picture stays"
            self._report(f"{_told(error, self._on.text)}; {rest}")
        else:
            self._failures = 0
            return planes
        self._broken, self._failures = True, 0
        self._let_go(self._current)
        self._current = _Remains(*(self._shown or (None, None)))
        return self._current.behind(matte)

    def _let_go(self, background: Background) -> None:
        """Closes one beside frames: what decodes a video may hold whoever closes it."""
        self._helper.submit(background.close)

    def _drop_previous(self) -> None:
        previous, self._previous = self._previous, None
        if previous is not None:
            self._let_go(previous)

    def close(self) -> None:
        if self._next is not None:
            _discard(self._next)
            self._next = None
        self._drop_previous()
        self._helper.shutdown(wait=True)
        self._current.close()


class _Remains(Background):
    """The last picture of a background that broke; black for frames of another size or colour."""

    def __init__(self, planes: Planes | None, color: ColorTags | None) -> None:
        self._color = color
        # A copy: what was shown may be lent memory.
        self._planes = None if planes is None else Planes(*(plane.copy() for plane in planes))
        self._black = Color((0, 0, 0))

    def behind(self, matte: Matte) -> Planes | None:
        planes, frame = self._planes, matte.frame
        if planes is None or planes.y.shape != frame.planes.y.shape or self._color != frame.color:
            return self._black.behind(matte)
        return planes


def _told(error: Exception, text: str) -> str:
    """In one line, what went wrong with a background."""
    if isinstance(error, BackgroundError):
        return str(error)
    what = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return f"background {text}: cannot be shown ({what}); choose another one"


def opaque(background: Background, text: str) -> Background:
    """The background itself.

    Raises:
        BackgroundError: it is transparent; it was closed.
    """
    if background.transparent:
        background.close()
        raise BackgroundError(
            f"background {text}: nothing live can carry transparency; choose green, and key it out"
        )
    return background


def _discard(future: Future[Background]) -> None:
    """Closes what a helper makes that nobody wants any more."""

    def close(done: Future[Background]) -> None:
        if not done.cancelled() and done.exception() is None:
            done.result().close()

    future.cancel()
    future.add_done_callback(close)
