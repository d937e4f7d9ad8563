"""The network's shapes, its size, and that its cheaper forms compute the same."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch")

from models.checkpoint import load_weights, save_weights  # noqa: E402
from models.errors import ModelsError  # noqa: E402
from models.export import METADATA, export  # noqa: E402
from models.network import ConvNorm, MattingNetwork, folded, parameter_count  # noqa: E402
from models.sizes import network_size  # noqa: E402
from models.warmstart import Kernel, calibrate_norms, convolutions, load_kernels  # noqa: E402


@pytest.fixture
def network(_one_thread: None) -> MattingNetwork:
    torch.manual_seed(0)
    made = MattingNetwork()
    made.train()
    with torch.no_grad():
        for _ in range(3):  # give the normalisations statistics
            made(torch.rand(2, 3, 64, 96))
    return made.eval()


@pytest.mark.parametrize(("height", "width"), [(144, 256), (256, 144), (16, 16), (192, 192)])
def test_output_is_as_large_as_the_input(network: MattingNetwork, height: int, width: int) -> None:
    assert network(torch.rand(2, 3, height, width)).shape == (2, 1, height, width)


def test_parameter_count(network: MattingNetwork) -> None:
    assert parameter_count(folded(network)) == 106_404
    assert parameter_count(network) == 108_380


def test_folding_changes_nothing(network: MattingNetwork) -> None:
    image = torch.rand(2, 3, 64, 80)
    with torch.no_grad():
        assert torch.allclose(folded(network)(image), network(image), atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded(network).modules())


def test_calibrated_norms_change_nothing(network: MattingNetwork) -> None:
    image = torch.rand(4, 3, 64, 80)
    with torch.no_grad():
        before = network(image)
    calibrate_norms(network, [image])
    with torch.no_grad():
        assert torch.allclose(network(image), before, atol=1e-4)
        # and now the batch's own statistics are the stored ones
        network.train()
        assert torch.allclose(network(image), before, atol=0.05)


def test_warm_start_copies_every_convolution_in_order(network: MattingNetwork) -> None:
    random = np.random.default_rng(0)
    kernels = []
    for part in convolutions(network):
        conv = part.conv if isinstance(part, ConvNorm) else part
        shape = conv.weight.shape
        weight = random.normal(size=tuple(shape)).astype(np.float32)
        kernels.append(Kernel(weight, random.normal(size=shape[0]).astype(np.float32)))
    load_kernels(network, kernels)
    for module, kernel in zip(
        [m for m in folded(network).modules() if isinstance(m, torch.nn.Conv2d)],
        kernels,
        strict=True,
    ):
        assert module.weight.detach().numpy() == pytest.approx(kernel.weight, rel=1e-4)
        assert module.bias is not None
        assert module.bias.detach().numpy() == pytest.approx(kernel.bias, rel=1e-4, abs=1e-5)
    with pytest.raises(ModelsError, match="convolutions"):
        load_kernels(network, kernels[:-1])
    with pytest.raises(ModelsError, match="convolution 0"):
        load_kernels(network, [kernels[1], *kernels[1:]])


def test_export_agrees_with_torch_at_every_size(network: MattingNetwork, tmp_path: Path) -> None:
    path = tmp_path / "float.onnx"
    assert export(network, path, {"name": "trial"}) < 1e-4
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (image,), (alpha,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.shape) == ("image", ["batch", 3, "height", "width"])
    assert (alpha.name, alpha.shape) == ("alpha", ["batch", 1, "height", "width"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata == METADATA | {"name": "trial"}


def test_checkpoint_round_trip(network: MattingNetwork, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    save_weights(path, network, {"step": 3})
    image = torch.rand(1, 3, 32, 48)
    assert torch.equal(load_weights(path)(image), network(image))
    with pytest.raises(ModelsError, match="no checkpoint at"):
        load_weights(tmp_path / "missing.pt")
    (tmp_path / "broken.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelsError, match="is no checkpoint"):
        load_weights(tmp_path / "broken.pt")


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ((720, 1280), (176, 320)),
        ((1280, 720), (320, 176)),
        ((500, 500), (240, 240)),
        ((480, 640), (208, 272)),
        ((100, 10_000), (144, 384)),
    ],
)
def test_network_size(picture: tuple[int, int], expected: tuple[int, int]) -> None:
    assert network_size(*picture) == expected
