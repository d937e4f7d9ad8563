"""Frames into a window on the screen."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import cv2

from realtime.errors import OutputError
from realtime.frame import Frame, UInt8, VideoFormat
from realtime.output.sink import Sink
from realtime.output.webcam_color import WebcamPicture

_ESCAPE = 27

# Keys to take at once: a key that is held down must not keep pictures from being shown.
_MOST_KEYS = 16


def quit_keys(code: int) -> bool:
    """Takes a key as `cv2.pollKey` gives it; False for Q and Escape."""
    return code & 0xFFFF not in (_ESCAPE, ord("q"), ord("Q"))


class WindowSink(Sink):
    """Shows the newest frame; closing the window, or a key that says so, ends the run.

    The output thread leaves a frame, the calling thread converts and shows it: window systems
    insist on the main thread, and however slow it is, it never delays other outputs. A frame that
    comes before the last one was shown takes its place.

    Args:
        title: of the window.
        on_key: takes each key as `cv2.pollKey` gives it; returns whether the run goes on.
        decorate: writes upon each picture before it is shown, uint8 (H, W, 3) BGR, in place.
    """

    pump_interval = 0.005

    def __init__(
        self,
        title: str = "realtime",
        *,
        on_key: Callable[[int], bool] = quit_keys,
        decorate: Callable[[UInt8], None] | None = None,
    ) -> None:
        self._title = title
        self._on_key = on_key
        self._decorate = decorate
        self._lock = threading.Lock()
        self._newest: Frame | None = None
        self._picture: WebcamPicture | None = None
        self._opened = False

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        if transparent:
            raise OutputError("a window cannot show transparency; choose another --background")
        require_screen()
        # OpenCV's Qt complains on stderr about fonts, which no text of ours needs.
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        try:
            cv2.namedWindow(self._title, flags)
            cv2.resizeWindow(self._title, video.width, video.height)
        except cv2.error as error:
            if "not implemented" not in str(error):
                why = str(error).partition("\n")[0]
                raise OutputError(f"the window cannot be opened: {why}") from error
            raise OutputError(
                "this build of OpenCV cannot open a window; pip uninstall opencv-python-headless, "
                "then pip install --force-reinstall --no-deps opencv-python"
            ) from None
        self._opened = True

    def write(self, frame: Frame) -> None:
        with self._lock:
            self.dropped += self._newest is not None and not self._newest.is_placeholder
            self._newest = frame

    def pump(self) -> bool:
        with self._lock:
            newest, self._newest = self._newest, None
        try:
            # Also before drawing, which takes longest: of the keys that come between two looks,
            # OpenCV's Qt keeps only the last. And drawing would open a closed window again.
            goes_on = self._take_keys() and self._visible()
            if goes_on and newest is not None:
                self._show(newest)
                goes_on = self._take_keys() and self._visible()
        except cv2.error as error:
            raise OutputError(f"the window broke ({error}); start it again") from None
        return goes_on

    def _visible(self) -> bool:
        """Whether the user has not closed it."""
        try:
            return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:
            # What OpenCV's Qt says when its last window is gone.
            return False

    def _take_keys(self) -> bool:
        """Hands on the keys that wait, until one ends the run; returns whether it goes on."""
        for _ in range(_MOST_KEYS):
            code = cv2.pollKey()
            if code < 0:
                return True
            if not self._on_key(code):
                return False
        return True

    def _show(self, frame: Frame) -> None:
        planes = frame.planes
        if self._picture is None or self._picture.planes.y.shape != planes.y.shape:
            self._picture = WebcamPicture(planes.width, planes.height)
        self._picture.write(planes, frame.color)
        bgr = self._picture.to_bgr()
        if self._decorate is not None:
            self._decorate(bgr)
        cv2.imshow(self._title, bgr)

    def close(self, *, early: bool = False) -> None:
        if self._opened:
            self._opened = False
            # The user may have closed it already, which leaves nothing to destroy.
            with suppress(cv2.error):
                cv2.destroyWindow(self._title)

    def abort(self) -> None:
        self.close()


def require_screen() -> None:
    """Sees whether there is a screen: without one, OpenCV's toolkit ends the whole process.

    Raises:
        OutputError: there is none.
    """
    if sys.platform != "linux":
        return
    display = os.environ.get("DISPLAY", "")
    help_ = "choose --output null or a file, or run it on a desktop"
    if not display:
        raise OutputError(f"no screen to open a window on (DISPLAY is not set); {help_}")
    host, _, number = display.rpartition(":")
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number.partition('.')[0]}"
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except OSError:
                raise OutputError(f"the screen {display} does not answer; {help_}") from None
