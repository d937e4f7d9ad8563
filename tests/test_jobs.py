"""Jobs with files, as a program asks for them; what they do is tested through the command."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from realtime import process_demo, process_file
from realtime.errors import OutputError, SettingsError
from tests.media import write_clip


@pytest.mark.parametrize("name", ["start", "duration"])
@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_times_that_are_none_are_refused(tmp_path: Path, name: str, seconds: float) -> None:
    with pytest.raises(SettingsError, match=f"{name} .*: write seconds, from 0 on"):
        process_file("in.mp4", tmp_path / "out.mp4", **{name: seconds})  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_a_demo_ends(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(SettingsError, match=r"seconds .*: write seconds, from 0 on"):
        process_demo(tmp_path / "out.mp4", seconds=seconds)


def test_a_name_that_is_too_long_is_an_error_of_ours(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    with pytest.raises(OutputError, match="too long"):
        process_file(clip, tmp_path / f"{'a' * 300}.mp4", model="fast", background="#203040")
