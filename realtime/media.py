"""What both ends need of FFmpeg: opening inputs, and NumPy views of its pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, cast

import cv2  # noqa: F401 - see below

# isort: split
# PyAV brings a libxcb of its own. Where it is loaded before OpenCV, OpenCV's windows link to it and
# hang on Linux (github.com/opencv/opencv/issues/29195).
import av
import numpy as np
from av.video.plane import VideoPlane

from realtime.errors import SourceError
from realtime.frame import UInt8

# Seconds after which a silent server counts as broken, to open and for each read.
_URL_TIMEOUT = (10.0, 10.0)


def is_url(name: str) -> bool:
    return "://" in name


def without_password(name: str) -> str:
    """A URL without its user name and password: they are not for the screen, and not for a log."""
    return re.sub(r"//[^/]*@", "//", name) if is_url(name) else name


def file_url(path: str) -> str:
    """A path as FFmpeg takes it literally: a colon in a bare name would make it a protocol."""
    return os.path.abspath(path)


def open_input(name: str) -> av.container.InputContainer:
    """Opens a media file or URL for reading.

    Raises:
        SourceError: it is missing or is not media.
    """
    if not is_url(name):
        # Not Path: it raises what it cannot tell, such as for too long a name.
        if not os.path.exists(name):
            raise SourceError(f"{name}: no such file; check the path")
        if os.path.isdir(name):
            raise SourceError(f"{name}: is a folder; name a video file in it")
    shown = without_password(name)
    try:
        if is_url(name):
            return av.open(name, metadata_errors="replace", timeout=_URL_TIMEOUT)
        return av.open(file_url(name), metadata_errors="replace")
    except av.error.InvalidDataError:
        raise SourceError(
            f"{shown}: not a video that FFmpeg can read; it is another kind of file, or cut short "
            "before its index (record it again, or repair it)"
        ) from None
    except (av.error.FFmpegError, OSError) as error:
        remedy = (
            "check the address and that its server is on"
            if is_url(name)
            else "see that you may read it, or choose another file"
        )
        raise SourceError(f"{shown}: cannot be opened: {reason(error)}; {remedy}") from None


def demux(
    container: av.container.InputContainer, *streams: av.stream.Stream
) -> Iterator[av.Packet[Any]]:
    """The packets of some streams of a container, or of all that were there as it was opened.

    As PyAV's own iterator does, this one ends with every error, even a passing one.
    """
    while True:
        try:
            yield from container.demux(*streams)
        except IndexError:
            # PyAV stumbles over a stream that turns up midway; what follows is still readable.
            continue
        return


def reason(error: BaseException) -> str:
    """What FFmpeg or the system says went wrong, without file names and numbers."""
    if isinstance(error, av.error.ExitError):  # FFmpeg's name for its own time-out
        return f"the server was silent for {_URL_TIMEOUT[0]:g} s"
    return getattr(error, "strerror", None) or str(error)


def plane_view(plane: VideoPlane, height: int, width: int) -> UInt8:
    """The memory of a plane as uint8 (height, width), writable where FFmpeg's is; no copy."""
    # PyAV's planes have the buffer protocol, though its stubs do not say so.
    memory = np.frombuffer(cast(memoryview, plane), np.uint8)
    return memory.reshape(-1, plane.line_size)[:height, :width]
