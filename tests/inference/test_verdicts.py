"""Which networks keep up here, over several starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from realtime import remembered
from realtime.inference.verdicts import Verdicts

DAY = 24 * 3600.0


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
    # A telephone's clips are of 29.83 Hz, 29.92 Hz …
    assert Verdicts(path).of("quality", 29.83) is verdict
    assert Verdicts(path).of("quality", 25.0) is None
    assert Verdicts(path).of("balanced", 30.0) is None


@pytest.mark.parametrize(
    "found", [[], "text", 3, {"quality at 30 Hz": 1}, {"quality at 30 Hz": ["a"]}]
)
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


def test_after_a_week_it_is_found_out_anew_whatever_else_is_asked(tmp_path: Path) -> None:
    path, now = tmp_path / "keeps_up.json", 1e9

    def verdicts() -> Verdicts:
        return Verdicts(path, lambda: now)

    for _ in range(3):
        verdicts().add("quality", 30.0, False)
    now += 6 * DAY
    verdicts().add("quality", 25.0, True)
    assert verdicts().of("quality", 30.0) is False
    now += 2 * DAY
    assert verdicts().of("quality", 30.0) is None
    # And nothing is kept for ever.
    verdicts().add("quality", 60.0, True)
    assert set(json.loads(path.read_text())["found"]) == {"quality at 25 Hz", "quality at 60 Hz"}
