"""What programs write into Markdown."""

from __future__ import annotations

import pytest

from models.errors import ModelsError
from models.markers import fill_in, table


def test_only_what_is_between_the_markers_changes() -> None:
    text = "a\n<!-- t: by us -->\nold\n<!-- end of t -->\nb\n"
    filled = fill_in(text, "t", "| new |")
    assert filled == "a\n<!-- t: by us -->\n| new |\n<!-- end of t -->\nb\n"
    assert fill_in(filled, "t", "| new |") == filled
    with pytest.raises(ModelsError, match="no markers for u"):
        fill_in(text, "u", "")


def test_a_table_has_a_line_for_each_row() -> None:
    assert table(("a", "b"), [("1", "2"), ("3", "")]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |  |"
    assert table(("a",), ()) == "| a |\n|---|"
