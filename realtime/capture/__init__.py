"""The capture thread: where frames come from."""

import cv2  # noqa: F401 - before PyAV, see realtime.media

from realtime.capture.demo import DemoSource
from realtime.capture.devices import Camera, list_cameras
from realtime.capture.file import FileSource
from realtime.capture.opening import open_camera
from realtime.capture.paced import Paced
from realtime.capture.reconnecting import Reconnecting
from realtime.capture.source import Lost, Source

__all__ = [
    "Camera",
    "DemoSource",
    "FileSource",
    "Lost",
    "Paced",
    "Reconnecting",
    "Source",
    "list_cameras",
    "open_camera",
]
