"""How a network wants its pictures, and how it words its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from realtime.errors import ModelError
from realtime.inference.activation import Activation
from realtime.inference.layout import Axes, Layout, channels_in

Order = Literal["rgb", "bgr"]

# Other tools write properties of these names, and mean other things by them.
_SIDECAR_ONLY = {"layout", "order", "scale"}


@dataclass(frozen=True, slots=True)
class Convention:
    """What an ONNX file does not say by itself.

    It comes from the file's metadata properties and from a sidecar, `NAME.json` beside `NAME.onnx`,
    which has the last word. All keys are optional.

    Attributes:
        native_size: (width, height) whose area to show to a network of free size; "256x144".
        stride: what divides the sides of such a network's input, up to 256.
        mean: subtracted from red, green and blue, in 0..`scale`.
        std: divides what remains: red, green, blue, above 0 and up to `scale`.
        output: name of the output that holds the alpha; by default the one that is called "alpha"
            or "pha", else the first.
        channel: which of several output channels is the person; the last one by default.
        activation: what the network left out: "none", "sigmoid" or "softmax" over the channels.
        layout: "nchw" or "nhwc", how the picture lies; for files that leave the channels' axis
            open. Only in a sidecar.
        order: of the picture's channels, "rgb" or "bgr". Only in a sidecar.
        scale: what white is before `mean` and `std`, 1 or 255. Only in a sidecar.
    """

    native_size: tuple[int, int] = (256, 144)
    stride: int = 16
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    output: str | None = None
    channel: int = -1
    activation: Activation = "none"
    layout: Layout | None = None
    order: Order = "rgb"
    scale: int = 1

    @classmethod
    def read(
        cls,
        metadata: Mapping[str, str],
        sidecar: str | None,
        name: str,
        outputs: Mapping[str, Axes] | None = None,
    ) -> Convention:
        """Puts both together; metadata properties that mean something else are left alone.

        Those are the ones whose value is not of ours, or cannot be right. In a sidecar they are
        errors.

        Args:
            metadata: the ONNX file's properties; lists are written as JSON.
            sidecar: the content of the JSON file, None where there is none.
            name: what to call the model in messages.
            outputs: what the network declares of them, by name; None where `output` and `channel`
                need no proof.

        Raises:
            ModelError: the sidecar is not JSON, or a value is of the wrong kind.
        """
        content = _content(sidecar, name)
        beside = {}
        for key, value in content.items():
            try:
                beside[key] = _PARSERS[key](value)
            except (ValueError, TypeError, OverflowError) as error:
                raise ModelError(f"{name}: {key} is {value!r}: {error}") from None
        scale = beside.get("scale", cls().scale)
        for key, value in beside.items():
            if fault := _fault(key, value, scale, outputs):
                raise ModelError(f"{name}: {key} is {content[key]!r}: {fault}")
        properties = {
            key: value
            for key, value in _readable(metadata).items()
            if not _fault(key, value, scale, outputs)
        }
        pair = metadata.keys() & {"mean", "std"}
        if not pair <= properties.keys():
            # Means of other units come with deviations of other units.
            for key in pair & properties.keys():
                del properties[key]
        convention = cls(**{**properties, **beside})
        if outputs and "channel" in properties.keys() - beside.keys():
            channels = channels_in(outputs[convention.output_among(outputs)])
            if channels is not None and not -channels <= convention.channel < channels:
                convention = replace(convention, channel=cls().channel)
        return convention

    def output_among(self, outputs: Iterable[str]) -> str:
        """Name of the output that holds the alpha."""
        names = list(outputs)
        return self.output or next((n for n in names if n in ("alpha", "pha")), names[0])


def _content(sidecar: str | None, name: str) -> dict[str, Any]:
    if sidecar is None:
        return {}
    try:
        content = json.loads(sidecar)
    except ValueError as error:
        raise ModelError(f"{name}: its .json is not JSON: {error}") from None
    if not isinstance(content, dict) or not content.keys() <= _PARSERS.keys():
        raise ModelError(f"{name}: its .json may only have the keys {', '.join(_PARSERS)}")
    return content


def _readable(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Properties that may be ours, by their names and kinds."""
    properties = {}
    for key in metadata.keys() & (_PARSERS.keys() - _SIDECAR_ONLY):
        with suppress(ValueError, TypeError, OverflowError):
            properties[key] = _PARSERS[key](metadata[key])
    return properties


def _fault(key: str, value: Any, scale: int, outputs: Mapping[str, Axes] | None) -> str | None:
    """What to write instead where a value of the right kind cannot be right."""
    # Both ranges are written so that NaN fails too.
    if key == "mean" and not all(0 <= number <= scale for number in value):
        larger = ', or "scale": 255 too' if scale == 1 else ""
        return f"write numbers in 0..{scale}{larger}"
    # One level of 256 is as small a unit as there is; less is of another scale.
    least = scale / 256
    if key == "std" and not all(least <= number <= scale for number in value):
        return f"write numbers in {least:.2g}..{scale}"
    if key == "output" and outputs is not None and value not in outputs:
        return f"choose one of {', '.join(outputs)}"
    return None


def _size(value: Any) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", str(value))
    if match is None or not int(match[1]) or not int(match[2]):
        raise ValueError("write width and height, such as 256x144")
    return int(match[1]), int(match[2])


def _stride(value: Any) -> int:
    stride = int(value)
    if not 1 <= stride <= 256:
        raise ValueError("write a whole number in 1..256")
    return stride


def _three(value: Any) -> tuple[float, ...]:
    try:
        numbers = json.loads(value) if isinstance(value, str) else value
        red, green, blue = (float(number) for number in numbers)
    except (ValueError, TypeError):
        raise ValueError("write three numbers, such as [0.5, 0.5, 0.5]") from None
    return red, green, blue


def _choice(*choices: Any) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        for choice in choices:
            if value == choice:
                return choice
        raise ValueError(f"choose {', '.join(map(str, choices))}")

    return parse


_PARSERS: dict[str, Any] = {
    "native_size": _size,
    "stride": _stride,
    "mean": _three,
    "std": _three,
    "output": str,
    "channel": int,
    "activation": _choice(*get_args(Activation)),
    "layout": _choice(*get_args(Layout)),
    "order": _choice(*get_args(Order)),
    "scale": _choice(1, 255),
}
