"""The networks' shapes, their sizes, and that a file computes what the network does."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch")

from models import export as exporter  # noqa: E402
from models.checkpoint import load_weights, save_weights  # noqa: E402
from models.compare import operators  # noqa: E402
from models.errors import ModelsError  # noqa: E402
from models.export import export, metadata  # noqa: E402
from models.network import (  # noqa: E402
    ARCHITECTURES,
    DecoderStage,
    MattingNetwork,
    enlarged,
    pooled,
)
from models.sizes import network_size  # noqa: E402
from models.warmstart import Kernel, convolutions, load_kernels  # noqa: E402


@pytest.fixture(params=ARCHITECTURES)
def network(request: pytest.FixtureRequest, _one_thread: None) -> MattingNetwork:
    torch.manual_seed(0)
    made = MattingNetwork(request.param)
    with torch.no_grad():
        for parameter in made.parameters():  # branches start as zeros, which would hide them
            parameter.add_(0.01 * torch.randn_like(parameter))
    return made.eval()


@pytest.mark.parametrize(("rows", "columns"), [(5, 8), (8, 5), (1, 1), (6, 6)])
def test_output_is_as_large_as_the_input(network: MattingNetwork, rows: int, columns: int) -> None:
    stride = network.architecture.stride
    height, width = rows * stride, columns * stride
    assert network(torch.rand(2, 3, height, width)).shape == (2, 1, height, width)


def test_the_trunk_is_the_published_one(network: MattingNetwork) -> None:
    assert (
        sum(
            c.weight.numel() + (0 if c.bias is None else c.bias.numel())
            for c in convolutions(network)
        )
        == 106_404
    )


def test_branches_change_nothing_at_first() -> None:
    torch.manual_seed(0)
    network = MattingNetwork("quality").eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        whole = network(image)
        network.deep = network.detail = None
        assert torch.equal(network(image), whole)


def test_pooling_is_the_mean() -> None:
    x = torch.rand(2, 5, 6, 7)
    assert torch.allclose(pooled(x), x.mean((2, 3), keepdim=True), atol=1e-6)


def test_a_decoder_stage_is_the_published_one_in_another_order() -> None:
    torch.manual_seed(0)
    stage = DecoderStage(24, 16)
    for parameter in stage.parameters():  # biases begin as zeros
        torch.nn.init.normal_(parameter, std=0.3)
    x, skip = torch.rand(2, 24, 5, 7), torch.rand(2, 16, 10, 14)
    with torch.no_grad():
        up = enlarged(stage.reduce(x))
        y = stage.mix(skip * stage.gate((skip + up).mean((2, 3), keepdim=True)) + up)
        assert torch.allclose(stage(x, skip), y + stage.refine(y), atol=1e-5)


def test_warm_start_copies_every_convolution_in_order(network: MattingNetwork) -> None:
    random = np.random.default_rng(0)
    kernels = []
    for conv in convolutions(network):
        shape = conv.weight.shape
        weight = random.normal(size=tuple(shape)).astype(np.float32)
        kernels.append(Kernel(weight, random.normal(size=shape[0]).astype(np.float32)))
    load_kernels(network, kernels)
    for conv, kernel in zip(convolutions(network), kernels, strict=True):
        assert np.array_equal(conv.weight.detach().numpy(), kernel.weight)
        assert conv.bias is not None
        assert np.array_equal(conv.bias.detach().numpy(), kernel.bias)
    with pytest.raises(ModelsError, match="convolutions"):
        load_kernels(network, kernels[:-1])
    with pytest.raises(ModelsError, match="convolution 0"):
        load_kernels(network, [kernels[1], *kernels[1:]])


def test_the_contract_is_shown_as_it_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["export", "--help"])
    with pytest.raises(SystemExit):
        exporter.main()
    assert "\n| tensor | type | shape | meaning |\n|---|---|---|---|\n" in capsys.readouterr().out


def test_export_agrees_with_torch_at_every_size(network: MattingNetwork, tmp_path: Path) -> None:
    path = tmp_path / "float.onnx"
    assert export(network, path) < 1e-4
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (image,), (alpha,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.shape) == ("image", ["batch", 3, "height", "width"])
    assert (alpha.name, alpha.shape) == ("alpha", ["batch", 1, "height", "width"])
    assert session.get_modelmeta().custom_metadata_map == metadata(network)


def test_the_file_tells_which_tensors_are_of_one_size(
    network: MattingNetwork, tmp_path: Path
) -> None:
    """Else onnxruntime reshapes what it adds, and adds it after the convolution."""
    path = tmp_path / "float.onnx"
    export(network, path)
    used = operators(path)
    assert used["Conv"] > 40
    assert "Reshape" not in used


def test_checkpoint_round_trip(network: MattingNetwork, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    save_weights(path, network, {"step": 3})
    image = torch.rand(1, 3, 64, 96)
    assert torch.equal(load_weights(path)(image), network(image))
    with pytest.raises(ModelsError, match="no checkpoint at"):
        load_weights(tmp_path / "missing.pt")
    (tmp_path / "broken.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelsError, match="is no checkpoint"):
        load_weights(tmp_path / "broken.pt")


def test_another_network_takes_over_the_trunk(network: MattingNetwork, tmp_path: Path) -> None:
    save_weights(tmp_path / "net.pt", network)
    other = load_weights(tmp_path / "net.pt", "quality")
    assert other.name == "quality"
    for mine, theirs in zip(convolutions(network), convolutions(other), strict=True):
        assert torch.equal(mine.weight, theirs.weight)


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
    assert network_size(*picture, 176 * 320) == expected
