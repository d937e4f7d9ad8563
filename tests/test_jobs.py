"""Jobs with files, as a program asks for them; what they do is tested through the command."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av
import pytest

from realtime import process_demo, process_file
from realtime.errors import OutputError, SettingsError
from tests.media import remux, write_clip


@pytest.mark.parametrize("name", ["start", "duration"])
@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_times_that_are_none_are_refused(tmp_path: Path, name: str, seconds: float) -> None:
    with pytest.raises(SettingsError, match=f"{name} .*: write seconds, from 0 on"):
        process_file("in.mp4", tmp_path / "out.mp4", **{name: seconds})  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_a_demo_ends(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(SettingsError, match=r"seconds .*: write seconds, from 0 on"):
        process_demo(tmp_path / "out.mp4", seconds=seconds)


def test_a_last_picture_that_is_on_for_long_stays_on(tmp_path: Path) -> None:
    def hold(_kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
        assert packet.time_base is not None
        if index == 59:
            packet.duration = round(3 / packet.time_base)
        return packet

    clip = write_clip(tmp_path / "clip.mp4", frames=60, options={"bf": "0"})
    held = remux(clip, tmp_path / "held.mp4", hold)
    out = tmp_path / "out.mp4"
    process_file(held, out, model="fast", background="#203040")
    with av.open(out) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(59 / 30 + 3, abs=0.1)


@pytest.mark.parametrize("role", ["input", "background"])
def test_what_is_read_is_not_written_over(tmp_path: Path, role: str) -> None:
    clip, other = write_clip(tmp_path / "clip.mp4"), write_clip(tmp_path / "other.mp4")
    before = other.read_bytes()
    source, behind = (other, clip) if role == "input" else (clip, other)
    with pytest.raises(OutputError, match=f"is the {role} itself; choose another name"):
        process_file(source, other, background=str(behind), model="fast", overwrite=True)
    assert other.read_bytes() == before


def test_a_demo_is_not_written_over_its_background(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    before = clip.read_bytes()
    with pytest.raises(OutputError, match="is the background itself"):
        process_demo(clip, background=str(clip), overwrite=True)
    assert clip.read_bytes() == before


def test_a_name_that_is_too_long_is_an_error_of_ours(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    with pytest.raises(OutputError, match="too long"):
        process_file(clip, tmp_path / f"{'a' * 300}.mp4", model="fast", background="#203040")
