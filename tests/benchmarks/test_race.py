"""Turns, floors, stand-ins, and what is reckoned."""

from __future__ import annotations

import pytest

from benchmarks.peers import table
from benchmarks.race import FLOOR, Contestant, ratio
from models.errors import ModelsError
from tests.benchmarks.racing import EVERYBODY, Race, raced


def test_everybody_is_tried_and_then_takes_turns() -> None:
    race = Race({FLOOR: 80, "ours": 60, "slow": 4})
    raced(race)
    names = [FLOOR, "ours", "slow"]
    assert [name for name, _ in race.asked] == [*names, *[*names, "slow"] * 2]
    assert [frames for _, frames in race.asked[3:]] == [300, 300, 10, 20] * 2


def test_figures_are_those_of_whole_processes_beside_the_floor() -> None:
    result = raced(Race({FLOOR: 80, "ours": 60, "slow": 4}))
    assert result["skipped"] == {}
    ours = result["contestants"]["ours"]
    assert ours["fps"] == pytest.approx(60)
    assert ours["of_transcode"] == pytest.approx(0.75)
    assert ours["cpu_seconds"] == pytest.approx(1.6 * 300 / 60)
    assert ours["cpu_ms_per_frame"] == pytest.approx(1.6 * 1000 / 60)


def test_a_slow_one_starts_once_also_where_most_of_its_clip_is_reckoned() -> None:
    slow = raced(Race({FLOOR: 80, "ours": 60, "slow": 4}))["contestants"]["slow"]
    assert (slow["frames"], slow["frames_run"]) == (300, 20)
    assert slow["fps"] == pytest.approx(300 / (2 + 300 / 4))
    assert slow["cpu_seconds"] == pytest.approx(1.6 * (2 + 300 / 4))


@pytest.mark.parametrize("call", [0, 1, 2, 3])
def test_who_cannot_run_is_left_out_whenever_that_shows(call: int) -> None:
    race = Race({FLOOR: 80, "ours": 60, "slow": 4}, {"slow": call})
    result = raced(race)
    assert list(result["contestants"]) == [FLOOR, "ours"]
    assert result["skipped"] == {"slow": "failed: out of luck"}
    # Nor is it asked again.
    assert [name for name, _ in race.asked].count("slow") == call + 1


@pytest.mark.parametrize("call", [0, 1])
def test_without_the_floor_there_is_no_race(call: int) -> None:
    with pytest.raises(ModelsError, match="bare transcode"):
        raced(Race({FLOOR: 80, "ours": 60, "slow": 4}, {FLOOR: call}))


@pytest.mark.parametrize("missing", [False, True])
def test_a_stand_in_runs_where_the_original_does_not(missing: bool) -> None:
    everybody = (
        *EVERYBODY[:2],
        Contestant("original", "the original"),
        Contestant("stand-in", "another", instead_of="original"),
    )
    fps = {FLOOR: 80.0, "ours": 60.0, "original": 30.0, "stand-in": 31.0}
    result = raced(Race(fps, {"original": 0} if missing else None), everybody)
    third = "stand-in" if missing else "original"
    assert list(result["contestants"]) == [FLOOR, "ours", third]


@pytest.mark.parametrize(("call", "rounds"), [(1, 2), (2, 1)])
def test_a_stand_in_takes_over_where_the_original_breaks_later(call: int, rounds: int) -> None:
    everybody = (
        Contestant(FLOOR, "the floor"),
        Contestant("original", "the original"),
        Contestant("stand-in", "another", instead_of="original"),
    )
    race = Race({FLOOR: 80, "original": 30, "stand-in": 40}, {"original": call})
    result = raced(race, everybody)
    assert list(result["contestants"]) == [FLOOR, "stand-in"]
    assert result["skipped"] == {"original": "failed: out of luck"}
    figures = result["contestants"]["stand-in"]
    assert figures["fps_rounds"] == pytest.approx([40] * rounds)
    assert figures["of_transcode"] == pytest.approx(0.5)
    # It was tried first, as all are.
    assert [frames for name, frames in race.asked if name == "stand-in"] == [3, *[300] * rounds]
    clip = {"width": 2, "height": 2, "frames": 300} | result
    note = "another: ran in the last 1 rounds only, in place of one that broke."
    shown = table({"machine": {"cpu": "one"}, "clips": {"a.mp4": clip}}).splitlines()
    assert (note in shown) == (rounds == 1)


def test_a_late_stand_in_is_compared_by_the_rounds_that_it_shares() -> None:
    assert ratio([60, 40, 20], [10]) == 2
    assert ratio([30], [10, 20, 60]) == 0.5


def test_rounds_before_the_floor_breaks_are_kept() -> None:
    result = raced(Race({FLOOR: 80, "ours": 60, "slow": 4}, {FLOOR: 2}))
    assert result["ended"] == "the bare transcode broke in round 2: failed: out of luck"
    assert [len(c["fps_rounds"]) for c in result["contestants"].values()] == [1, 1, 1]
    clip = {"width": 2, "height": 2, "frames": 300} | result
    shown = table({"machine": {"cpu": "one"}, "clips": {"a.mp4": clip}})
    assert f"The race ended early: {result['ended']}." in shown.splitlines()
