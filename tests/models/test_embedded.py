"""The network that ships honours its contract and cuts out people."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from models.dataset import load_all, read_index
from models.errors import ModelsError
from models.evaluate import evaluate_people
from models.predictor import Predictor
from realtime.inference.model import EMBEDDED

WEIGHTS = Path(__file__).resolve().parents[2] / "realtime" / "inference" / "weights"
NATIVE_SIZES = {"fast": "288x192", "quality": "608x352"}
OF_PICTURES = sorted({network.cpu for network in EMBEDDED.values()})
OF_PLANES = sorted({network.cuda for network in EMBEDDED.values()} - set(OF_PICTURES))
FILES = [*OF_PICTURES, *OF_PLANES]


@pytest.mark.parametrize("name", FILES)
def test_contract(name: str) -> None:
    path = WEIGHTS / name
    assert path.stat().st_size <= 4_000_000
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    if name in OF_PICTURES:
        (image,), (alpha,) = session.get_inputs(), session.get_outputs()
        assert (image.name, image.type) == ("image", "tensor(float)")
        assert image.shape == ["batch", 3, "height", "width"]
        assert alpha.shape == ["batch", 1, "height", "width"]
    else:
        planes, (alpha, thumbnail) = session.get_inputs()[:3], session.get_outputs()
        assert [plane.name for plane in planes] == ["y", "u", "v"]
        assert {plane.type for plane in planes} == {"tensor(uint8)"}
        assert alpha.shape == [1, 1, "height", "width"]
        assert (thumbnail.name, thumbnail.type) == ("thumbnail", "tensor(uint8)")
    assert (alpha.name, alpha.type) == ("alpha", "tensor(float)")
    metadata = session.get_modelmeta().custom_metadata_map
    assert set(metadata) == {"name", "version", "licence", "description", "native_size", "stride"}
    network = name.split(".")[0].split("_")[0]
    assert metadata["name"] == network
    assert metadata["native_size"] == NATIVE_SIZES[network]
    assert metadata["stride"] == "32"


def test_every_file_is_embedded() -> None:
    assert {path.name for path in WEIGHTS.glob("*.onnx")} == set(FILES)


@pytest.mark.parametrize("name", OF_PICTURES)
@pytest.mark.parametrize(("height", "width"), [(160, 256), (256, 160), (192, 192), (288, 512)])
def test_any_multiple_of_the_stride(name: str, height: int, width: int) -> None:
    session = ort.InferenceSession(str(WEIGHTS / name), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    image = random.random((2, 3, height, width), np.float32)
    (alpha,) = session.run(["alpha"], {"image": image})
    assert alpha.shape == (2, 1, height, width)
    assert alpha.dtype == np.float32
    # a quantized or halved sigmoid may miss 0 and 1 a little
    assert alpha.min() >= -0.01
    assert alpha.max() <= 1.01


@pytest.mark.parametrize("name", ["fast.onnx", "quality.onnx"])
def test_people_are_cut_out(name: str, shared: Path) -> None:
    pictures = load_all(read_index(shared / "data", "val"))
    sets = evaluate_people(Predictor(WEIGHTS / name), pictures)
    assert sets["mean"]["iou"] >= 0.94


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="no network at"):
        Predictor(tmp_path / "no.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    with pytest.raises(ModelsError, match="is it an ONNX file"):
        Predictor(tmp_path / "broken.onnx")
