"""The capture thread: where frames come from."""

import cv2  # noqa: F401 - before PyAV, see realtime.media

from realtime.capture.demo import DemoSource
from realtime.capture.file import FileSource
from realtime.capture.paced import Paced
from realtime.capture.source import Lost, Source

__all__ = ["DemoSource", "FileSource", "Lost", "Paced", "Source"]
