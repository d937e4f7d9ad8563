"""What the reports of the benchmarks share: drawing, and where it was measured."""

from __future__ import annotations

from typing import Any

from models.errors import ModelsError


def pyplot() -> Any:
    """Matplotlib's, drawing into files; only who draws needs it.

    Raises:
        ModelsError: matplotlib is missing.
    """
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError:
        raise ModelsError("matplotlib is missing; pip install '.[train]' to draw") from None
    return plt


def measured_on(report: dict[str, Any]) -> str:
    """The machine of a report, in a sentence."""
    return f"Measured on {', '.join(f'{k} {v}' for k, v in report['machine'].items())}."
