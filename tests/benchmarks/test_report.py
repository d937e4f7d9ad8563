"""Figures of the README."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.report import fill_in, filled

_ROOT = Path(__file__).resolve().parents[2]


def test_only_what_is_between_the_markers_changes() -> None:
    text = "a\n<!-- t: by us -->\nold\n<!-- end of t -->\nb\n"
    filled = fill_in(text, "t", "| new |")
    assert filled == "a\n<!-- t: by us -->\n| new |\n<!-- end of t -->\nb\n"
    assert fill_in(filled, "t", "| new |") == filled
    with pytest.raises(ValueError, match="no markers for u"):
        fill_in(text, "u", "")


def test_readme_and_model_card_show_the_committed_figures() -> None:
    report = json.loads((_ROOT / "benchmarks" / "results" / "quality.json").read_text("utf-8"))
    for path, text in filled(report).items():
        assert path.read_text("utf-8") == text


def test_the_committed_figures_are_those_of_the_embedded_networks() -> None:
    """Whoever changes a network measures it."""
    from realtime.inference.catalogue import checksum
    from realtime.inference.model import EMBEDDED, read_model

    report = json.loads((_ROOT / "benchmarks" / "results" / "quality.json").read_text("utf-8"))
    for name in EMBEDDED:
        content, _ = read_model(name)
        assert report["networks"][name]["sha256"] == checksum(content)
