"""Opens whatever `--camera` names."""

from __future__ import annotations

from collections.abc import Callable

from realtime.capture.camera import WEBCAM_COLOR, CameraSource
from realtime.capture.demo import DemoSource
from realtime.capture.devices import Camera, OddCameraError, find_again, find_camera
from realtime.capture.opencv import OpenCVSource
from realtime.capture.paced import Paced
from realtime.capture.reconnecting import Reconnecting
from realtime.capture.source import Source
from realtime.capture.thinned import Thinned
from realtime.errors import SourceError
from realtime.frame import NANOSECOND, VideoFormat, exact_rate
from realtime.media import is_url
from realtime.stats import Stats


def open_camera(
    camera: str,
    width: int = 1280,
    height: int = 720,
    fps: float = 30.0,
    *,
    paused: bool = False,
    stats: Stats | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Reconnecting:
    """A live source that comes back by itself when its camera was away.

    It gives no more frames in a second than were asked for.

    Args:
        camera: number, device path, or a part of the name of a camera; URL of a stream; "demo".
        width: pixels asked for, even; the nearest that the camera has is taken.
        height: likewise.
        fps: likewise.
        paused: leave the camera alone until `resume`; then its `format` is what is asked for.
        stats: where to count the duration of "decode".
        report: see `Reconnecting`.

    Raises:
        SourceError: it cannot be opened; the message says why, and what to do. Not if `paused`.
    """
    rate = exact_rate(fps)
    asked = VideoFormat(width, height, rate, NANOSECOND, WEBCAM_COLOR) if paused else None
    opener = _Opener(camera, width, height, fps, stats or Stats())
    return Reconnecting(lambda: Thinned(opener(), rate), format=asked, report=report)


class _Opener:
    """Opens a camera the first time, and the same one again afterwards."""

    def __init__(self, camera: str, width: int, height: int, fps: float, stats: Stats) -> None:
        self._name = camera
        self._stats = stats
        self._asked = (width, height, fps)
        self._found: Camera | None = None

    def __call__(self) -> Source:
        width, height, fps = self._asked
        if self._name == "demo":
            return Paced(DemoSource(width, height, exact_rate(fps)))
        if is_url(self._name):
            return CameraSource(self._name, width, height, fps, stats=self._stats)
        camera = find_camera(self._name) if self._found is None else find_again(self._found)
        try:
            source: Source = CameraSource(camera, width, height, fps, stats=self._stats)
        except OddCameraError as refused:
            try:
                source = OpenCVSource(camera, width, height, fps)
            except SourceError:
                raise refused from None
        self._found = camera
        return source
