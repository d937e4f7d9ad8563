"""Pre-processing as a part of the network: the planes of a camera's frame in, alpha out.

Full-size planes cross to a GPU once, and nothing of full size comes back. Scaling is two products
of matrices for each plane, with the weights as inputs, so that whoever runs the file decides how to
scale, from any size to any other; colours are one more.

| tensor | type | shape | meaning |
|---|---|---|---|
| `y`, `u`, `v` | uint8 | [H, W], twice [CH, CW] | planes |
| `rows`, `columns` | float16 | [height, H], [W, width] | scale luma: rows · plane · columns |
| `chroma_rows`, `chroma_columns` | float16 | [height, CH], [CW, width] | scale chroma |
| `color`, `offset` | float32 | [3, 3], [3] | RGB = (Y, U, V) · color + offset, all 0..255 |
| `small_rows`, `small_columns` | float32 | [h, height], [width, w] | scale the thumbnail |
| `alpha` (output) | float32 | [1, 1, height, width] | coverage by the person, 0..1 |
| `thumbnail` (output) | uint8 | [3, h, w] | YCbCr, BT.601, full range, of what the network saw |

`height` and `width` are multiples of the stride. All operators have a kernel for CUDA in
onnxruntime, and no shape is asked for on the way: the whole can be captured as one CUDA graph.
Levels are scaled in 16 bits, which have 11 bits of precision: an error of a quarter of a level.
Colours are 32 bits, since their weights are up to 2. Whoever smooths over time looks at the
thumbnail, so that not even the small picture has to come back.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# RGB → Y, Cb, Cr by BT.601, which is what a thumbnail is in, whatever the frame was.
_YUV = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)


def take_planes(network: onnx.ModelProto) -> onnx.ModelProto:
    """The network with pre-processing before it, as above.

    `network` takes one float32 picture, `image`, and gives `alpha`, as `models.export` writes it.
    """
    model = onnx.ModelProto()
    model.CopyFrom(network)
    graph = model.graph
    nodes = _scaled("y", "rows", "columns")
    nodes += _scaled("u", "chroma_rows", "chroma_columns")
    nodes += _scaled("v", "chroma_rows", "chroma_columns")
    nodes += [
        helper.make_node("Concat", ["y.small", "u.small", "v.small"], ["yuv.half"], axis=2),
        helper.make_node("Cast", ["yuv.half"], ["yuv"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["yuv", "color"], ["turned"]),
        helper.make_node("Add", ["turned", "offset"], ["moved"]),
        helper.make_node("Clip", ["moved", "planes.black", "planes.white"], ["clipped"]),
        helper.make_node("Round", ["clipped"], ["rgb"]),
        helper.make_node("Mul", ["rgb", "planes.level"], ["levels"]),
        helper.make_node("Transpose", ["levels"], ["channels"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["channels", "planes.first"], ["image"]),
        helper.make_node("MatMul", ["small_rows", "channels"], ["small.low"]),
        helper.make_node("MatMul", ["small.low", "small_columns"], ["small"]),
        helper.make_node("Transpose", ["small"], ["small.rgb"], perm=[1, 2, 0]),
        helper.make_node("MatMul", ["small.rgb", "planes.to_yuv"], ["small.turned"]),
        helper.make_node("Add", ["small.turned", "planes.neutral"], ["small.yuv"]),
        helper.make_node("Clip", ["small.yuv", "planes.black", "planes.white"], ["small.clipped"]),
        helper.make_node("Round", ["small.clipped"], ["small.rounded"]),
        helper.make_node("Transpose", ["small.rounded"], ["small.planes"], perm=[2, 0, 1]),
        helper.make_node("Cast", ["small.planes"], ["thumbnail"], to=TensorProto.UINT8),
    ]
    constants = {
        "planes.black": np.float32(0),
        "planes.white": np.float32(255),
        "planes.level": np.float32(1 / 255),
        "planes.first": np.array([0], np.int64),
        "planes.last": np.array([2], np.int64),
        "planes.to_yuv": 255 * _YUV.T,
        "planes.neutral": np.array([0, 128, 128], np.float32),
    }
    inputs = [
        _tensor("y", TensorProto.UINT8, "frame_height", "frame_width"),
        _tensor("u", TensorProto.UINT8, "chroma_height", "chroma_width"),
        _tensor("v", TensorProto.UINT8, "chroma_height", "chroma_width"),
        _tensor("rows", TensorProto.FLOAT16, "height", "frame_height"),
        _tensor("columns", TensorProto.FLOAT16, "frame_width", "width"),
        _tensor("chroma_rows", TensorProto.FLOAT16, "height", "chroma_height"),
        _tensor("chroma_columns", TensorProto.FLOAT16, "chroma_width", "width"),
        _tensor("color", TensorProto.FLOAT, 3, 3),
        _tensor("offset", TensorProto.FLOAT, 3),
        _tensor("small_rows", TensorProto.FLOAT, "small_height", "height"),
        _tensor("small_columns", TensorProto.FLOAT, "width", "small_width"),
    ]
    nodes += graph.node
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    )
    del graph.output[:]
    graph.output.append(_tensor("alpha", TensorProto.FLOAT, 1, 1, "height", "width"))
    graph.output.append(_tensor("thumbnail", TensorProto.UINT8, 3, "small_height", "small_width"))
    onnx.checker.check_model(model, full_check=True)
    return model


def _scaled(plane: str, rows: str, columns: str) -> list[onnx.NodeProto]:
    """`plane` → `plane.small`, float16 [height, width, 1]."""
    return [
        helper.make_node("Cast", [plane], [f"{plane}.half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", [rows, f"{plane}.half"], [f"{plane}.low"]),
        helper.make_node("MatMul", [f"{plane}.low", columns], [f"{plane}.scaled"]),
        helper.make_node("Unsqueeze", [f"{plane}.scaled", "planes.last"], [f"{plane}.small"]),
    ]


def _tensor(name: str, kind: int, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
