"""The measured quality in words and figures: tables of the README, the model card and the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.reporting import measured_on
from models.markers import table

_FAST, _QUALITY = "fast", "quality"
_MEDIAPIPE, _RVM = "selfie_segmentation", "rvm_mobilenetv3_nhwc"

# What readers know the networks of others by.
_TITLES = {
    _FAST: "**fast** (int8)",
    _QUALITY: "**quality** (int8)",
    "balanced": "**balanced** (int8)",
    _MEDIAPIPE: "MediaPipe selfie",
    _RVM: "RobustVideoMatting, MobileNetV3",
    "pp_humanseg_v1_lite": "PP-HumanSeg v1 lite",
}

_SETS = {
    "clips": "keyed talking heads",
    "asl": "webcam gestures",
    "ccp": "whole people",
    "eg1800": "portraits",
    "liveportrait": "faces",
}

HEADS = {
    "mad": "MAD",
    "mse": "MSE",
    "grad": "Grad",
    "conn": "Conn",
    "dtssd": "dtSSD",
    "iou": "IoU",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "boundary_f": "boundary-F",
}
"""What the tables call each figure."""

# Those of 1 at best.
_SHARES = {"iou", "precision", "recall", "f1", "boundary_f"}

# What was asked of them: the part of MediaPipe's time that each may take.
_FAST_TIME, _QUALITY_TIME = 0.8, 3.5


class Row(NamedTuple):
    """What one network reached on one set, each figure as it is printed."""

    set: str
    network: str
    cells: tuple[str, ...]


def title(name: str) -> str:
    """What the tables call a network, as Markdown."""
    return _TITLES.get(name, f"**{name}**")


def sets_of(network: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The figures of one network by set: the stills, and the clips frame by frame."""
    stills = {name: figures for name, figures in network["people"].items() if name != "mean"}
    return stills | {"clips": network["clips"]["raw"]}


def rows(report: dict[str, Any]) -> Iterator[Row]:
    """Every set, every network: all figures of `HEADS`, then milliseconds."""
    networks = report["networks"]
    for name in sorted(sets_of(next(iter(networks.values()))), key=_place):
        for network, measured in networks.items():
            figures = sets_of(measured)[name]
            cells = [_figure(key, figures[key]) if key in figures else "" for key in HEADS]
            milliseconds = f"{measured['milliseconds']:.1f}"
            yield Row(_SETS.get(name, name), network, (*cells, milliseconds))


def _place(name: str) -> int:
    return list(_SETS).index(name) if name in _SETS else len(_SETS)


def _figure(key: str, value: float) -> str:
    return f"{value:.3f}" if key in _SHARES else f"{value:.2f}"


def summary(report: dict[str, Any]) -> str:
    """Networks against what matters most, as Markdown."""
    lines = [
        "| network | input | ms (× MediaPipe) | photographs: IoU / MAD / boundary-F "
        "| keyed clips: IoU / MAD / Grad | dtSSD, smoothed | empty rooms |",
        "|---" * 7 + "|",
    ]
    reference = report["networks"].get(_MEDIAPIPE, {}).get("milliseconds")
    for name, result in report["networks"].items():
        people, clips = result["people"]["mean"], result["clips"]
        raw, smoothed = clips["raw"], clips["smoothed"]
        ratio = f" ({result['milliseconds'] / reference:.2f})" if reference else ""
        lines.append(
            f"| {title(name)} | {result['size_16_9']} | {result['milliseconds']:.1f}{ratio} "
            f"| {people['iou']:.3f} / {people['mad']:.1f} / {people['boundary_f']:.3f} "
            f"| {raw['iou']:.3f} / {raw['mad']:.1f} / {raw['grad']:.2f} "
            f"| {raw['dtssd']:.2f} → {smoothed['dtssd']:.2f} "
            f"| {result['empty_rooms_percent']:.2f} % |"
        )
    threads = report["threads"]
    each = f"Each on {threads} thread{'s' if threads > 1 else ''}."
    return "\n".join([*lines, "", f"{each} {measured_on(report)}"])


def details(report: dict[str, Any]) -> str:
    """Every set, every network, every metric, as Markdown."""
    networks = report["networks"]
    figures = table(
        ("set", "network", *HEADS.values(), "ms"),
        ((row.set, title(row.network), *row.cells) for row in rows(report)),
    )
    empty = [f"{n['empty_rooms_percent']:.2f} %" for n in networks.values()]
    rooms = table(
        ("rooms with nobody in them", *map(title, networks)), [("called a person", *empty)]
    )
    return f"{figures}\n\n{rooms}"


def goals(report: dict[str, Any]) -> str:
    """What was asked of the networks, and how far they came, as Markdown."""
    networks = report["networks"]
    if not {_FAST, _QUALITY, _MEDIAPIPE, _RVM} <= networks.keys():
        return "Not measured: the networks of others were not at hand."
    lines = [
        "| goal | measured: ours / theirs | |",
        "|---|---|---|",
        _time_goal(networks, _FAST, _FAST_TIME),
        _time_goal(networks, _QUALITY, _QUALITY_TIME),
    ]
    ours, theirs = sets_of(networks[_FAST]), sets_of(networks[_MEDIAPIPE])
    for key in ("mad", "boundary_f", "iou"):
        sign = -1 if key in _SHARES else 1
        missed = [n for n in ours if sign * ours[n][key] >= sign * theirs[n][key]]
        pairs = ", ".join(
            f"{_SETS.get(n, n)} {_pair(key, ours[n][key], theirs[n][key])}" for n in missed
        )
        lines.append(
            f"| `fast`: {HEADS[key]} better than MediaPipe's on every set "
            f"| better on {len(ours) - len(missed)} of {len(ours)}{'; ' if missed else ''}{pairs} "
            f"| {_verdict(not missed)} |"
        )
    clips, peer = networks[_QUALITY]["clips"], networks[_RVM]["clips"]["raw"]
    lines += [_clip_goal(key, "", clips["raw"][key], peer[key]) for key in ("mad", "grad", "dtssd")]
    smoothed = ", smoothed as the program does it"
    lines.append(_clip_goal("dtssd", smoothed, clips["smoothed"]["dtssd"], peer["dtssd"]))
    return "\n".join(lines)


def _time_goal(networks: dict[str, Any], name: str, most: float) -> str:
    ratio = networks[name]["milliseconds"] / networks[_MEDIAPIPE]["milliseconds"]
    return f"| `{name}`: ≤ {most} × MediaPipe's time | {ratio:.2f} | {_verdict(ratio <= most)} |"


def _clip_goal(key: str, how: str, ours: float, theirs: float) -> str:
    return (
        f"| `quality`: {HEADS[key]} of talking heads{how}, at or under RobustVideoMatting's "
        f"| {_pair(key, ours, theirs)} | {_verdict(ours <= theirs)} |"
    )


def _pair(key: str, ours: float, theirs: float) -> str:
    """Two figures, with as many digits as it takes to tell them apart."""
    digits = 3 if key in _SHARES else 2
    while digits < 6 and ours != theirs and f"{ours:.{digits}f}" == f"{theirs:.{digits}f}":
        digits += 1
    return f"{ours:.{digits}f} / {theirs:.{digits}f}"


def _verdict(reached: bool) -> str:
    return "reached" if reached else "**missed**"


def smoothing(report: dict[str, Any]) -> str:
    """What the temporal smoothing gains and what it holds back, as Markdown."""
    lines = [
        "| network | clips: dtSSD | clips: warp error | gestures: warp error "
        "| delay of pixels that turn foreground within a frame | of them, later than one frame |",
        "|---" * 6 + "|",
    ]
    for name, network in report["networks"].items():
        clips, gestures = network["clips"], network.get("gestures")
        if gestures is None:
            continue
        raw, smoothed = clips["raw"], clips["smoothed"]
        lines.append(
            f"| {title(name)} | {raw['dtssd']:.2f} → {smoothed['dtssd']:.2f} "
            f"| {raw['warp_error']:.2f} → {smoothed['warp_error']:.2f} "
            f"| {gestures['warp_error_raw']:.2f} → {gestures['warp_error_smoothed']:.2f} "
            f"| {gestures['mean_frames']:.3f} frames "
            f"| {100 * gestures['later_than_one_frame']:.2f} % |"
        )
    return "\n".join(lines)
