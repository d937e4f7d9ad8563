"""Little networks that the tests make for themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

Side = str | int


def brightness_network(
    *,
    channels_first: bool = True,
    sides: tuple[Side, Side] = ("height", "width"),
    scale: float = 1.0,
    offset: float = 0.0,
    outputs: int = 1,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """A network whose alpha is the mean of red, green and blue, times `scale` plus `offset`.

    Args:
        channels_first: layout of input and output.
        sides: height and width, names where free.
        scale: see above.
        offset: see above.
        outputs: how many times the alpha is repeated as channels.
        metadata: properties of the model.
    """
    axis = 1 if channels_first else 3

    def shape(channels: int) -> Sequence[Side]:
        return (1, channels, *sides) if channels_first else (1, *sides, channels)

    constants = {
        "axes": np.array([axis], np.int64),
        "scale": np.float32(scale),
        "offset": np.float32(offset),
    }
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["shifted"]),
        helper.make_node("Concat", ["shifted"] * outputs, ["alpha"], axis=axis),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape(3))],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, shape(outputs))],
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    content: bytes = model.SerializeToString()
    return content
