"""Draw a training log."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from models import log


def draw_curve(path: Path, out: Path) -> None:
    """Plot loss and validation IoU of a `log.csv` over the minutes into a PNG."""
    rows = log.read(path)
    figure, left = plt.subplots(figsize=(7, 3.5), dpi=110)
    minutes = [float(row["minutes"]) for row in rows]
    left.plot(minutes, [float(row["loss"]) for row in rows], color="tab:gray", linewidth=1)
    left.set_xlabel("minutes")
    left.set_ylabel("training loss")
    right = left.twinx()
    checked = [row for row in rows if row["iou"]]
    right.plot(
        [float(row["minutes"]) for row in checked],
        [float(row["iou"]) for row in checked],
        color="tab:blue",
        marker="o",
        markersize=3,
    )
    right.set_ylabel("validation IoU (average weights)", color="tab:blue")
    figure.tight_layout()
    figure.savefig(out)
    plt.close(figure)
