"""Figures of the README."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.report import filled
from models.errors import ModelsError

_ROOT = Path(__file__).resolve().parents[2]


def test_readme_and_model_card_show_the_committed_figures() -> None:
    for path, text in filled().items():
        assert path.read_text("utf-8") == text


def test_a_report_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"quality\.json: .* run python -m benchmarks\.quality$"):
        filled(tmp_path)


def test_the_committed_figures_are_those_of_the_embedded_networks() -> None:
    """Whoever changes a network measures it."""
    from realtime.inference.catalogue import checksum
    from realtime.inference.model import EMBEDDED, read_model

    report = json.loads((_ROOT / "benchmarks" / "results" / "quality.json").read_text("utf-8"))
    for name in EMBEDDED:
        content, _ = read_model(name)
        assert report["networks"][name]["sha256"] == checksum(content)
