"""Little networks that the tests make for themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from realtime.inference import device_graph, model, session
from realtime.inference.device_graph import DeviceGraph

Side = str | int


def brightness_network(
    *,
    channels_first: bool = True,
    sides: tuple[Side, Side] = ("height", "width"),
    scale: float = 1.0,
    offset: float = 0.0,
    outputs: int = 1,
    last: float = 1.0,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """A network whose alpha is the mean of red, green and blue, times `scale` plus `offset`.

    Args:
        channels_first: layout of input and output.
        sides: height and width, names where free.
        scale: see above.
        offset: see above.
        outputs: how many times the alpha is repeated as channels.
        last: what the last channel is multiplied by.
        metadata: properties of the model.
    """
    axis = 1 if channels_first else 3
    constants = {
        "axes": np.array([axis], np.int64),
        "scale": np.float32(scale),
        "offset": np.float32(offset),
        "last": np.float32(last),
    }
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["shifted"]),
        helper.make_node("Mul", ["shifted", "last"], ["weighted"]),
        helper.make_node(
            "Concat", ["shifted"] * (outputs - 1) + ["weighted"], ["alpha"], axis=axis
        ),
    ]
    shape = _shape(sides, channels_first)
    return _model(nodes, {"image": shape(3)}, {"alpha": shape(outputs)}, constants, metadata or {})


def laid_out_network(
    *,
    layouts: tuple[str, str] = ("nchw", "nchw"),
    sides: tuple[Side, Side] = ("height", "width"),
    channels: Side = 3,
    shrunk: tuple[int, int] = (1, 1),
    outputs: int = 1,
    steps: int = 1,
) -> bytes:
    """A network whose alpha is the mean of red, green and blue, and whose shapes may be odd.

    Args:
        layouts: of input and output.
        sides: height and width of the input, names where free.
        channels: of the input, a name where free.
        shrunk: by what rows and columns of the output are fewer.
        outputs: how many times the alpha is repeated as channels.
        steps: of what rows and columns must be multiples, else it fails when it runs.
    """
    constants = {
        "axes": np.array([1], np.int64),
        "larger": np.array([1, 1, steps, steps], np.float32),
        "zero": np.float32(0),
    }
    to_first = {"nchw": [0, 1, 2, 3], "nhwc": [0, 3, 1, 2]}[layouts[0]]
    from_first = {"nchw": [0, 1, 2, 3], "nhwc": [0, 2, 3, 1]}[layouts[1]]
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=to_first),
        helper.make_node("ReduceMean", ["planes", "axes"], ["mean"], keepdims=1),
        _pool("mean", "coarse", (steps, steps)),
        helper.make_node("Resize", ["coarse", "", "larger"], ["back"], mode="nearest"),
        helper.make_node("Mul", ["back", "zero"], ["nothing"]),
        helper.make_node("Add", ["mean", "nothing"], ["same"]),
        _pool("same", "small", shrunk),
        helper.make_node("Concat", ["small"] * outputs, ["joined"], axis=1),
        helper.make_node("Transpose", ["joined"], ["alpha"], perm=from_first),
    ]
    taken = _shape(sides, layouts[0] == "nchw")(channels)
    given = _shape(("rows", "columns"), layouts[1] == "nchw")(outputs)
    return _model(nodes, {"image": taken}, {"alpha": given}, constants, {})


def _pool(source: str, target: str, kernel: tuple[int, int]) -> onnx.NodeProto:
    return helper.make_node(
        "AveragePool", [source], [target], kernel_shape=kernel, strides=kernel, ceil_mode=0
    )


def recurrent_network() -> bytes:
    """A network that remembers: alpha is the mean of this brightness and the one before."""
    constants = {"axes": np.array([1], np.int64), "half": np.float32(0.5)}
    nodes = [
        helper.make_node("ReduceMean", ["src", "axes"], ["r1o"], keepdims=1),
        helper.make_node("Add", ["r1o", "r1i"], ["sum"]),
        helper.make_node("Mul", ["sum", "half"], ["mean"]),
        helper.make_node("Mul", ["mean", "downsample_ratio"], ["pha"]),
    ]
    shape = _shape(("height", "width"), channels_first=True)
    memory: list[Side] = [1, 1, "h1", "w1"]
    inputs: dict[str, list[Side]] = {
        "src": shape(3),
        "r1i": memory,
        "downsample_ratio": [1],
    }
    outputs = {"pha": shape(1), "r1o": shape(1)}
    return _model(nodes, inputs, outputs, constants, {})


def _shape(sides: tuple[Side, Side], channels_first: bool) -> Callable[[Side], list[Side]]:
    return lambda channels: [1, channels, *sides] if channels_first else [1, *sides, channels]


def _model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[Side]],
    outputs: dict[str, list[Side]],
    constants: dict[str, Any],
    metadata: dict[str, str],
) -> bytes:
    def describe(values: dict[str, list[Side]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in values.items()]

    graph = helper.make_graph(
        nodes,
        "test",
        describe(inputs),
        describe(outputs),
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata)
    content: bytes = model.SerializeToString()
    return content


def run_cuda_here(monkeypatch: pytest.MonkeyPatch, content: bytes | None = None) -> None:
    """From now on "auto" finds a device, where networks run as on CUDA, but on the CPU.

    Args:
        monkeypatch: undoes it.
        content: of the ONNX file that all embedded networks are; None for their own.
    """

    def graph_of(name: str) -> DeviceGraph:
        return DeviceGraph(content or model._embedded_file(name), "cpu")

    monkeypatch.setattr(session, "cuda_obstacle", lambda: None)
    monkeypatch.setattr(model, "_graph_of", graph_of)


def break_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, what `run_cuda_here` has made fails in all ways, as after a driver's reset."""

    def fail(*_: object) -> None:
        raise RuntimeError("CUDA failure 719\nand more")

    for way in (device_graph._Bound, device_graph._Plain):
        monkeypatch.setattr(way, "alpha", fail)
