"""A run's `log.csv`: one row for every stretch of steps, the first column its last step."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row; the first one brings the header, so all have the same columns."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def read(path: Path) -> list[dict[str, str]]:
    """All rows."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cut(path: Path, step: int) -> None:
    """Drop what comes after `step`: a run that goes on from there logs it again."""
    if not path.exists():
        return
    kept = [row for row in read(path) if int(row["step"]) <= step]
    part = path.with_suffix(".csv.part")
    part.unlink(missing_ok=True)
    for row in kept:
        append(part, row)
    if kept:
        part.replace(path)
    else:
        path.unlink()
