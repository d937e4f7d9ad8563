"""Pictures in, alphas out: preprocessing, network and smoothing in one piece."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from realtime.closing import Closing
from realtime.frame import Float32, Frame, Matte, UInt8
from realtime.inference.choice import DEFAULT, open_model
from realtime.inference.continuity import Continuity
from realtime.inference.model import SHAPE, Model, Shape
from realtime.inference.preprocess import network_picture
from realtime.inference.provided import Provided, on_what_works
from realtime.inference.session import Device
from realtime.inference.smoothing import Smoother
from realtime.inference.thumbnail import Thumbnail
from realtime.inference.unchanged import LastAnswer
from realtime.scaling import shrink
from realtime.stats import Stats

_T = TypeVar("_T")


class Matting(Provided, Closing):
    """Finds the people in pictures.

    Not for several threads at once. A context manager: leaving it frees the network. Where CUDA
    fails while it runs and device is "auto", the same network goes on on the CPU.

    Args:
        model: "default" (the best embedded one that this machine can hold at `frame_rate`), an
            embedded name, or the path of an ONNX file.
        device: "auto" (CUDA if it really works, else the CPU), "cpu" or "cuda".
        frame_rate: frames in a second to keep up with.
        frame_size: (width, height), even, of a video's frames, where it is known before they come:
            on CUDA, getting ready for another size takes seconds.
        pixel_aspect: width of a frame's pixels by their height: the network knows people in their
            true proportions. Those of an image are square.
        smoothing: whether the alphas of a video are smoothed over time.
        stats: where to count the durations of preprocess, infer and smooth.

    Attributes:
        model: name of the network.
        computes: see `Provided`, as `provider` and `provider_reason`.

    Raises:
        ModelError: no such model, or the file is not a matting network.
        DeviceError: the device cannot be used.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT,
        device: Device = "auto",
        *,
        frame_rate: float = 30.0,
        frame_size: tuple[int, int] = SHAPE[:2],
        pixel_aspect: float = 1.0,
        smoothing: bool = True,
        stats: Stats | None = None,
    ) -> None:
        self._model: Model | None = open_model(
            model, device, frame_rate, Shape(*frame_size, pixel_aspect)
        )
        self._device = device
        self.model = self._model.name
        self._answer = LastAnswer()
        self._continuity = Continuity()
        self._smoother = Smoother() if smoothing else None
        self._stats = stats or Stats()
        self.computes = self._model.computes

    def __call__(self, image: UInt8, timestamp: float | None = None) -> Float32:
        """The alpha of an image.

        Args:
            image: uint8 (H, W, 3) RGB.
            timestamp: seconds; giving it says that the images are frames of one video, and smooths
                their alphas over time. Without it an image stands alone.

        Returns:
            float32 (H, W) in 0..1.

        Raises:
            ValueError: the image is of another shape or type, or the timestamp is not finite.
            ModelError: the network's output is not an alpha.
            DeviceFailedError: CUDA was asked for, and fails.
        """
        if not isinstance(image, np.ndarray):
            raise ValueError(f"image must be uint8 (H, W, 3) RGB, not {type(image).__name__}")  # noqa: TRY004
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"image must be uint8 (H, W, 3) RGB, not {image.dtype} {image.shape}")
        return self._on_what_works(lambda model: self._alpha(model, image, timestamp))

    def _alpha(self, model: Model, image: UInt8, timestamp: float | None) -> Float32:
        height, width = image.shape[:2]
        picture = shrink(image, model.signature.size_for(width, height))
        if timestamp is None:
            self.reset()
            alpha = model(picture)
        else:
            thumbnail = Thumbnail.of_rgb(picture)
            elapsed = self._elapsed(model, thumbnail, timestamp)
            alpha = self._smooth(self._answer(model, picture), thumbnail, elapsed)
        self.computes = model.computes
        full: Float32 = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
        return full

    def matte(self, frame: Frame) -> Matte:
        """The alpha of a video's next frame, smoothed over time, at the network's size.

        Raises:
            ModelError: the network's output is not an alpha.
            DeviceFailedError: CUDA was asked for, and fails.
        """
        return self._on_what_works(lambda model: self._matte(model, frame))

    def _matte(self, model: Model, frame: Frame) -> Matte:
        size = model.size_for(frame.planes.width, frame.planes.height)
        if model.takes_planes:
            return Matte(frame, self._of_planes(model, frame, size))
        with self._stats.time("preprocess"):
            picture = network_picture(frame, size)
            thumbnail = Thumbnail.of_rgb(picture)
            elapsed = self._elapsed(model, thumbnail, frame.time)
        with self._stats.time("infer"):
            alpha = self._answer(model, picture)
        with self._stats.time("smooth"):
            alpha = self._smooth(alpha, thumbnail, elapsed)
        return Matte(frame, alpha)

    def _of_planes(self, model: Model, frame: Frame, size: tuple[int, int]) -> Float32:
        """As `matte`; the network does the pre-processing, and tells afterwards what it saw."""
        with self._stats.time("infer"):
            alpha = model.of_planes(frame.planes, frame.color, size)
        self.computes = model.computes
        with self._stats.time("preprocess"):
            thumbnail = model.thumbnail()
            elapsed = self._elapsed(model, thumbnail, frame.time)
        with self._stats.time("smooth"):
            return self._smooth(alpha, thumbnail, elapsed)

    def _on_what_works(self, act: Callable[[Model], _T]) -> _T:
        return on_what_works(act, self._opened(), self._device, self._on_cpu)

    def _on_cpu(self, reason: str) -> Model:
        self._model = model = self._opened().on_cpu(reason)
        self.computes = model.computes
        self.reset()
        return model

    def _smooth(self, alpha: Float32, picture: Thumbnail, elapsed: float | None) -> Float32:
        return alpha if self._smoother is None else self._smoother(alpha, picture, elapsed)

    def _elapsed(self, model: Model, picture: Thumbnail, time: float) -> float | None:
        """Seconds since the picture before; at a new beginning None, and the network forgets."""
        elapsed = self._continuity(picture.y, time)
        if elapsed is None:
            model.reset()
        return elapsed

    def warm_up(self, width: int, height: int) -> None:
        """Runs the network once at the size for such frames, so that the first one is no slower.

        Args:
            width: of the frames, even.
            height: likewise.
        """
        self._on_what_works(lambda model: model.rehearsal((width, height))())
        self._opened().reset()

    def reset(self) -> None:
        """Forgets the past: the next picture belongs to another video."""
        self._continuity.reset()
        self._opened().reset()

    def close(self) -> None:
        """Frees the network. Idempotent."""
        if self._model is not None:
            self._model.close()
        self._model = None
        self._answer.forget()

    def _opened(self) -> Model:
        if self._model is None:
            raise ValueError("this Matting is closed; make a new one")
        return self._model
