"""How good the mattes are, ours beside other people's networks, all through `realtime.Matting`.

`python -m benchmarks.quality --data ../shared/data --peers ../shared/peers` writes
`benchmarks/results/quality.json`, from which `python -m benchmarks.report` fills in the README and
the model card, `quality.png` (plots), and `quality.html`, a page with the plots and with the
pictures on which ours is worst. That page shows photographs of other people's: it is to be looked
at, not to be published. `hard.jpg` shows those that may be, ours beside the peers'. `--network`
measures further ONNX files; what they do not say by themselves, a .json beside them says.

Stills: every picture of the val split, at its own size. Clips: keyed heads before rooms, 512×288 at
25 fps, once frame by frame and once smoothed. Rooms: the part of the pixels called a person where
there is nobody. Smoothing is judged by dtSSD, by warp error (which needs no truth), and by how many
frames later than without it a pixel arrives that turns foreground from one frame to the next, on
the clips and on `--gestures`, real videos of moving hands. Times are medians of runs in turn, so
that whatever else the machine does hits all networks alike.
"""

from __future__ import annotations

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

from benchmarks import page
from benchmarks.reporting import run_command, write_report
from models import command, metrics
from models.clips import all_clip_pictures, apart, clip_folders, compose_clip
from models.dataset import Picture, load_all, read_index
from models.errors import ModelsError
from models.evaluate import (
    empty_rooms,
    evaluate_people,
    evaluate_rooms,
    judge_clip,
    mean_figures,
    precision_recall,
)
from realtime.capture.file import FileSource
from realtime.color import planes_to_rgb
from realtime.frame import Float32, UInt8
from realtime.inference.catalogue import checksum
from realtime.inference.matting import Matting
from realtime.inference.model import EMBEDDED, Model, read_model
from realtime.inference.session import network_threads

_RESULTS = Path(__file__).parent / "results"
_CURVES = Path(__file__).parents[1] / "models" / "results"
_CLIP_FPS = 25

# Networks of other people, and what their files do not say by themselves.
_PEERS: dict[str, dict[str, Any]] = {
    "selfie_segmentation": {},
    "rvm_mobilenetv3_nhwc": {"native_size": "512x288"},
    "pp_humanseg_v1_lite": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}

_WARM_UP_TURNS = 3
_TURNS = 60

# Of each set, and of each video in it, the worst pictures of one of ours go on the page.
_WORST = 2

# Frames from one picture of a clip to the next.
_CLIP_STEP = 5

# Licences that are made for pictures and let anybody show them. Those of the programs that bring
# pictures along as examples say little about these.
_PUBLISHABLE = ("CC BY 4.0", "CC0")
_SHOWN_BESIDE = ("selfie_segmentation", "rvm_mobilenetv3_nhwc", "fast", "quality")


@contextmanager
def networks(peers: Path | None, others: Sequence[Path] = ()) -> Iterator[dict[str, str]]:
    """What to compare: names, and what `Matting` takes for each.

    Args:
        peers: folder of other people's networks that are known here, None for none.
        others: further ONNX files.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = {name: name for name in EMBEDDED} | {path.stem: str(path) for path in others}
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
        if consistent.any():  # at a cut there may be none
            errors.append(float(np.abs(alphas[i] - warped)[consistent].mean()))
    return float(np.mean(errors) * 1e3) if errors else 0.0


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


def both_ways(model: str, frames: Sequence[UInt8], fps: float) -> tuple[list[Float32], ...]:
    """The alphas of a video as the network gives them, and smoothed."""
    runs = []
    for smoothing in (False, True):
        with Matting(model, "cpu", smoothing=smoothing) as matting:
            runs.append([matting(frame, timestamp=i / fps) for i, frame in enumerate(frames)])
    return tuple(runs)


def evaluate_clips(model: str, data: Path, rooms: Sequence[Picture]) -> dict[str, Any]:
    """Clips with and without smoothing: mean over clips and rooms; flicker over time of the first.

    The flicker of a frame is the RMS of (α_i − α_{i−1}) − (t_i − t_{i−1}), ×1e2: dtSSD is its mean.
    """
    rows: dict[str, list[dict[str, float]]] = {"raw": [], "smoothed": []}
    lags = []
    flicker: dict[str, list[float]] = {}
    for folder in clip_folders(data):
        for room in rooms:
            frames, truths = zip(*compose_clip(folder, room.image), strict=True)
            runs = dict(zip(rows, both_ways(model, frames, _CLIP_FPS), strict=True))
            for way, alphas in runs.items():
                if way not in flicker:
                    flicker[way] = [round(step, 4) for step in metrics.flicker(alphas, truths)]
                judged = judge_clip(alphas, truths)
                rows[way].append(judged | {"warp_error": warp_error(frames, alphas)})
            lags.append(arrival_lag(runs["raw"], runs["smoothed"]))
    return {way: mean_figures(values) for way, values in rows.items()} | {
        "lag": mean_figures(lags),
        "flicker": flicker,
    }


def read_video(path: Path) -> tuple[list[UInt8], float]:
    """All frames of a short video, uint8 (H, W, 3) RGB, and its rate."""
    with FileSource(str(path)) as source:
        frames = []
        while (frame := source.read()) is not None:
            frames.append(planes_to_rgb(frame.planes, frame.color))
        return frames, float(source.format.frame_rate)


def evaluate_gestures(model: str, videos: Sequence[Path]) -> dict[str, float]:
    """What smoothing does to real videos of moving hands, which have no truth: mean over them."""
    rows = []
    for path in videos:
        frames, fps = read_video(path)
        raw, smoothed = both_ways(model, frames, fps)
        rows.append(
            {
                "warp_error_raw": warp_error(frames, raw),
                "warp_error_smoothed": warp_error(frames, smoothed),
            }
            | arrival_lag(raw, smoothed)
        )
    return mean_figures(rows)


def evaluate(
    model: str,
    data: Path,
    people: Sequence[Picture],
    rooms: Sequence[Picture],
    gestures: Sequence[Path],
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
            "precision_recall": precision_recall(stills, people),
            "empty_rooms_percent": evaluate_rooms(stills, rooms),
        }
    report["clips"] = evaluate_clips(model, data, apart(rooms))
    if gestures:
        report["gestures"] = evaluate_gestures(model, gestures)
    return report


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


def gallery(
    models: dict[str, str], pictures: Sequence[Picture], judged: str
) -> Iterator[page.HardPicture]:
    """Of each video, or set of photographs, those on which `judged` has the largest MAD.

    The frames of a video are named NAME_NUMBER; of a clip composed here, all have its name.
    """
    alphas: dict[str, list[Float32]] = {}
    for name, model in models.items():
        with Matting(model, "cpu") as matting:
            alphas[name] = [matting(picture.image) for picture in pictures]
    truths = [picture.alpha.astype(np.float32) / np.float32(255) for picture in pictures]
    errors = [metrics.mad(a, t) for a, t in zip(alphas[judged], truths, strict=True)]
    shown: dict[str, int] = {}  # by source
    for index in np.argsort(errors)[::-1]:
        entry = pictures[index].entry
        source = entry.image.stem.rpartition("_")[0] or entry.set
        if shown.get(source, 0) == _WORST:
            continue
        shown[source] = shown.get(source, 0) + 1
        yield page.HardPicture(
            title=f"{entry.set}, {entry.image.name}",
            image=pictures[index].image,
            alphas={"truth": truths[index]}
            | {name: found[index] for name, found in alphas.items()},
            publishable=entry.licence.startswith(_PUBLISHABLE),
        )


def main() -> int:
    parser = command.parser("benchmarks.quality", __doc__)
    command.data_option(parser)
    parser.add_argument("--peers", type=Path, help="folder of other people's networks")
    parser.add_argument(
        "--network", type=Path, nargs="*", default=[], help="further ONNX files to measure"
    )
    parser.add_argument("--gestures", type=Path, nargs="*", default=[], help="videos of hands")
    parser.add_argument("--out", type=Path, default=_RESULTS, help="(%(default)s)")
    arguments = parser.parse_args()
    if not (arguments.data / "index.csv").is_file():
        raise ModelsError(f"{arguments.data}: has no index.csv; name the data with --data")
    people = load_all(read_index(arguments.data, "val"))
    rooms = empty_rooms(arguments.data)
    if not rooms:
        raise ModelsError(f"{arguments.data}: has no rooms of split val in its backgrounds.csv")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with networks(arguments.peers, arguments.network) as found:
        report: dict[str, Any] = {"threads": network_threads(), "networks": {}}
        for name, model in found.items():
            print(f"measuring {name} …", flush=True)
            report["networks"][name] = evaluate(
                model, arguments.data, people, rooms, arguments.gestures
            )
        for name, milliseconds in time_in_turn(found).items():
            report["networks"][name]["milliseconds"] = milliseconds
        clips = all_clip_pictures(arguments.data, rooms, _CLIP_STEP)
        hard = list(gallery(found, [*people, *rooms, *clips], "quality"))
    curves = sorted(_CURVES.glob("*_curve.png"))
    page.write(write_report(arguments.out / "quality.json", report), hard, arguments.out, curves)
    if arguments.peers:
        write_sheet(hard, arguments.out / "hard.jpg")
    return 0


def write_sheet(hard: Sequence[page.HardPicture], path: Path) -> None:
    """Writes those pictures that may be published, networks side by side; no file without any."""
    shown = [picture for picture in hard if picture.publishable]
    if shown:
        columns = [name for name in _SHOWN_BESIDE if name in shown[0].alphas]
        rgb = page.sheet(shown, columns)
        cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    raise SystemExit(run_command(main))
