"""How good the mattes are, ours beside other people's networks, all through `realtime.Matting`.

`python -m benchmarks.quality --data ../shared/data --peers ../shared/peers` writes
`benchmarks/results/quality.json`, from which `python -m benchmarks.report` fills in the README, and
`quality.png`, the pictures on which ours is worst. That one shows photographs of other people's: it
is to be looked at, not to be published.

Stills: every picture of the val split, at its own size. Clips: keyed heads before rooms, 512×288 at
25 fps, once frame by frame and once smoothed. Rooms: the part of the pixels called a person where
there is nobody. Smoothing is judged by dtSSD, by warp error (which needs no truth), and by how many
frames later than without it a pixel arrives that turns foreground from one frame to the next. Times
are medians of runs in turn, so that whatever else the machine does hits all networks alike.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models import metrics
from models.clips import apart, clip_folders, compose_clip
from models.dataset import Picture, load_all, read_index
from models.errors import ModelsError, run_command
from models.evaluate import (
    empty_rooms,
    evaluate_people,
    evaluate_rooms,
    mean_figures,
    measure,
)
from models.machine import write_report
from realtime.frame import Float32, UInt8
from realtime.inference import Matting
from realtime.inference.catalogue import checksum, embedded_names
from realtime.inference.model import Model, read_model

_RESULTS = Path(__file__).parent / "results"
_CLIP_FPS = 25

# Networks of other people, and what their files do not say by themselves.
_PEERS: dict[str, dict[str, Any]] = {
    "selfie_segmentation": {},
    "rvm_mobilenetv3_nhwc": {"native_size": "512x288"},
    "pp_humanseg_v1_lite": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}

_WARM_UP_TURNS = 3
_TURNS = 40

_GALLERY_ROWS = 6
_TILE = (240, 240)


@contextmanager
def networks(peers: Path | None) -> Iterator[dict[str, str]]:
    """What to compare: names, and what `Matting` takes for each."""
    with tempfile.TemporaryDirectory() as folder:
        found = {name: name for name in embedded_names()}
        for name, convention in _PEERS.items():
            if peers is None or not (peers / f"{name}.onnx").is_file():
                continue
            copy = Path(folder) / f"{name}.onnx"
            shutil.copy(peers / copy.name, copy)
            copy.with_suffix(".json").write_text(json.dumps(convention))
            found[name] = str(copy)
        yield found


def warp_error(frames: Sequence[UInt8], alphas: Sequence[Float32]) -> float:
    """Flicker without a truth, ×1e3: mean |α_i - warp(α_{i-1})| where the flow is consistent.

    Dense inverse search flow both ways; a pixel counts where going there and back ends within half
    a pixel.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    height, width = alphas[0].shape
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    errors = []
    for i in range(1, len(frames)):
        back = flow.calc(gray[i], gray[i - 1], None)
        forth = flow.calc(gray[i - 1], gray[i], None)
        where = grid + back
        there = cv2.remap(forth, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        consistent = np.square(back + there).sum(2) < 0.25
        warped = cv2.remap(
            alphas[i - 1], where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        errors.append(float(np.abs(alphas[i] - warped)[consistent].mean()))
    return float(np.mean(errors) * 1e3)


def arrival_lag(raw: Sequence[Float32], smoothed: Sequence[Float32]) -> dict[str, float]:
    """By how much smoothing holds back what moves fast.

    Of all pixels that turn from α < 0.1 to α ≥ 0.9 within a frame: the mean number of further
    frames until the smoothed alpha is 90 % of the raw one, and the share that needs more than one.
    """
    lags: list[int] = []
    for i in range(1, len(raw)):
        turned = (raw[i - 1] < 0.1) & (raw[i] >= 0.9)
        waiting = turned.copy()
        for lag, j in enumerate(range(i, len(raw))):
            arrived = waiting & (smoothed[j] >= 0.9 * raw[j])
            lags += [lag] * int(arrived.sum())
            waiting &= ~arrived
            if not waiting.any():
                break
        lags += [len(raw) - i] * int(waiting.sum())
    if not lags:
        return {"pixels": 0, "mean_frames": 0.0, "later_than_one_frame": 0.0}
    late = np.array(lags)
    return {
        "pixels": len(lags),
        "mean_frames": float(late.mean()),
        "later_than_one_frame": float((late > 1).mean()),
    }


def evaluate_video(model: str, data: Path, rooms: Sequence[Picture]) -> dict[str, Any]:
    """Clips with and without smoothing: mean over clips and rooms."""
    raw_rows: list[dict[str, float]] = []
    smoothed_rows: list[dict[str, float]] = []
    lags = []
    for folder in clip_folders(data):
        for room in rooms:
            frames, truths = zip(*compose_clip(folder, room.image), strict=True)
            runs = {}
            for smoothing in (False, True):
                with Matting(model, "cpu", smoothing=smoothing) as matting:
                    runs[smoothing] = [
                        matting(frame, timestamp=i / _CLIP_FPS) for i, frame in enumerate(frames)
                    ]
            for smoothing, rows in ((False, raw_rows), (True, smoothed_rows)):
                alphas = runs[smoothing]
                stills = [measure(a, t) for a, t in zip(alphas, truths, strict=True)]
                rows.append(
                    mean_figures(stills)
                    | {"dtssd": metrics.dtssd(alphas, list(truths))}
                    | {"warp_error": warp_error(frames, alphas)}
                )
            lags.append(arrival_lag(runs[False], runs[True]))
    return {
        "raw": mean_figures(raw_rows),
        "smoothed": mean_figures(smoothed_rows),
        "lag": {key: float(np.mean([lag[key] for lag in lags])) for key in lags[0]},
    }


def evaluate(
    model: str, data: Path, people: Sequence[Picture], rooms: Sequence[Picture]
) -> dict[str, Any]:
    """Everything about one network."""
    content, _ = read_model(model)
    width, height = Model(model, "cpu").signature.size_for(16, 9)
    with Matting(model, "cpu") as matting:
        stills: Callable[[UInt8], Float32] = matting
        report = {
            "size_16_9": f"{width}x{height}",
            "bytes": len(content),
            "sha256": checksum(content),
            "people": evaluate_people(stills, people),
            "empty_rooms_percent": evaluate_rooms(stills, rooms),
        }
    return report | {"clips": evaluate_video(model, data, apart(rooms))}


def time_in_turn(models: dict[str, str]) -> dict[str, float]:
    """Median milliseconds of each network for one 16:9 picture, as the program runs it."""
    rng = np.random.default_rng(0)
    opened = {}
    for name, path in models.items():
        model = Model(path, "cpu")
        width, height = model.signature.size_for(16, 9)
        opened[name] = (model, rng.integers(0, 256, (height, width, 3), np.uint8))
    durations: dict[str, list[float]] = {name: [] for name in opened}
    for turn in range(_WARM_UP_TURNS + _TURNS):
        for name, (model, picture) in opened.items():
            start = time.perf_counter()
            model(picture)
            if turn >= _WARM_UP_TURNS:
                durations[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) * 1e3 for name, taken in durations.items()}


def gallery(models: dict[str, str], people: Sequence[Picture]) -> UInt8:
    """The pictures on which our first network is worst: input, truth, then every network.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    alphas: dict[str, list[Float32]] = {}
    for name, model in models.items():
        with Matting(model, "cpu") as matting:
            alphas[name] = [matting(picture.image) for picture in people]
    truths = [picture.alpha.astype(np.float32) / np.float32(255) for picture in people]
    ours = next(iter(alphas.values()))
    overlaps = [metrics.overlap(a, t).iou for a, t in zip(ours, truths, strict=True)]
    rows = []
    for index in np.argsort(overlaps)[:_GALLERY_ROWS]:
        image = people[index].image
        tiles = [_tile(image)]
        for alpha in (truths[index], *(found[index] for found in alphas.values())):
            green = np.full_like(image, (0, 177, 64))
            part = alpha[..., None]
            tiles.append(_tile((image * part + green * (1 - part)).astype(np.uint8)))
        rows.append(np.hstack(tiles))
    return np.vstack(rows)


def _tile(image: UInt8) -> UInt8:
    scale = min(_TILE[0] / image.shape[1], _TILE[1] / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.zeros((_TILE[1], _TILE[0], 3), np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", type=Path, help="folder of other people's networks")
    parser.add_argument("--out", type=Path, default=_RESULTS, help="(%(default)s)")
    arguments = parser.parse_args()
    if not (arguments.data / "index.csv").is_file():
        raise ModelsError(f"{arguments.data}: has no index.csv; name the data with --data")
    people = load_all(read_index(arguments.data, "val"))
    rooms = empty_rooms(arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with networks(arguments.peers) as found:
        report: dict[str, Any] = {"networks": {}}
        for name, model in found.items():
            print(f"measuring {name} …", flush=True)
            report["networks"][name] = evaluate(model, arguments.data, people, rooms)
        for name, milliseconds in time_in_turn(found).items():
            report["networks"][name]["milliseconds"] = milliseconds
        sheet = gallery(found, people)
    write_report(arguments.out / "quality.json", report)
    cv2.imwrite(str(arguments.out / "quality.png"), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
