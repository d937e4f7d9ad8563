"""Fills in the figures of the README and of the model card from the committed measurements.

`python -m benchmarks.report` rewrites what stands between the markers, from the reports in
`benchmarks/results`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import growth, peers, throughput
from benchmarks.page import sets_of
from benchmarks.reporting import measured_on, read_report, run_command
from models import command
from models.markers import fill_in

RESULTS = Path(__file__).parent / "results"

_ROOT = Path(__file__).parents[1]
_README, _CARD = _ROOT / "README.md", _ROOT / "models" / "README.md"

# What readers know the networks of others by.
_TITLES = {
    "fast": "**fast** (int8)",
    "quality": "**quality** (int8)",
    "balanced": "**balanced** (int8)",
    "selfie_segmentation": "MediaPipe selfie",
    "rvm_mobilenetv3_nhwc": "RobustVideoMatting, MobileNetV3",
    "pp_humanseg_v1_lite": "PP-HumanSeg v1 lite",
}

_SETS = {
    "clips": "keyed talking heads",
    "asl": "webcam gestures",
    "ccp": "whole people",
    "eg1800": "portraits",
    "liveportrait": "faces",
}

_COLUMNS = ("mad", "mse", "grad", "conn", "dtssd", "iou", "boundary_f")
_HEADS = ("MAD", "MSE", "Grad", "Conn", "dtSSD", "IoU", "boundary-F")
_REFERENCE = "selfie_segmentation"


def title(name: str) -> str:
    """What the tables call a network."""
    return _TITLES.get(name, f"**{name}**")


def summary_table(report: dict[str, Any]) -> str:
    """Networks against what matters most, as Markdown."""
    lines = [
        "| network | input | ms (× MediaPipe) | photographs: IoU / MAD / boundary-F "
        "| keyed clips: IoU / MAD / Grad | dtSSD, smoothed | empty rooms |",
        "|---" * 7 + "|",
    ]
    reference = report["networks"].get(_REFERENCE, {}).get("milliseconds")
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
    return "\n".join([*lines, "", measured_on(report)])


def full_table(report: dict[str, Any]) -> str:
    """Every set, every network, every metric, as Markdown."""
    lines = [
        "| set | network | " + " | ".join(_HEADS) + " | ms |",
        "|---" * (len(_HEADS) + 3) + "|",
    ]
    networks = report["networks"]
    for set_name, set_title in _SETS.items():
        for name, network in networks.items():
            figures = sets_of(network)[set_name]
            cells = [
                (f"{figures[key]:.3f}" if key in ("iou", "boundary_f") else f"{figures[key]:.2f}")
                if key in figures
                else ""
                for key in _COLUMNS
            ]
            lines.append(
                f"| {set_title} | {title(name)} | {' | '.join(cells)} "
                f"| {network['milliseconds']:.1f} |"
            )
    lines += ["", "| rooms with nobody in them | " + " | ".join(map(title, networks)) + " |"]
    lines += ["|---" * (len(networks) + 1) + "|"]
    empty = " | ".join(f"{n['empty_rooms_percent']:.2f} %" for n in networks.values())
    lines += [f"| called a person | {empty} |"]
    return "\n".join(lines)


def smoothing_table(report: dict[str, Any]) -> str:
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


def stage_table(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What a frame takes of each stage in two reports of `realtime bench`, as Markdown.

    Milliseconds of the caller, and in brackets those of the processor, all threads together. The
    heads name the networks, which are the same where the later report has that of the former.
    """

    def cell(run: dict[str, Any], stage: str, *, cpu: bool) -> str:
        wall, busy = (run["metrics"][f"{kind} {stage}"]["median"] for kind in ("stage", "cpu of"))
        return f"{wall:.2f} ({busy:.2f})" if cpu else f"{wall:.2f}"

    old_runs = {run["height"]: run for run in reversed(before["runs"])}
    pairs = {height: (old_runs[height], _alike(old_runs[height], after)) for height in (720, 1080)}
    heads = [
        f"{height}p: before (`{old['model']}`) → now (`{new['model']}`)"
        for height, (old, new) in pairs.items()
    ]
    lines = [f"| stage | {' | '.join(heads)} |", "|---|---|---|"]
    names = pairs[720][1]["metrics"]
    for stage in [name.removeprefix("stage ") for name in names if name.startswith("stage ")]:
        # In the first report, what opening the network cost the processor is in this one.
        known = stage != "preprocess"
        cells = [
            f"{cell(old, stage, cpu=known)} → {cell(new, stage, cpu=True)}"
            for old, new in pairs.values()
        ]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", measured_on(after)])


def _alike(old: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """The run of a report that is of the same size, and where there is one, network."""
    runs = [run for run in report["runs"] if run["height"] == old["height"]]
    found: dict[str, Any] = next((run for run in runs if run["model"] == old["model"]), runs[0])
    return found


def filled(results: Path = RESULTS) -> dict[Path, str]:
    """README and model card with the figures of a folder of reports, by path.

    Raises:
        ModelsError: a report is missing, or the markers of a table.
    """
    quality = read_report(results / "quality.json")
    tables = {
        "quality": summary_table(quality),
        "details": full_table(quality),
        "smoothing": smoothing_table(quality),
        "goals": throughput.table(*throughput.read_reports(results)),
        "peers": peers.table(read_report(results / "peers.json")),
        "stages": stage_table(
            read_report(results / "bench_before.json"), read_report(results / "bench.json")
        ),
        "growth": growth.block(read_report(results / "growth.json")),
    }
    texts = {}
    for path, names in ((_README, tuple(tables)), (_CARD, ("details", "smoothing"))):
        text = path.read_text("utf-8")
        for name in names:
            text = fill_in(text, name, tables[name])
        texts[path] = text
    return texts


def main() -> int:
    """Rewrites README and model card."""
    command.parser("benchmarks.report", __doc__).parse_args()
    for path, text in filled().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
