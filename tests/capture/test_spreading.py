"""Bursts of the network, spread by the stream's own times."""

from __future__ import annotations

from itertools import pairwise

import pytest

from realtime.capture.spreading import Spreading

_INTERVAL = 40_000_000


def _play(
    arrivals: list[int], spreading: Spreading, *, interval: int = _INTERVAL
) -> tuple[list[int], list[int]]:
    """Reads pictures that the network has at these times; when each was passed on, and its wait."""
    now, passed, waits = 0, [], []
    for index, arrival in enumerate(arrivals):
        awaited = arrival > now
        now = max(now, arrival)
        wait = spreading(5_000 + index * interval, now, awaited=awaited)
        if wait is None:
            continue
        now += wait
        passed.append(now)
        waits.append(wait)
    return passed, waits


def test_pictures_that_come_on_time_are_passed_on_at_once() -> None:
    _, waits = _play([index * _INTERVAL for index in range(50)], Spreading("rtsp"))
    assert waits == [0] * 50


def test_a_burst_is_spread() -> None:
    arrivals = [index // 4 * 4 * _INTERVAL for index in range(80)]
    passed, _ = _play(arrivals, Spreading("rtsp"))
    gaps = [later - earlier for earlier, later in pairwise(passed)]
    assert min(gaps) > 0.9 * _INTERVAL
    assert max(gaps) < 1.1 * _INTERVAL


def test_a_late_picture_is_passed_on_at_once_and_delays_the_next_for_a_while_only() -> None:
    arrivals = [index * _INTERVAL for index in range(1000)]
    arrivals[10] += 30_000_000
    passed, waits = _play(arrivals, Spreading("rtsp"))
    assert waits[10] == 0
    assert waits[11] == pytest.approx(30_000_000, rel=0.1)
    assert passed[-1] - arrivals[-1] < 1_000_000


def test_a_live_streams_backlog_is_hurried_through() -> None:
    """FFmpeg looks at a second of a stream before it gives anything of it."""
    arrivals = [max(1_000_000_000, index * _INTERVAL) for index in range(60)]
    passed, waits = _play(arrivals, Spreading("mpegts"))
    assert sum(waits[:25]) <= 200_000_000
    assert passed[31:] == pytest.approx(arrivals[31:], abs=1_000_000)


@pytest.mark.parametrize("missing", [10, 20, 25, 28, 30, 125])
def test_the_backlog_of_a_stall_is_given_up_but_for_the_newest(missing: int) -> None:
    arrivals = [index * _INTERVAL for index in range(400)]
    arrivals[100 : 100 + missing] = [arrivals[100 + missing]] * missing
    passed, _ = _play(arrivals, Spreading("rtsp"))
    after = [moment for moment in passed if moment >= arrivals[100]]
    # The first says nothing, and makes a sixteenth of it pass for the way's; then the last 200 ms.
    assert len(passed) <= 400 - missing + 7 + missing // 16
    assert passed[-1] == pytest.approx(arrivals[-1], abs=5_000_000)
    assert all(later - earlier < 1.1 * _INTERVAL for earlier, later in pairwise(after))


@pytest.mark.parametrize("burst", [4, 8])
def test_a_way_that_becomes_longer_is_no_backlog_for_long(burst: int) -> None:
    arrivals = [index // burst * burst * _INTERVAL for index in range(1000)]
    arrivals[500:] = [arrival + 700_000_000 for arrival in arrivals[500:]]
    passed, _ = _play(arrivals, Spreading("rtsp"))
    late = [moment for moment in passed if moment >= arrivals[800]]
    assert len(late) == 200
    assert 1000 - 25 * burst < len(passed) < 1000


@pytest.mark.parametrize("burst", [1, 4])
def test_a_clock_that_runs_slower_costs_no_picture(burst: int) -> None:
    arrivals = [round(index // burst * burst * _INTERVAL * 1.001) for index in range(20_000)]
    passed, _ = _play(arrivals, Spreading("rtsp"))
    assert len(passed) == 20_000


@pytest.mark.parametrize("jump", [10_000_000_000, -10_000_000_000, -500_000_000])
def test_a_clock_that_jumps_costs_no_picture(jump: int) -> None:
    """For good, as when a clip begins anew, and for a single picture."""
    for last in (200, 1000):
        spreading, waits = Spreading("rtsp"), []
        for index in range(1000):
            taken = index * _INTERVAL + (jump if 199 <= index < last else 0)
            waits.append(spreading(taken, index // 4 * 4 * _INTERVAL, awaited=index % 4 == 0))
        assert None not in waits


@pytest.mark.parametrize("format", ["hls", "mov,mp4,m4a,3gp,3g2,mj2"])
def test_what_comes_in_pieces_of_seconds_plays_at_its_own_pace(format: str) -> None:
    arrivals = [index // 100 * 100 * _INTERVAL for index in range(400)]
    passed, _ = _play(arrivals, Spreading(format))
    gaps = [later - earlier for earlier, later in pairwise(passed)]
    assert min(gaps) > 0.9 * _INTERVAL
    assert max(gaps) < 3 * _INTERVAL


def test_a_film_that_is_all_there_plays_to_its_end_at_its_own_pace() -> None:
    passed, _ = _play([0] * 5000, Spreading("mov,mp4,m4a,3gp,3g2,mj2"))
    assert passed[-1] == pytest.approx(4999 * _INTERVAL, rel=0.02)


def test_times_that_jump_are_taken_as_they_are() -> None:
    spreading = Spreading("rtsp")
    assert spreading(0, 10, awaited=True) == 0
    assert spreading(90_000_000_000, 40_000_010, awaited=True) == 0
    assert spreading(90_040_000_000, 80_000_010, awaited=True) == 0
    assert spreading(3_000, 120_000_010, awaited=True) == 0


def test_a_picture_without_a_time_does_not_wait() -> None:
    assert Spreading("rtsp")(None, 10, awaited=False) == 0
