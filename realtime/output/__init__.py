"""The output thread: compositing, and where the result goes."""

import cv2  # noqa: F401 - before PyAV, see realtime.media

from realtime.output.audio import AudioTracks
from realtime.output.compositor import Compositor, LiveCompositor
from realtime.output.detached import DetachedSink
from realtime.output.fanout import FanoutSink
from realtime.output.file import FileSink
from realtime.output.sink import NullSink, Sink
from realtime.output.virtual import VirtualCameraSink
from realtime.output.window import WindowSink

__all__ = [
    "AudioTracks",
    "Compositor",
    "DetachedSink",
    "FanoutSink",
    "FileSink",
    "LiveCompositor",
    "NullSink",
    "Sink",
    "VirtualCameraSink",
    "WindowSink",
]
