"""Write the figures of the model card from the JSON files beside it.

`python -m models.card` rewrites what stands between the markers of `models/README.md`, from
`results/quality.json` (models.evaluate), `results/speed.json` (models.speed),
`results/int8.json` (models.quantize) and `results/data.json`. The last one is written first if
`--data` names the data folder.
"""

import argparse
import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

from models.dataset import read_backgrounds, read_index
from models.errors import ModelsError, run_command
from models.evaluate import table

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
BEGIN, END = "<!-- {} begin: written by models.card -->", "<!-- {} end -->"


def describe_data(data: Path) -> list[dict[str, str | int]]:
    """Every set of the training split: kind, number of pictures, labels, licences."""
    rows: list[dict[str, str | int]] = []
    people = read_index(data, "train")
    things = read_index(data, "train", sets=("ikea",), index="products.csv")
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
    lines = ["| set | kind | pictures | alpha | licence of the source |", "|---|---|---|---|---|"]
    lines += [
        f"| {r['set']} | {r['kind']} | {r['pictures']} | {r['labels']} | {r['licence']} |"
        for r in rows
    ]
    return "\n".join(lines)


def details_table(networks: list[dict[str, Any]]) -> str:
    """All still-picture figures, mean over the sets, as Markdown."""
    keys = ("iou", "precision", "recall", "f1", "boundary_f", "mad", "mse", "grad", "conn")
    heads = ("IoU", "precision", "recall", "F1", "boundary-F", "MAD", "MSE", "Grad", "Conn")
    lines = ["| network | 16:9 at | " + " | ".join(heads) + " |", "|" + "---|" * (len(keys) + 2)]
    for network in networks:
        mean = network["people"]["mean"]
        cells = [
            f"{mean[k]:.4f}" if mean[k] < 1 and i < 5 else f"{mean[k]:.2f}"
            for i, k in enumerate(keys)
        ]
        lines.append("| " + " | ".join([network["file"], network["size_16_9"], *cells]) + " |")
    return "\n".join(lines)


def speed_table(speed: dict[str, Any]) -> str:
    """Times as Markdown."""
    lines = ["| network | input | median ms | 95 % ms | of the peer |", "|---|---|---|---|---|"]
    lines += [
        f"| {r['file']} | {r['size']} | {r['median_ms']:.2f} | {r['p95_ms']:.2f} "
        f"| {r['ratio_to_last']:.2f} |"
        for r in speed["networks"]
    ]
    return "\n".join(lines)


def machine_line(machine: dict[str, Any]) -> str:
    """The machine in one line."""
    rest = ", ".join(f"{k} {v}" for k, v in machine.items() if k not in ("cpu", "cores"))
    return f"Measured on {machine['cpu']}, {machine['cores']} cores; {rest}."


def training_line(log: Path) -> str:
    """How long the network trained, and its best validation."""
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    best = max((row for row in rows if row["iou"]), key=lambda row: float(row["iou"]))
    return (
        f"{rows[-1]['step']} steps in {float(rows[-1]['minutes']):.0f} minutes; best validation "
        f"(float, average weights) at step {best['step']}: IoU {float(best['iou']):.4f}, "
        f"MAD {float(best['mad']):.1f}e-3."
    )


def replaced(text: str, name: str, content: str) -> str:
    """`text` with the part between the markers called `name` exchanged."""
    begin, end = BEGIN.format(name), END.format(name)
    if begin not in text or end not in text:
        raise ModelsError(f"the model card has no markers for {name}")
    head, rest = text.split(begin, 1)
    return head + begin + "\n" + content + "\n" + end + rest.split(end, 1)[1]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.card",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="describe the training data anew")
    arguments = parser.parse_args()
    if arguments.data:
        rows = describe_data(arguments.data)
        (RESULTS / "data.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")

    def read(name: str) -> Any:
        try:
            return json.loads((RESULTS / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelsError(f"no {RESULTS / name}: run the tool that writes it") from error

    quality, speed, int8 = read("quality.json"), read("speed.json"), read("int8.json")
    # the same at 256×144; the peer, last in each list, has one size only
    smaller, faster = read("quality_smaller.json"), read("speed_smaller.json")
    quality["networks"][-1:-1] = smaller["networks"][:-1]
    speed["networks"][-1:-1] = faster["networks"][:-1]
    card = HERE / "README.md"
    text = card.read_text(encoding="utf-8")
    operators = ", ".join(f"{name} {count}" for name, count in int8["operators"].items())
    for name, content in (
        ("data", data_table(read("data.json"))),
        ("training", training_line(RESULTS / "log.csv")),
        (
            "quality",
            table(quality["networks"])
            + "\n\n"
            + details_table(quality["networks"])
            + "\n\n"
            + machine_line(quality["machine"]),
        ),
        ("speed", speed_table(speed) + "\n\n" + machine_line(speed["machine"])),
        (
            "int8",
            f"Int8 loses {int8['points_of_iou_lost']:.2f} points of IoU against float. "
            f"Operators after onnxruntime's optimization: {operators}.",
        ),
    ):
        text = replaced(text, name, content)
    card.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
