"""Fills in the figures of the README from the committed measurements.

`python -m benchmarks.report` rewrites what stands between the markers, from `results/quality.json`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_README = _HERE.parent / "README.md"

# What readers know the networks of others by.
_TITLES = {
    "fast": "**fast** (int8, default)",
    "fast-float": "**fast-float**",
    "selfie_segmentation": "MediaPipe selfie",
    "rvm_mobilenetv3_nhwc": "RobustVideoMatting, MobileNetV3",
    "pp_humanseg_v1_lite": "PP-HumanSeg v1 lite",
}


def quality_table(report: dict[str, Any]) -> str:
    """Networks against sets, as Markdown."""
    lines = [
        "| network | input | ms | photographs: IoU / MAD / boundary-F "
        "| keyed clips: IoU / MAD / Grad | dtSSD, smoothed | empty rooms |",
        "|---" * 7 + "|",
    ]
    for name, result in report["networks"].items():
        people, clips = result["people"]["mean"], result["clips"]
        raw, smoothed = clips["raw"], clips["smoothed"]
        lines.append(
            f"| {_TITLES.get(name, name)} | {result['size_16_9']} | {result['milliseconds']:.1f} "
            f"| {people['iou']:.3f} / {people['mad']:.1f} / {people['boundary_f']:.3f} "
            f"| {raw['iou']:.3f} / {raw['mad']:.1f} / {raw['grad']:.2f} "
            f"| {raw['dtssd']:.2f} → {smoothed['dtssd']:.2f} "
            f"| {result['empty_rooms_percent']:.2f} % |"
        )
    lag = report["networks"]["fast"]["clips"]["lag"]
    late = (
        f"Smoothing delays pixels of *fast* that turn foreground within one frame by "
        f"{lag['mean_frames']:.2f} frames on average; {100 * lag['later_than_one_frame']:.1f} % of "
        "them come more than one frame late."
    )
    machine = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
    return "\n".join([*lines, "", late, "", f"Measured on {machine}."])


def fill_in(text: str, name: str, content: str) -> str:
    """The text with what stands between the markers of this name replaced.

    Raises:
        ValueError: there are no such markers.
    """
    pattern = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no markers for {name}")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


def main() -> None:
    """Rewrites the README."""
    report = json.loads((_HERE / "results" / "quality.json").read_text("utf-8"))
    text = _README.read_text("utf-8")
    _README.write_text(fill_in(text, "quality", quality_table(report)), "utf-8")


if __name__ == "__main__":
    main()
