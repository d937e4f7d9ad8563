"""How a network wants its pictures, and how it words its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from realtime.errors import ModelError

Activation = Literal["none", "sigmoid", "softmax"]


@dataclass(frozen=True, slots=True)
class Convention:
    """What an ONNX file does not say by itself.

    It comes from the file's metadata properties and from a sidecar, `NAME.json` beside `NAME.onnx`,
    which has the last word. All keys are optional.

    Attributes:
        native_size: (width, height) whose area to show to a network of free size; "256x144".
        stride: what divides the sides of such a network's input.
        mean: subtracted from RGB in 0..1.
        std: divides what remains.
        output: name of the output that holds the alpha; the first one by default.
        channel: which of several output channels is the person; the last one by default.
        activation: what the network left out: "none", "sigmoid" or "softmax" over the channels.
    """

    native_size: tuple[int, int] = (256, 144)
    stride: int = 16
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    output: str | None = None
    channel: int = -1
    activation: Activation = "none"

    @classmethod
    def read(cls, metadata: Mapping[str, str], sidecar: str | None, name: str) -> Convention:
        """Puts both together; metadata properties that mean something else are left alone.

        Args:
            metadata: the ONNX file's properties; lists are written as JSON.
            sidecar: the content of the JSON file, None where there is none.
            name: what to call the model in messages.

        Raises:
            ModelError: the sidecar is not JSON, or a value is of the wrong kind.
        """
        given: dict[str, Any] = {k: v for k, v in metadata.items() if k in _PARSERS}
        if sidecar is not None:
            try:
                beside = json.loads(sidecar)
            except ValueError as error:
                raise ModelError(f"{name}: its .json is not JSON: {error}") from None
            if not isinstance(beside, dict) or not beside.keys() <= _PARSERS.keys():
                raise ModelError(f"{name}: its .json may only have the keys {', '.join(_PARSERS)}")
            given.update(beside)
        values = {}
        for key, value in given.items():
            try:
                values[key] = _PARSERS[key](value)
            except (ValueError, TypeError, OverflowError) as error:
                raise ModelError(f"{name}: {key} is {value!r}: {error}") from None
        return cls(**values)


def _size(value: Any) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", str(value))
    if match is None or not int(match[1]) or not int(match[2]):
        raise ValueError("write width and height, such as 256x144")
    return int(match[1]), int(match[2])


def _stride(value: Any) -> int:
    stride = int(value)
    if stride < 1:
        raise ValueError("write a whole number from 1 on")
    return stride


def _three(value: Any) -> tuple[float, ...]:
    try:
        numbers = json.loads(value) if isinstance(value, str) else value
        red, green, blue = (float(number) for number in numbers)
    except (ValueError, TypeError):
        raise ValueError("write three numbers, such as [0.5, 0.5, 0.5]") from None
    return red, green, blue


def _spread(value: Any) -> tuple[float, ...]:
    numbers = _three(value)
    if 0.0 in numbers:
        raise ValueError("a division by 0")
    return numbers


def _activation(value: Any) -> Activation:
    if value not in get_args(Activation):
        raise ValueError(f"choose {', '.join(get_args(Activation))}")
    activation: Activation = value
    return activation


_PARSERS: dict[str, Any] = {
    "native_size": _size,
    "stride": _stride,
    "mean": _three,
    "std": _spread,
    "output": str,
    "channel": int,
    "activation": _activation,
}
