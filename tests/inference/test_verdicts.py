"""Which networks keep up here, over several starts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from realtime import remembered
from realtime.inference.verdicts import Verdicts


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([], None),
        ([True, True], None),
        ([False, False, False], False),
        ([False, True, True], True),
        ([True, False, False], False),
    ],
)
def test_the_majority_of_the_first_starts_decides(
    found: list[bool], verdict: bool | None, tmp_path: Path
) -> None:
    path = tmp_path / "keeps_up.json"
    for one in found:
        Verdicts(path).add("quality", 30.0, one)
    assert Verdicts(path).of("quality", 30.0) is verdict
    assert Verdicts(path).of("quality", 29.97) is None
    assert Verdicts(path).of("balanced", 30.0) is None


@pytest.mark.parametrize("found", [[], "text", 3, {"quality at 30.000 Hz": 1}, {"quality": ["a"]}])
def test_a_file_of_something_else_tells_nothing(tmp_path: Path, found: object) -> None:
    path = tmp_path / "keeps_up.json"
    remembered.keep(path, found)
    assert Verdicts(path).of("quality", 30.0) is None
    for _ in range(3):
        Verdicts(path).add("quality", 30.0, True)
    assert Verdicts(path).of("quality", 30.0) is True


def test_where_nothing_can_be_kept_the_next_start_finds_out_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "keeps_up.json"
    for _ in range(3):
        Verdicts(path).add("quality", 30.0, True)
    assert Verdicts(path).of("quality", 30.0) is None


def test_after_a_week_it_is_found_out_anew(tmp_path: Path) -> None:
    path = tmp_path / "keeps_up.json"
    for _ in range(3):
        Verdicts(path).add("quality", 30.0, False)
    for days, verdict in ((6, False), (8, None)):
        ago = time.time() - days * 24 * 3600
        os.utime(path, (ago, ago))
        assert Verdicts(path).of("quality", 30.0) is verdict
