"""Frames into a virtual camera, which other programs see as a webcam."""

from __future__ import annotations

import platform
from contextlib import suppress
from typing import Any

from realtime.errors import OutputError
from realtime.frame import Frame, VideoFormat
from realtime.output import loopback
from realtime.output.sink import Sink
from realtime.output.webcam_color import WebcamPicture


class VirtualCameraSink(Sink):
    """Sends frames to a virtual camera: v4l2loopback on Linux, OBS's elsewhere.

    Size and rate are those that it was opened with. It never waits: each frame is sent when it
    comes, since whoever makes them keeps the time. A camera slower than the rate makes the virtual
    one slower too, as nothing is gained by sending a picture twice.

    Args:
        device: such as /dev/video10; None for the first that can be used.
        module: what to use for pyvirtualcam.
    """

    def __init__(self, device: str | None = None, module: Any = None) -> None:
        self._asked = device
        self._module = module
        self._camera: Any = None
        self._notes: tuple[str, ...] = ()
        self._on_linux = platform.system() == "Linux"

    @property
    def device(self) -> str | None:
        """Where programs find the pictures; None before `open`."""
        return None if self._camera is None else str(self._camera.device)

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        if transparent:
            raise OutputError("a virtual camera cannot carry transparency; choose --background")
        device = self._device()
        self._camera = self._open_camera(video, device)
        self._picture = WebcamPicture(video.width, video.height)
        what = f"{video.width}×{video.height} at {float(video.frame_rate):g} fps"
        self._notes += (f"virtual camera {self.device}: {what}",)

    def _device(self) -> str | None:
        """The device to name to pyvirtualcam; sees before that whether it can be used."""
        if not self._on_linux:
            return self._asked
        node = loopback.usable(self._asked) if self._asked else loopback.first_usable()
        if not loopback.lists_everywhere(node):
            self._notes = (
                f"{node.path} was made without exclusive_caps=1: browsers and some programs will "
                "not list it; reload v4l2loopback with exclusive_caps=1",
            )
        return node.path

    def _open_camera(self, video: VideoFormat, device: str | None) -> Any:
        module = self._module or _pyvirtualcam()
        options: dict[str, Any] = {"fmt": module.PixelFormat.I420, "device": device}
        # Named, because pyvirtualcam's own choice hides what the one that matters has to say.
        if self._on_linux:
            options["backend"] = "v4l2loopback"
        try:
            return module.Camera(video.width, video.height, float(video.frame_rate), **options)
        except (RuntimeError, ValueError, KeyError) as error:
            raise OutputError(self._explain(error, video, device)) from error

    def _explain(self, error: Exception, video: VideoFormat, device: str | None) -> str:
        name = device or "virtual camera"
        said = " ".join(str(error).split())
        if "format" in said or "size" in said:
            return (
                f"{name}: does not take {video.width}×{video.height} ({said}); another program may "
                "hold it at another size: close that, or choose its --size"
            )
        if not self._on_linux:
            return f"no virtual camera can be used ({said}); {loopback.how_to_get_one()}"
        return f"{name}: cannot be opened ({said}); close what uses it, or load it anew"

    def write(self, frame: Frame) -> None:
        buffer = self._picture.of(frame.planes, frame.color)
        try:
            self._camera.send(buffer)
        except (RuntimeError, OSError) as error:
            raise OutputError(f"{self.device}: broke while sending ({error}); open it anew") from (
                error
            )

    def notes(self) -> tuple[str, ...]:
        return self._notes

    def close(self, *, early: bool = False) -> None:
        camera, self._camera = self._camera, None
        if camera is None:
            return
        device = str(camera.device)
        with suppress(RuntimeError, OSError):
            camera.close()
        if self._on_linux:
            loopback.heal(device)

    def abort(self) -> None:
        self.close()


def _pyvirtualcam() -> Any:
    try:
        import pyvirtualcam
    except ImportError as error:
        raise OutputError(
            f"pyvirtualcam cannot be loaded here ({error}); install it again"
        ) from None
    return pyvirtualcam
