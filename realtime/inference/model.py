"""A segmentation network: RGB of its own size in, alpha out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from realtime.errors import ModelError
from realtime.frame import Float32, UInt8
from realtime.inference.session import Device, open_session

# Names that `--model` knows; "default" is the one that any machine can hold live.
EMBEDDED = {"default": "fast.onnx", "fast": "fast.onnx"}

# The picture that a fully convolutional network sees has about this many pixels (256×144), and
# sides that its strides divide; its own metadata say otherwise where it knows better.
_NATIVE_SIZE = "256x144"
_STRIDE = "16"

# Probabilities leave a quantized sigmoid a little outside 0..1; logits are far outside.
_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Signature:
    """What a network takes.

    Attributes:
        input_name: of its only input.
        channels_first: [n, 3, h, w] where True, [n, h, w, 3] where False.
        fixed_size: (width, height), None where they are free.
        pixels: about how many pixels to show to a network of free size.
        stride: what divides its sides.
    """

    input_name: str
    channels_first: bool
    fixed_size: tuple[int, int] | None
    pixels: int
    stride: int

    @classmethod
    def of(cls, session: Any, name: str) -> Signature:
        """Reads it off a session.

        Raises:
            ModelError: the network does not take one RGB picture.
        """
        inputs = session.get_inputs()
        shape = inputs[0].shape
        if (
            len(inputs) != 1
            or inputs[0].type != "tensor(float)"
            or len(shape) != 4
            or 3 not in (shape[1], shape[3])
        ):
            raise ModelError(
                f"{name}: takes {len(inputs)} inputs, the first {inputs[0].type} {shape}; choose a "
                "network that takes one float picture, [n, 3, h, w] or [n, h, w, 3]"
            )
        channels_first = shape[1] == 3
        height, width = shape[2:4] if channels_first else shape[1:3]
        fixed = isinstance(width, int) and isinstance(height, int)
        metadata = session.get_modelmeta().custom_metadata_map
        native_width, _, native_height = metadata.get("native_size", _NATIVE_SIZE).partition("x")
        return cls(
            input_name=inputs[0].name,
            channels_first=channels_first,
            fixed_size=(width, height) if fixed else None,
            pixels=int(native_width) * int(native_height),
            stride=int(metadata.get("stride", _STRIDE)),
        )

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """The (width, height) at which to show a picture of this size to the network."""
        if self.fixed_size is not None:
            return self.fixed_size
        aspect = width / height

        def side(length: float) -> int:
            return max(1, round(length / self.stride)) * self.stride

        return side(math.sqrt(self.pixels * aspect)), side(math.sqrt(self.pixels / aspect))

    def feed(self, picture: UInt8) -> dict[str, Float32]:
        """A picture, uint8 (h, w, 3) RGB, as the network takes it."""
        scaled = picture.astype(np.float32)
        scaled *= 1 / 255
        if self.channels_first:
            scaled = np.ascontiguousarray(scaled.transpose(2, 0, 1))
        return {self.input_name: scaled[None]}

    def probe(self) -> dict[str, Float32]:
        """An input to try the network on."""
        width, height = self.size_for(16, 9)
        return self.feed(np.zeros((height, width, 3), np.uint8))


class Model:
    """Loads a network and runs it.

    Accepted: one input, float32 RGB in 0..1, as [n, 3, h, w] or [n, h, w, 3], sides fixed or free;
    the first output is the alpha, one channel of the same size.

    Args:
        model: a name from `EMBEDDED`, or the path of an ONNX file.
        device: "auto", "cpu" or "cuda".

    Attributes:
        name: for messages.
        signature: what the network takes.
        provider: what computes, as onnxruntime calls it.
        provider_reason: why this one.

    Raises:
        ModelError: no such model, or the file is not one.
        DeviceError: the device cannot be used.
    """

    def __init__(self, model: str | Path = "default", device: Device = "auto") -> None:
        self.name = str(model)
        opened = open_session(
            _read(model), self.name, device, lambda s: Signature.of(s, self.name).probe()
        )
        self.signature = Signature.of(opened.session, self.name)
        self.provider = opened.provider
        self.provider_reason = opened.reason
        self._session = opened.session

    def __call__(self, picture: UInt8) -> Float32:
        """Runs the network.

        Args:
            picture: uint8 (h, w, 3) RGB of a size from `signature.size_for`.

        Returns:
            float32 (h, w) alpha in 0..1.

        Raises:
            ModelError: the output is not an alpha of that size.
        """
        output = self._session.run(None, self.signature.feed(picture))[0]
        if output.size != picture.shape[0] * picture.shape[1]:
            raise ModelError(
                f"{self.name}: gives {list(output.shape)}, not one alpha channel of the picture's "
                "size; choose a person-segmentation network"
            )
        alpha: Float32 = output.reshape(picture.shape[:2]).astype(np.float32, copy=False)
        low, high = float(alpha.min()), float(alpha.max())
        # Written so that NaN fails too: a broken network must stop the run, never show the room.
        if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):
            raise ModelError(
                f"{self.name}: gives values from {low:g} to {high:g}, not an alpha in 0..1; "
                "end the network with a sigmoid or softmax"
            )
        return np.clip(alpha, 0, 1)


def _read(model: str | Path) -> bytes:
    if str(model) in EMBEDDED:
        return files(__package__).joinpath("weights", EMBEDDED[str(model)]).read_bytes()
    try:
        content = Path(model).read_bytes()
    except FileNotFoundError:
        names = ", ".join(EMBEDDED)
        raise ModelError(f"{model}: no such model; choose {names} or an ONNX file") from None
    except OSError as error:
        raise ModelError(f"{model}: cannot be read: {error.strerror}") from None
    if not content:
        raise ModelError(f"{model}: the file is empty (0 bytes); download or export it again")
    return content
