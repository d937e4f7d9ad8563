"""From float to 8 bits."""

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("torch")

import torch

from models import compare
from models.calibrations import WAYS, compare_ways
from models.compare import lost, operators
from models.dataset import F32, load_all, read_index
from models.errors import ModelsError
from models.export import export
from models.network import MattingNetwork
from models.predictor import Predictor
from models.quantize import STAGES, calibration_samples, quantize, stage_names
from tests.models.material import write_data

SIZE = (64, 96)
WEIGHTS = Path(__file__).resolve().parents[2] / "realtime" / "inference" / "weights"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("network") / "float.onnx"
    export(MattingNetwork("fast").eval(), path)
    return path


@pytest.fixture
def samples(tmp_path: Path) -> list[F32]:
    return calibration_samples(write_data(tmp_path), 3, SIZE)


def test_samples_are_inputs_of_the_network(samples: list[F32]) -> None:
    assert [s.shape for s in samples] == [(1, 3, *SIZE)] * 3
    assert all(s.dtype == np.float32 and 0 <= s.min() < s.max() <= 1 for s in samples)
    assert not np.array_equal(samples[0], samples[1])


def test_only_the_chosen_stages_become_8_bits_wide(
    source: Path, samples: list[F32], tmp_path: Path
) -> None:
    assert {"stem", "to16/to16.2", "deep", "head", "up2", "last"} <= set(stage_names(source))
    convolutions = operators(source)["Conv"]
    quantize(source, tmp_path / "head.onnx", samples, stages=["head"])
    counts = operators(tmp_path / "head.onnx")
    assert counts["QLinearConv"] == 2
    assert counts["Conv"] >= convolutions - 4  # elsewhere onnxruntime merges one or the other
    before, after = Predictor(source), Predictor(tmp_path / "head.onnx")
    difference = np.abs(before.run(samples[0]) - after.run(samples[0]))
    assert 0 < difference.mean() < 0.02


@pytest.mark.parametrize("name", ["fast.onnx", "quality.onnx"])
def test_nothing_in_the_embedded_networks_falls_back_to_float(name: str) -> None:
    inside = tuple(f"/network/{stage}/" for stage in STAGES)
    nodes = onnx.load(str(WEIGHTS / name)).graph.node
    meant = [n for n in nodes if n.op_type == "Conv" and n.name.startswith(inside)]
    assert meant
    assert operators(WEIGHTS / name)["QLinearConv"] == len(meant)


def test_losses_are_told_by_set() -> None:
    before = {"a": {"iou": 0.9, "mad": 10.0}, "mean": {"iou": 0.9, "mad": 10.0}}
    after = {"a": {"iou": 0.89, "mad": 10.5}, "mean": {"iou": 0.9, "mad": 9.0}}
    losses = lost(before, after)
    assert losses["a"] == {"points_of_iou": pytest.approx(1), "mad": pytest.approx(1.05)}
    assert losses["mean"] == {"points_of_iou": 0, "mad": pytest.approx(0.9)}


@pytest.mark.parametrize(("iou", "mad", "kept"), [(0.899, 10.1, True), (0.89, 10.0, False)])
def test_what_loses_too_much_on_one_set_is_removed(
    iou: float,
    mad: float,
    kept: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = {"iou": 0.9, "mad": 10.0}
    report = {
        "float": {"a": good, "b": good, "mean": good},
        "other": {"a": good, "b": {"iou": iou, "mad": mad}, "mean": good},
        "points_of_iou_lost": 0.0,
        "mad_ratio": 1.0,
        "mad_between": 0.1,
        "bytes": 1,
        "operators": {},
    }
    monkeypatch.setattr(compare, "compare", lambda *_: report)
    target = tmp_path / "n.onnx"
    target.touch()
    status = compare.judged(target, target, tmp_path, None, "do otherwise")
    assert (status, target.exists()) == ((0, True) if kept else (1, False))
    assert ("lost (b), " in capsys.readouterr().out) is not kept


def test_every_way_of_calibrating_is_measured(
    source: Path, samples: list[F32], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "again").mkdir()
    pictures = load_all(read_index(write_data(tmp_path / "again"), "val"))
    image, alpha = pictures[0].image, pictures[0].alpha.astype(np.float32) / np.float32(255)
    clip = [(np.roll(image, shift, 1), np.roll(alpha, shift, 1)) for shift in (0, 9, 20)]
    rows = compare_ways(source, samples, pictures, [clip])
    assert [row["way"] for row in rows] == list(WAYS)
    assert all(set(row["sets"]) == {"a", "mean"} for row in rows)
    assert all(set(row["clips"]) == {"mad", "dtssd"} for row in rows)
    # They are not the same network measured again.
    assert len({row["sets"]["mean"]["mad"] for row in rows}) >= 4
    told = capsys.readouterr().out.splitlines()  # onnxruntime tells a lot as well
    assert all(any(line.startswith(way) for line in told) for way in WAYS)


def test_samples_need_data(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="--data"):
        calibration_samples(tmp_path, 3, SIZE)
