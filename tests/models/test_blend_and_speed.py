"""Blending and sharpening checkpoints, and timing."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from models.blend import blend  # noqa: E402
from models.errors import ModelsError  # noqa: E402
from models.export import export  # noqa: E402
from models.network import MattingNetwork  # noqa: E402
from models.sharpen import sharpen  # noqa: E402
from models.speed import time_networks  # noqa: E402


def test_blend_lies_between() -> None:
    torch.manual_seed(0)
    first, second = MattingNetwork().eval(), MattingNetwork().eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        assert torch.allclose(blend(first, second, 0)(image), first(image), atol=1e-5)
        assert torch.allclose(blend(first, second, 1)(image), second(image), atol=1e-5)
    half = blend(first, second, 0.5).last.weight
    assert torch.allclose(half, (first.last.weight + second.last.weight) / 2)
    with pytest.raises(ModelsError, match=r"0\.\.1"):
        blend(first, second, 2)
    with pytest.raises(ModelsError, match="quality"):
        blend(first, MattingNetwork("quality"), 0.5)


@pytest.mark.parametrize("name", ["fast", "quality"])
def test_sharpening_scales_the_logits(name: str) -> None:
    torch.manual_seed(0)
    network = MattingNetwork(name).eval()
    with torch.no_grad():
        for parameter in network.parameters():  # branches start as zeros, which would hide them
            parameter.add_(0.01 * torch.randn_like(parameter))
        image = torch.rand(1, 3, 64, 96)
        expected = 1.7 * network(image) + 0.3
        assert torch.allclose(sharpen(network, 1.7, 0.3)(image), expected, atol=1e-4)
    with pytest.raises(ModelsError, match="above 0"):
        sharpen(network, 0)


def test_timing_is_relative_to_the_last(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export(MattingNetwork(), path)
    rows = time_networks([path, path], runs=3)
    assert [row["size"] for row in rows] == ["288x192"] * 2
    assert rows[1]["ratio_to_last"] == 1
