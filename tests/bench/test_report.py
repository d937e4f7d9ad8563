"""A report in words."""

from __future__ import annotations

from typing import Any

from realtime.bench import report
from tests.bench.made_up import a_report


def _with_live(name: str, rounds: tuple[float, ...]) -> dict[str, Any]:
    """A report with these rounds of a live figure."""
    made_up = a_report()
    made_up["runs"][0]["metrics"][f"live 30 {name}"] |= {"rounds": rounds, "median": rounds[1]}
    return made_up


class TestReport:
    def test_text_has_every_stage_and_what_is_held(self) -> None:
        text = report.text(a_report())
        for word in (
            "decode",
            "infer",
            "encode",
            "into a file: 51.0 fps",
            "first frame after 0.80",
        ):
            assert word in text
        assert "640×360 at 30: model balanced, 43% of " in text

    def test_a_mean_is_called_one_and_has_no_tail(self) -> None:
        lines = report.text(a_report()).splitlines()
        stages = {line[2:16].strip(): line.split()[-5:] for line in lines}
        assert stages["infer"] == ["2.00", "3.00", "1.0", "2.50", "0%"]
        assert stages["encode, mean"] == ["mean", "2.00", "1.0", "2.50", "0%"]

    def test_a_video_that_stands_still_is_told(self) -> None:
        assert "once more" not in report.text(a_report())
        text = report.text(a_report(repeated=0.985))
        assert "98.5% of the video's pictures are the one before once more: " in text

    def test_a_live_run_with_another_network_names_it(self) -> None:
        text = report.text(a_report())
        assert "fast, 640×360, CPUExecutionProvider, live 30 fps with balanced\n" in text
        assert "  live 30 fps with balanced: 10.0 ms" in text
        same = a_report()
        same["runs"][0]["live_models"] = {"30": "fast"}
        assert "  live 30 fps: 10.0 ms" in report.text(same)
        assert "with" not in report.heading(same["runs"][0])

    def test_held_is_what_every_round_holds(self) -> None:
        lossy = _with_live("dropped", (0.0, 0.0, 0.4))
        (entry,) = report.held_of(lossy)
        assert (entry.holds, entry.dropped) == (False, 0.4)
        assert "0.0% dropped (40.0% in the worst round), 43% of the cores" in report.text(lossy)
        (entry,) = report.held_of(_with_live("latency p95", (20.0, 20.0, 80.0)))
        assert (entry.holds, entry.latency) == (False, 0.08)
        (entry,) = report.held_of(a_report())
        assert entry.holds
        assert "worst" not in report.text(a_report())
