"""Measured quality to look at: plots as a PNG, and a page with them and the hardest pictures.

Also a sheet of hard pictures that may be published.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.quality_tables import HEADS, rows, sets_of, title
from benchmarks.reporting import pyplot
from realtime.bench.report import machine_line
from realtime.frame import Float32, UInt8

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TILE = (240, 240)
_GREEN = (0, 177, 64)
_HEAD_HEIGHT = 24
_BARS = {"iou": "IoU", "mad": "MAD ×10³", "grad": "Grad", "boundary_f": "boundary-F"}

# Where the bars of what is near 1 begin.
_FROM = {"iou": 0.8, "boundary_f": 0.7}


@dataclass(frozen=True)
class HardPicture:
    """A picture and what everybody made of it.

    Attributes:
        title: where it is from.
        image: uint8 (H, W, 3) RGB.
        alphas: float32 (H, W) in 0..1, by the name of the network, or "truth".
        publishable: whether its licence lets anybody show it.
    """

    title: str
    image: UInt8
    alphas: dict[str, Float32]
    publishable: bool = False


def draw_plots(report: dict[str, Any], path: Path) -> None:
    """Bars of each set, precision against recall, and flicker over time."""
    plt = pyplot()
    networks = report["networks"]
    figure, axes = plt.subplots(2, 3, figsize=(15, 8), dpi=100)
    for axis, (key, label) in zip(axes.flat, _BARS.items(), strict=False):
        _bars(axis, networks, key, label)
    curves, time = axes.flat[4], axes.flat[5]
    for name, network in networks.items():
        points = np.array(network["precision_recall"])
        curves.plot(points[:, 1], points[:, 2], marker=".", label=name)
        (line,) = time.plot(network["clips"]["flicker"]["raw"], linewidth=1, label=name)
        smoothed = network["clips"]["flicker"]["smoothed"]
        time.plot(smoothed, linewidth=1, linestyle=":", color=line.get_color())
    curves.set(xlabel="recall", ylabel="precision", xlim=(0.9, 1), ylim=(0.9, 1))
    curves.set_title("photographs, α ≥ θ for θ from 0.05 to 0.95")
    time.set(xlabel="frame", ylabel="flicker ×10²", title="first clip; dotted: smoothed")
    curves.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _bars(axis: Axes, networks: dict[str, Any], key: str, label: str) -> None:
    sets = list(sets_of(next(iter(networks.values()))))
    width = 0.8 / len(networks)
    for number, (name, network) in enumerate(networks.items()):
        values = [figures[key] for figures in sets_of(network).values()]
        axis.bar(np.arange(len(sets)) + number * width, values, width, label=name)
    axis.set_xticks(np.arange(len(sets)) + 0.4 - width / 2, sets)
    if key in _FROM:
        axis.set_ylim(_FROM[key], 1)
    axis.set_title(label)


def strip(picture: HardPicture, columns: Sequence[str] | None = None) -> UInt8:
    """The picture and, beside it, each matte on green: uint8 (h, w, 3) RGB.

    Args:
        picture: with its alphas.
        columns: which of them, in this order; None for all.
    """
    tiles = [picture.image]
    for name in columns or picture.alphas:
        part = picture.alphas[name][..., None]
        green = np.full_like(picture.image, _GREEN)
        tiles.append((picture.image * part + green * (1 - part)).astype(np.uint8))
    return np.hstack([_tile(tile) for tile in tiles])


def sheet(pictures: Sequence[HardPicture], columns: Sequence[str]) -> UInt8:
    """Some pictures, a row each, with a head above every column: uint8 (h, w, 3) RGB.

    Args:
        pictures: one at least, all with the alphas of `columns`.
        columns: names of networks.
    """
    heads = ["picture", *(title(name).replace("*", "") for name in columns)]
    head = np.full((_HEAD_HEIGHT, _TILE[0] * len(heads), 3), 255, np.uint8)
    for number, text in enumerate(heads):
        where = (number * _TILE[0] + 6, _HEAD_HEIGHT - 8)
        cv2.putText(head, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    strips = [strip(picture, columns) for picture in pictures]
    return np.vstack([head, *(_without_margins(s) for s in strips)])


def _without_margins(tiles: UInt8) -> UInt8:
    """A strip less the lines at its end in which no tile shows anything."""
    return tiles[: int(np.flatnonzero(tiles.any((1, 2)))[-1]) + 1]


def _tile(image: UInt8) -> UInt8:
    scale = min(_TILE[0] / image.shape[1], _TILE[1] / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.zeros((_TILE[1], _TILE[0], 3), np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile


def write(
    report: dict[str, Any], hard: Sequence[HardPicture], out: Path, curves: Sequence[Path] = ()
) -> None:
    """Writes `quality.png` and `quality.html` into the folder `out`.

    Args:
        report: the figures.
        hard: pictures to show.
        out: a folder.
        curves: PNGs of how the networks were trained, to show as well.
    """
    plots = out / "quality.png"
    draw_plots(report, plots)
    parts = [
        "<!doctype html><meta charset=utf-8><title>Quality</title>",
        "<style>body{font:14px sans-serif;margin:1em}img{max-width:100%}</style>",
        "<h1>Quality of mattes</h1>",
        f"<p>{html.escape(machine_line(report['machine']))}</p>",
        _image(plots.read_bytes(), "png"),
        *_table(report),
        *(_image(curve.read_bytes(), "png") for curve in curves),
        "<h2>The hardest pictures of each set</h2>",
    ]
    for picture in hard:
        columns = ", ".join(["picture", *picture.alphas])
        _, content = cv2.imencode(".jpg", strip(picture)[..., ::-1])
        parts.append(f"<h3>{html.escape(picture.title)}</h3><p>{html.escape(columns)}</p>")
        parts.append(_image(content.tobytes(), "jpeg"))
    (out / "quality.html").write_text("\n".join(parts), encoding="utf-8")


def _table(report: dict[str, Any]) -> list[str]:
    """All figures, in lines of HTML."""
    lines = ["<table><tr>"]
    lines += [f"<th>{head}" for head in ("set", "network", *HEADS.values(), "ms")]
    for row in rows(report):
        lines.append("<tr>")
        lines += [f"<td>{html.escape(cell)}" for cell in (row.set, row.network, *row.cells)]
    return [*lines, "</table>"]


def _image(content: bytes, kind: str) -> str:
    return f'<img src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'
