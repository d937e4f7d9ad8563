"""How a run tells the user where it is."""

from __future__ import annotations

import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from realtime.progress import Bar, JsonLines, Lines, Quiet, choose, describe
from realtime.stats import Progress, Summary

_HALF = Progress(frames=50, expected=100, seconds=2.0, fps=25.0, speed=0.5, dropped=0)
_SUMMARY = Summary(100, 100, 0, 4.0, 25.0, "test", "TestProvider", "for a test", {}, ("cut short",))


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_has_frames_rate_speed_and_time_to_go() -> None:
    assert describe(_HALF) == "50/100 frames · 25.0 fps · ×0.50 real time · 0:02 to go"


def test_an_endless_run_has_no_time_to_go_and_drops_are_shown() -> None:
    endless = Progress(frames=50, expected=None, seconds=2.0, fps=25.0, speed=0.5, dropped=3)
    assert describe(endless) == "50 frames · 25.0 fps · ×0.50 real time · 3 dropped"


def test_logs_get_few_lines_and_the_last_word(capsys: pytest.CaptureFixture[str]) -> None:
    clock = _Clock()
    with Lines(clock) as lines:
        for tenth in range(121):
            clock.now = tenth / 10
            lines.progress(_HALF)
    lines.note("down to fast")
    lines.summary(_SUMMARY)
    captured = capsys.readouterr()
    assert captured.err.count("50/100 frames") == 2
    assert "down to fast\n" in captured.err
    assert "note: cut short" in captured.err
    assert captured.out.startswith("100 frames in")


def test_json_lines_are_json_and_few(capsys: pytest.CaptureFixture[str]) -> None:
    clock = _Clock()
    with JsonLines(clock) as lines:
        for tenth in range(21):
            clock.now = tenth / 10
            lines.progress(_HALF)
    lines.note("down to fast")
    lines.summary(_SUMMARY)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["progress"] * 4 + ["note", "summary"]
    assert events[-2]["message"] == "down to fast"
    assert events[0]["eta"] == 2.0
    assert events[-1]["notes"] == ["cut short"]


def test_lines_of_several_threads_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            time.sleep(0.001)  # another thread's turn
            return super().write(text)

    stdout = Slow()
    monkeypatch.setattr(sys, "stdout", stdout)
    told = JsonLines()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(told.note, map(str, range(40))))
    messages = [json.loads(line)["message"] for line in stdout.getvalue().splitlines()]
    assert sorted(messages, key=int) == [str(number) for number in range(40)]


def test_quiet_says_nothing_but_errors(capsys: pytest.CaptureFixture[str]) -> None:
    with Quiet() as quiet:
        quiet.progress(_HALF)
        quiet.note("down to fast")
    quiet.summary(_SUMMARY)
    quiet.error("it broke")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Error: it broke\n")


def test_the_bar_leaves_only_the_last_word(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        bar.progress(_HALF)
        bar.note("down to [fast]")
    bar.summary(_SUMMARY)
    captured = capsys.readouterr()
    assert captured.out.startswith("100 frames in")
    assert "down to [fast]\n" in captured.err


@pytest.mark.parametrize(
    ("quiet", "as_json", "kind"), [(True, False, Quiet), (False, True, JsonLines)]
)
def test_the_options_choose(quiet: bool, as_json: bool, kind: type[Quiet]) -> None:
    assert type(choose(quiet=quiet, as_json=as_json)) is kind
