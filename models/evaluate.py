"""Measure ONNX networks on the validation pictures.

`python -m models.evaluate fast.onnx peer.onnx --data ../shared/data --json out.json`

People: every picture of the val split, its alpha brought back to the picture's own size before
measuring. Clips: keyed heads before rooms of the val split, 16:9, one frame at a time. Rooms: the
part of the pixels called a person in backgrounds with nobody in them.

For networks made here and such as are like them; `benchmarks.quality --network` measures any that
`realtime` runs, recurrent ones and those of other conventions too.
"""

import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models import command, metrics
from models.clips import apart, clip_folders, compose_clip
from models.dataset import U8, Picture, load_all, read_backgrounds, read_index
from models.errors import ModelsError
from models.exclusions import is_outdoors
from models.machine import write_report
from models.metrics import Alpha
from models.predictor import Predictor

Matter = Callable[[U8], Alpha]
Figures = dict[str, float]


def measure(alpha: Alpha, truth: Alpha, *, stretched_grad: bool = False) -> Figures:
    """All still-picture metrics of one matte; see `gradient_error` about `stretched_grad`."""
    found = metrics.overlap(alpha, truth)
    return {
        "iou": found.iou,
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "boundary_f": metrics.boundary_f(alpha, truth),
        "mad": metrics.mad(alpha, truth),
        "mse": metrics.mse(alpha, truth),
        "grad": metrics.gradient_error(alpha, truth, stretched=stretched_grad),
        "conn": metrics.connectivity_error(alpha, truth),
    }


def mean_figures(rows: Sequence[Figures]) -> Figures:
    """The mean of every figure over the rows."""
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def evaluate_people(matter: Matter, pictures: Sequence[Picture]) -> dict[str, dict[str, Any]]:
    """Per set and, under "mean", over the sets: number of pictures and mean figures."""
    rows: dict[str, list[Figures]] = {}
    for picture in pictures:
        truth = picture.alpha.astype(np.float32) / np.float32(255)
        rows.setdefault(picture.entry.set, []).append(measure(matter(picture.image), truth))
    sets: dict[str, dict[str, Any]] = {
        name: {"pictures": len(values)} | mean_figures(values)
        for name, values in sorted(rows.items())
    }
    total = sum(len(values) for values in rows.values())
    sets["mean"] = {"pictures": total} | mean_figures([mean_figures(v) for v in rows.values()])
    return sets


def judge_clip(
    alphas: Sequence[Alpha],
    truths: Sequence[Alpha],
    still: Callable[[Alpha, Alpha], Figures] = measure,
) -> Figures:
    """Mean over the frames of what `still` tells of an alpha and its truth, and dtSSD."""
    frames = [still(alpha, truth) for alpha, truth in zip(alphas, truths, strict=True)]
    return mean_figures(frames) | {"dtssd": metrics.dtssd(alphas, truths)}


def evaluate_clips(
    matter: Matter, data: Path, rooms: Sequence[Picture], *, stretched_grad: bool = False
) -> Figures | None:
    """Mean over clips × rooms; None if the data folder has no `val_clips`, or without rooms."""
    still = functools.partial(measure, stretched_grad=stretched_grad)
    results: list[Figures] = []
    for folder in clip_folders(data):
        for room in rooms:
            frames, truths = zip(*compose_clip(folder, room.image), strict=True)
            results.append(judge_clip([matter(frame) for frame in frames], truths, still))
    return mean_figures(results) if results else None


def evaluate_rooms(matter: Matter, rooms: Sequence[Picture]) -> float | None:
    """Percentage of pixels with α ≥ .5 in pictures with nobody in them; None without any."""
    if not rooms:
        return None
    return float(np.mean([(matter(room.image) >= 0.5).mean() for room in rooms]) * 100)


def precision_recall(
    matter: Matter, pictures: Sequence[Picture]
) -> list[tuple[float, float, float]]:
    """(θ, recall, precision) of the pixels α ≥ θ, mean over the pictures; truth is t ≥ .5."""
    thresholds = np.arange(0.05, 1.0, 0.1)
    rows = []
    for picture in pictures:
        alpha, real = matter(picture.image), picture.alpha >= 128
        counts = [(int((alpha >= t).sum()), int(((alpha >= t) & real).sum())) for t in thresholds]
        total = max(1, int(real.sum()))
        rows.append([(both / total, both / found if found else 1.0) for found, both in counts])
    means = np.mean(rows, axis=0)
    return [
        (round(float(t), 2), float(recall), float(precision))
        for t, (recall, precision) in zip(thresholds, means, strict=True)
    ]


def empty_rooms(data: Path) -> list[Picture]:
    """The rooms of the val split, with nobody in them; none where the folder has none."""
    rooms = read_backgrounds(data, "val", required=False)
    return load_all([r for r in rooms if not is_outdoors(r.image.relative_to(data).as_posix())])


def evaluate(
    path: Path, data: Path, area: int | None = None, *, stretched_grad: bool = False
) -> dict[str, Any]:
    """Everything about one network; `area` overrides the pixels that its file names."""
    matter = Predictor(path, area=area)
    rooms = empty_rooms(data)
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "size_16_9": "x".join(str(side) for side in matter.size_for(720, 1280)[::-1]),
        "people": evaluate_people(matter, load_all(read_index(data, "val"))),
        "clips": evaluate_clips(matter, data, apart(rooms), stretched_grad=stretched_grad),
        "empty_rooms_percent": evaluate_rooms(matter, rooms),
    }


def table(results: Sequence[dict[str, Any]]) -> str:
    """IoU and MAD of every network on every set, as Markdown."""
    names = list(results[0]["people"])
    head = ["network", "16:9 at", *names, "clips", "dtSSD", "empty rooms"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for result in results:
        cells = [
            f"{result['people'][n]['iou']:.4f} / {result['people'][n]['mad']:.1f}" for n in names
        ]
        clips = result["clips"]
        cells.append(f"{clips['iou']:.4f} / {clips['mad']:.1f}" if clips else "")
        cells.append(f"{clips['dtssd']:.2f}" if clips else "")
        empty = result["empty_rooms_percent"]
        cells.append("" if empty is None else f"{empty:.2f} %")
        lines.append("| " + " | ".join([result["file"], result["size_16_9"], *cells]) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = command.parser("models.evaluate", __doc__)
    parser.add_argument("networks", type=Path, nargs="+", help="ONNX files")
    command.data_option(parser)
    parser.add_argument(
        "--area",
        type=int,
        help="pixels a picture is brought to for networks of free size (default: as their files "
        "say)",
    )
    parser.add_argument(
        "--stretched-grad",
        action="store_true",
        help="Grad of the clips as RobustVideoMatting's low-resolution script has it: both alphas "
        "spread to 0..1 first",
    )
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    for path in arguments.networks:
        if not path.is_file():
            raise ModelsError(f"no network at {path}")
    results = [
        evaluate(path, arguments.data, arguments.area, stretched_grad=arguments.stretched_grad)
        for path in arguments.networks
    ]
    print("IoU / MAD×1e3\n\n" + table(results))
    if arguments.json:
        write_report(arguments.json, {"networks": results})
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
