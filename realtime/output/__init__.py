"""The output thread: compositing, and where the result goes.

Names are imported from their modules, so that a command loads no more than it needs.
"""

import cv2  # noqa: F401 - before PyAV, see realtime.media
