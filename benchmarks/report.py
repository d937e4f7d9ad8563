"""Fills in the figures of the README and of the model card from the committed measurements.

`python -m benchmarks.report` rewrites what stands between the markers, from the reports in
`benchmarks/results`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import growth, peers, quality_tables, throughput
from benchmarks.reporting import measured_on, read_report, run_command
from models import command
from models.markers import fill_in

RESULTS = Path(__file__).parent / "results"

_ROOT = Path(__file__).parents[1]
_README, _CARD = _ROOT / "README.md", _ROOT / "models" / "README.md"


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
        ModelsError: a report is missing or of no use, or the markers of a table are missing.
    """
    quality = read_report(results / "quality.json", _of_quality)
    before = read_report(results / "bench_before.json", lambda report: stage_table(report, report))
    after = read_report(results / "bench.json", partial(stage_table, before))
    tables = {
        **_of_quality(quality),
        "goals": throughput.table(*throughput.read_reports(results)),
        "peers": peers.table(read_report(results / "peers.json", peers.table)),
        "stages": stage_table(before, after),
        "growth": growth.block(read_report(results / "growth.json", growth.block)),
    }
    texts = {}
    of_the_card = ("quality goals", "details", "smoothing")
    for path, names in ((_README, tuple(tables)), (_CARD, of_the_card)):
        text = path.read_text("utf-8")
        for name in names:
            text = fill_in(text, name, tables[name])
        texts[path] = text
    return texts


def _of_quality(report: dict[str, Any]) -> dict[str, str]:
    """The tables of one report, by the names of their markers."""
    return {
        "quality": quality_tables.summary(report),
        "quality goals": quality_tables.goals(report),
        "details": quality_tables.details(report),
        "smoothing": quality_tables.smoothing(report),
    }


def main() -> int:
    """Rewrites README and model card."""
    command.parser("benchmarks.report", __doc__).parse_args()
    for path, text in filled().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
