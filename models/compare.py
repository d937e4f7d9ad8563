"""A smaller file beside the float one it came from: what it lost, and whether that is too much."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from models.dataset import load_all, read_index
from models.evaluate import evaluate_people
from models.machine import write_report
from models.predictor import Predictor

LOST_POINTS = 0.3
LOST_MAD = 1.03


def operators(path: Path) -> dict[str, int]:
    """The operators that onnxruntime runs after its own optimization, with counts.

    Quantized ones have names of their own there (QLinearConv, …): the others run in float.
    """
    with tempfile.TemporaryDirectory() as folder:
        optimized = Path(folder) / "optimized.onnx"
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(optimized)
        options.log_severity_level = 4
        ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        nodes = onnx.load(str(optimized)).graph.node
    return dict(sorted(Counter(n.op_type for n in nodes).items()))


def lost(
    before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]
) -> dict[str, dict[str, float]]:
    """By set, and under "mean": points of IoU lost, and the MAD afterwards in parts of before's."""
    return {
        name: {
            "points_of_iou": 100 * (values["iou"] - after[name]["iou"]),
            "mad": after[name]["mad"] / values["mad"],
        }
        for name, values in before.items()
    }


def compare(source: Path, target: Path, data: Path) -> dict[str, Any]:
    """IoU and MAD of both files on the val split, and how far their alphas are apart."""
    pictures = load_all(read_index(data, "val"))
    first, second = Predictor(source), Predictor(target)
    differences = [
        float(
            np.abs(first.run(first.prepare(p.image)) - second.run(second.prepare(p.image))).mean()
        )
        for p in pictures
    ]
    scores = {
        kind: {
            name: {"iou": values["iou"], "mad": values["mad"]}
            for name, values in evaluate_people(predictor, pictures).items()
        }
        for kind, predictor in (("float", first), ("other", second))
    }
    mean = lost(scores["float"], scores["other"])["mean"]
    return scores | {
        "points_of_iou_lost": mean["points_of_iou"],
        "mad_ratio": mean["mad"],
        "mad_between": float(np.mean(differences) * 1e3),
        "operators": operators(target),
        "bytes": target.stat().st_size,
    }


def judged(source: Path, target: Path, data: Path, report_path: Path | None, remedy: str) -> int:
    """Compares a smaller file with its source, tells, and removes it if it lost too much.

    `remedy` says what to do then. Returns the exit status.
    """
    report = compare(source, target, data)
    for name, values in report["other"].items():
        before = report["float"][name]
        print(
            f"{name:14} IoU {before['iou']:.4f} → {values['iou']:.4f}   "
            f"MAD {before['mad']:.2f} → {values['mad']:.2f}"
        )
    print(
        f"lost {report['points_of_iou_lost']:.2f} points of IoU, MAD ×{report['mad_ratio']:.3f}, "
        f"{report['bytes'] / 1e6:.2f} MB, alphas differ by {report['mad_between']:.2f}e-3"
    )
    print("operators", report["operators"])
    if report_path:
        write_report(report_path, report)
    too_much = [
        name
        for name, loss in lost(report["float"], report["other"]).items()
        if loss["points_of_iou"] > LOST_POINTS or loss["mad"] > LOST_MAD
    ]
    if too_much:
        target.unlink()
        print(
            f"error: more than {LOST_POINTS} points of IoU or {100 * (LOST_MAD - 1):.0f} % of MAD "
            f"lost ({', '.join(too_much)}), {target} removed; {remedy}"
        )
        return 1
    return 0
