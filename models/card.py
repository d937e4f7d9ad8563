"""Write the figures of the model card that tell how the networks were made.

`python -m models.card` rewrites what stands between the markers of `models/README.md`, from
`results/NETWORK_log.csv` (models.train), `results/NETWORK_int8.json` (models.quantize),
`results/NETWORK_stages.json` (models.quantize --sensitivity), `results/NETWORK_ways.json`
(models.calibrations), `results/NETWORK_half.json` (models.halve) and `results/data.json`. The last
one is written first if `--data` names the data folder. How good the networks are is measured and
written by `benchmarks`.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from models import command, log
from models.compare import lost
from models.dataset import read_backgrounds, read_index, read_products
from models.errors import ModelsError
from models.markers import fill_in, table
from models.network import ARCHITECTURES

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CARD = HERE / "README.md"


def describe_data(data: Path) -> list[dict[str, str | int]]:
    """Every set of the training split: kind, number of pictures, labels, licences."""
    rows: list[dict[str, str | int]] = []
    people = read_index(data, "train")
    things = read_products(data, "train")
    backgrounds = read_backgrounds(data, "train")
    for kind, entries in (("people", people), ("background", backgrounds), ("thing", things)):
        for name in sorted({entry.set for entry in entries}):
            chosen = [entry for entry in entries if entry.set == name]
            rows.append(
                {
                    "kind": kind,
                    "set": name,
                    "pictures": len(chosen),
                    "labels": ", ".join(
                        f"{label} {count}"
                        for label, count in sorted(Counter(e.label for e in chosen).items())
                    ),
                    "licence": "; ".join(sorted({entry.licence for entry in chosen})),
                }
            )
    return rows


def data_table(rows: list[dict[str, Any]]) -> str:
    """The training data as Markdown."""
    return table(
        ("set", "kind", "pictures", "alpha", "licence of the source"),
        ((r["set"], r["kind"], str(r["pictures"]), r["labels"], r["licence"]) for r in rows),
    )


def training_line(name: str, path: Path) -> str:
    """How long a network trained, and its best validation."""
    rows = log.read(path)
    best = min((row for row in rows if row["mad"]), key=lambda row: float(row["mad"]))
    return (
        f"- `{name}`: {rows[-1]['step']} steps in {float(rows[-1]['minutes']):.0f} minutes; best "
        f"validation (float, average weights) at step {best['step']}: "
        f"MAD {float(best['mad']):.1f}e-3, IoU {float(best['iou']):.4f}."
    )


_LOSSES = ("points of IoU lost: mean, worst set", "MAD: mean, worst set")


def precision_table(reports: dict[str, dict[str, Any]]) -> str:
    """What int8 and fp16 lose against float, as Markdown."""
    return table(
        ("file", "size", *_LOSSES, "alphas differ by"),
        (
            (
                name,
                f"{r['bytes'] / 1e6:.2f} MB",
                *_losses(lost(r["float"], r["other"])),
                f"{r['mad_between']:.2f}e-3",
            )
            for name, r in reports.items()
        ),
    )


def ways_table(reports: dict[str, dict[str, Any]]) -> str:
    """What each way of quantizing loses, as Markdown."""
    return table(
        ("network", "ranges of the activations", *_LOSSES, "clips: MAD, dtSSD"),
        (
            (
                name,
                row["way"],
                *_losses(row["sets"]),
                ", ".join(f"×{ratio:.3f}" for ratio in row["clips"].values()),
            )
            for name, report in reports.items()
            for row in report["ways"]
        ),
    )


def _losses(sets: dict[str, dict[str, float]]) -> list[str]:
    """Cells of `_LOSSES`: the mean over the sets and the worst of them, which is named."""
    cells = []
    for key, form in (("points_of_iou", "{:.2f}"), ("mad", "×{:.3f}")):
        worst = max((n for n in sets if n != "mean"), key=lambda name: sets[name][key])
        mean, most = (form.format(sets[name][key]) for name in ("mean", worst))
        cells.append(f"{mean}, {most} ({worst})")
    return cells


def stages_table(reports: dict[str, dict[str, Any]]) -> str:
    """What each stage alone in int8 does, as Markdown."""
    return table(
        ("network", "stage in int8", "MAD", "dtSSD", "time"),
        (
            (
                name,
                row["stage"],
                f"{row['mad']:.2f}",
                f"{row['dtssd']:.3f}",
                f"×{row['time_ratio']:.2f}",
            )
            for name, report in reports.items()
            for row in report["stages"]
        ),
    )


def operators_line(name: str, report: dict[str, Any]) -> str:
    """What onnxruntime runs of an int8 network."""
    counts = ", ".join(f"{operator} {count}" for operator, count in report["operators"].items())
    return f"Operators of `{name}` after onnxruntime's optimization: {counts}."


def read_result(name: str) -> Any:
    """A JSON file of `results`."""
    try:
        return json.loads((RESULTS / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelsError(f"no {RESULTS / name}: run the tool that writes it") from error


def filled() -> str:
    """The model card with the figures of `results`.

    Raises:
        ModelsError: a result is missing, or the markers of a table.
    """
    smaller = {
        f"{name} {kind}": read_result(f"{name}_{file}.json")
        for name in ARCHITECTURES
        for kind, file in (("int8", "int8"), ("fp16", "half"))
    }
    stages = {name: read_result(f"{name}_stages.json") for name in ARCHITECTURES}
    ways = {name: read_result(f"{name}_ways.json") for name in ARCHITECTURES}
    training = [training_line(name, RESULTS / f"{name}_log.csv") for name in ARCHITECTURES]
    operators = [operators_line(name, smaller[f"{name} int8"]) for name in ARCHITECTURES]
    text = CARD.read_text(encoding="utf-8")
    for name, content in (
        ("data", data_table(read_result("data.json"))),
        ("training", "\n".join(training)),
        ("precision", "\n\n".join([precision_table(smaller), *operators])),
        ("ways", ways_table(ways)),
        ("stages", stages_table(stages)),
    ):
        text = fill_in(text, name, content)
    return text


def main() -> int:
    parser = command.parser("models.card", __doc__)
    parser.add_argument("--data", type=Path, help="describe the training data anew")
    arguments = parser.parse_args()
    if arguments.data:
        rows = describe_data(arguments.data)
        (RESULTS / "data.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    CARD.write_text(filled(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(command.run_command(main))
