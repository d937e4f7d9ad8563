"""A pyvirtualcam for tests: cameras that keep what they are sent."""

from __future__ import annotations

import enum

import numpy as np

from realtime.frame import UInt8


class PixelFormat(enum.Enum):
    I420 = "I420"


class Camera:
    """Stands in for `pyvirtualcam.Camera`.

    Attributes:
        frames: copies of what was sent.
        closed: how often it was closed.
    """

    def __init__(
        self,
        width: int,
        height: int,
        fps: float,
        *,
        fmt: PixelFormat,
        device: str | None = None,
        backend: str | None = None,
    ) -> None:
        self.size = (width, height)
        self.fps = fps
        self.fmt = fmt
        self.device = device or "OBS Virtual Camera"
        self.backend = backend
        self.frames: list[UInt8] = []
        self.closed = 0

    def send(self, frame: UInt8) -> None:
        assert frame.dtype == np.uint8
        assert frame.size == self.size[0] * self.size[1] * 3 // 2
        self.frames.append(frame.reshape(-1).copy())

    def close(self) -> None:
        self.closed += 1


class FakePyvirtualcam:
    """Stands in for the module.

    Args:
        error: what opening a camera fails with.

    Attributes:
        cameras: those that were opened.
    """

    PixelFormat = PixelFormat

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.cameras: list[Camera] = []

    def Camera(self, *arguments: object, **options: object) -> Camera:  # noqa: N802 - its name
        if self._error is not None:
            raise self._error
        self.cameras.append(Camera(*arguments, **options))  # type: ignore[arg-type]
        return self.cameras[-1]
