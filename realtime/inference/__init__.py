"""The inference thread: what is foreground."""

from realtime.inference.matting import Matting
from realtime.inference.model import EMBEDDED
from realtime.inference.session import Device

__all__ = ["EMBEDDED", "Device", "Matting"]
