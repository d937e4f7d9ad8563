"""Files of networks, our own and others."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.errors import ModelsError
from models.predictor import Predictor


def write(path: Path, output: list[int], metadata: dict[str, str] | None = None) -> Path:
    """A network of 4×2 pixels that gives the red channel in some shape."""
    picture = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 2, 4])
    alpha = helper.make_tensor_value_info("alpha", TensorProto.FLOAT, output)
    shape = onnx.numpy_helper.from_array(np.array(output, np.int64), "shape")
    first = onnx.numpy_helper.from_array(np.array([0], np.int64), "first")
    nodes = [
        helper.make_node("Gather", ["image", "first"], ["red"], axis=1),
        helper.make_node("Reshape", ["red", "shape"], ["alpha"]),
    ]
    graph = helper.make_graph(nodes, "red", [picture], [alpha], [shape, first])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, str(path))
    return path


PICTURE = np.zeros((2, 4, 3), np.uint8)
PICTURE[0, 3, 0] = 255


def test_an_alpha_comes_as_the_picture_lies(tmp_path: Path) -> None:
    alpha = Predictor(write(tmp_path / "n.onnx", [1, 1, 2, 4]))(PICTURE)
    assert alpha.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize("shape", [[1, 2, 4, 1], [1, 2, 4], [2, 4], [1, 2, 2, 2]])
def test_an_answer_of_another_layout_is_refused(tmp_path: Path, shape: list[int]) -> None:
    predictor = Predictor(write(tmp_path / "n.onnx", shape))
    with pytest.raises(ModelsError, match=r"not one alpha .* benchmarks\.quality --network"):
        predictor(PICTURE)


@pytest.mark.parametrize("properties", [{"native_size": "big"}, {"stride": "two"}])
def test_properties_of_somebody_else_are_refused(
    tmp_path: Path, properties: dict[str, str]
) -> None:
    with pytest.raises(ModelsError, match="native_size or stride"):
        Predictor(write(tmp_path / "n.onnx", [1, 1, 2, 4], properties))
