"""How clean outlines come out: known people, rooms and alphas, before other backgrounds.

`python -m benchmarks.edges --data ../shared/data` writes `benchmarks/results/edges.json`.

Keyed heads stand in rooms at 1280×720; the camera's picture is αF + (1 - α)R. It is put before
black, white, green and the blurred room, once with the true alpha brought to the network's size, as
a network without faults would give it, and once with the network's, with and without refinement and
decontamination, and compared with αF + (1 - α)B on the pixels where the true alpha is undecided:
mean absolute difference in levels of luma, and of the two kinds of chroma; and of luma on the
decided pixels around these, where there must be neither a glow nor a bite.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.reporting import check_writable, run_command, write_report
from models import command
from models.errors import ModelsError
from realtime.color import rgb_to_planes
from realtime.frame import ColorTags, Float32, Frame, Planes, UInt8
from realtime.inference.matting import Matting
from realtime.output.backgrounds.still import read_image
from realtime.output.compositing import Blender
from realtime.scaling import crop_to_aspect

_RESULTS = Path(__file__).parent / "results" / "edges.json"

_WIDTH, _HEIGHT = 1280, 720
_HEAD = 600
_COLOR = ColorTags(full_range=False, matrix=1, primaries=1, transfer=1)

_CLIPS = ("brbk7n", "swiz3n")
_PICTURES = (0, 15, 30, 45, 60)
_ROOMS = 6

_COLORS = {"black": (0, 0, 0), "white": (255, 255, 255), "green": (0, 177, 64)}

# Standard deviation of the blurred room, in pixels.
_BLUR = 22.0

# Pixels from an outline that are around it.
_AROUND = 20

# Refinement and decontamination.
_WAYS = {
    "neither": (False, False),
    "decontaminated": (False, True),
    "refined": (True, False),
    "both": (True, True),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A person in a room; everything known."""

    own: UInt8
    alpha: Float32
    room: UInt8
    seen: Planes

    def backgrounds(self) -> Iterator[tuple[str, UInt8]]:
        """What to put this person before, by name."""
        for name, rgb in _COLORS.items():
            yield name, np.full_like(self.room, rgb)
        yield "room, blurred", cv2.GaussianBlur(self.room, (0, 0), _BLUR)


def scenes(data: Path) -> Iterator[Scene]:
    """Every person in every room.

    Raises:
        ModelsError: there is no list of rooms, or one is no picture.
        RealtimeError: a picture is missing.
    """
    names = _listed(data / "backgrounds.csv")
    rooms = [_room(data / name) for name in names[:: max(1, len(names) // _ROOMS)][:_ROOMS]]
    for clip in _CLIPS:
        for index in _PICTURES:
            own, alpha = _person(data / "val_clips" / clip, index)
            for room in rooms:
                yield Scene(own, alpha, room, _over(own, room, alpha))


def _listed(path: Path) -> list[str]:
    """The names in a list of pictures of those that are not trained with."""
    try:
        with path.open(encoding="utf-8") as lines:
            return [row["image"] for row in csv.DictReader(lines) if row["split"] == "val"]
    except OSError:
        raise ModelsError(f"{path}: cannot be read; name the data with --data") from None
    except (KeyError, UnicodeDecodeError, csv.Error):
        raise ModelsError(
            f"{path}: is no table with the columns image and split; name the data with --data"
        ) from None


def _picture(path: Path) -> UInt8:
    picture = read_image(path)
    if picture is None:
        raise ModelsError(f"{path}: is no picture; name the data with --data")
    return picture


def _room(path: Path) -> UInt8:
    picture = _picture(path)
    scaled: UInt8 = cv2.resize(crop_to_aspect(picture, _WIDTH, _HEIGHT), (_WIDTH, _HEIGHT))
    return scaled


def _person(folder: Path, index: int) -> tuple[UInt8, Float32]:
    colors, levels = (_picture(folder / f"{index:04d}.{kind}") for kind in ("jpg", "png"))
    width = round(colors.shape[1] * _HEAD / len(colors))
    left = (_WIDTH - width) // 2
    own = np.zeros((_HEIGHT, _WIDTH, 3), np.uint8)
    alpha: Float32 = np.zeros((_HEIGHT, _WIDTH), np.float32)
    place = np.s_[_HEIGHT - _HEAD :, left : left + width]
    own[place] = cv2.resize(colors, (width, _HEAD), interpolation=cv2.INTER_CUBIC)
    alpha[place] = cv2.resize(levels[..., 0], (width, _HEAD)).astype(np.float32) / 255
    return own, alpha


def _over(own: UInt8, background: UInt8, alpha: Float32) -> Planes:
    share = alpha[..., None]
    mixed = np.rint(share * own + (1 - share) * background).astype(np.uint8)
    return rgb_to_planes(mixed, _COLOR)


def measure(known: Iterable[Scene], network: Callable[[Frame], Float32]) -> dict[str, Any]:
    """Mean errors over scenes.

    Args:
        known: the scenes.
        network: finds a frame's alpha, at its own size.

    Returns:
        "scenes", how many there were, and "error_in_levels" by whose alpha it is, way and
        background.
    """
    errors: dict[tuple[str, str, str], list[tuple[float, float, float]]] = {}
    square = np.ones((2 * _AROUND + 1,) * 2, np.uint8)
    blender = Blender()
    for scene in known:
        found = network(Frame(scene.seen, 0, 0, Fraction(1, 30), _COLOR))
        # At the picture's own size there would be nothing to refine.
        true = cv2.resize(scene.alpha, found.shape[::-1], interpolation=cv2.INTER_AREA)
        alphas: dict[str, Float32] = {"true": true, "network": found}
        band = (scene.alpha > 0) & (scene.alpha < 1)
        half = cv2.resize(band.astype(np.uint8), (_WIDTH // 2, _HEIGHT // 2)) > 0
        around = (cv2.dilate(band.astype(np.uint8), square) > 0) & ~band
        for name, background in scene.backgrounds():
            expected = _over(scene.own, background, scene.alpha)
            behind = rgb_to_planes(background, _COLOR)
            for (kind, alpha), (way, (refine, clean)) in product(alphas.items(), _WAYS.items()):
                mixed = blender(scene.seen, alpha, behind, refine=refine, decontaminate=clean)
                y, u, v = (np.abs(a.astype(int) - b) for a, b in zip(mixed, expected, strict=True))
                chroma = float(u[half].mean() + v[half].mean()) / 2
                errors.setdefault((kind, way, name), []).append(
                    (float(y[band].mean()), chroma, float(y[around].mean()))
                )
    figures: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for (kind, way, name), scored in errors.items():
        means = [round(statistics.mean(part), 2) for part in zip(*scored, strict=True)]
        figure = dict(zip(("luma", "chroma", "luma around"), means, strict=True))
        figures.setdefault(f"{kind} alpha", {}).setdefault(way, {})[name] = figure
    return {"scenes": len(scored), "error_in_levels": figures}


def main() -> int:
    """Measures, prints and writes the report."""
    parser = command.parser("benchmarks.edges", __doc__)
    command.data_option(parser)
    parser.add_argument("--model", default="quality", help="(%(default)s)")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="(%(default)s)")
    arguments = parser.parse_args()
    check_writable(arguments.output)
    known = list(scenes(arguments.data))
    if not known:
        raise ModelsError(
            f"{arguments.data}: has no rooms of its val split; name the data with --data"
        )
    with Matting(arguments.model, smoothing=False) as matting:
        found = measure(known, lambda frame: matting.matte(frame).alpha)
    for kind, ways in found["error_in_levels"].items():
        for way, backgrounds in ways.items():
            for name, figure in backgrounds.items():
                said = (f"{what} {value:6.2f}" for what, value in figure.items())
                print(f"{kind:14} {way:15} {name:13}", *said)
    write_report(arguments.output, {"model": arguments.model} | found)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
