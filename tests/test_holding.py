"""What a machine holds, measured and remembered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from realtime import holding
from realtime.bench import child, report, runner
from realtime.bench.case import Case
from realtime.bench.runner import Plan
from realtime.holding import Held, held, remember
from realtime.remembered import keep
from tests.bench.made_up import a_report, a_result


def _held(**changes: Any) -> Held:
    values: dict[str, Any] = {
        "width": 1920,
        "height": 1080,
        "fps": 30.0,
        "model": "fast",
        "provider": "CPUExecutionProvider",
        "holds": True,
        "share": 0.43,
        "latency": 0.028,
        "dropped": 0.0,
    }
    return Held(**{**values, **changes})


class TestHolding:
    def test_what_is_remembered_is_known(self, tmp_path: Path) -> None:
        path = tmp_path / "cache" / "held.json"
        assert held(path) == ()
        assert remember((_held(), _held(fps=60.0, holds=False)), path) == path
        assert held(path) == (_held(), _held(fps=60.0, holds=False))
        remember((_held(share=0.5), _held(model="other")), path)
        assert held(path) == (_held(share=0.5), _held(fps=60.0, holds=False), _held(model="other"))
        assert [p.name for p in path.parent.iterdir()] == ["held.json"]

    @pytest.mark.parametrize("found", [None, 3, ["text"], [{"width": 3}], {"width": 3}])
    def test_a_file_of_something_else_tells_nothing(self, found: object, tmp_path: Path) -> None:
        path = tmp_path / "held.json"
        keep(path, found)
        assert held(path) == ()
        remember((_held(),), path)
        assert held(path) == (_held(),)

    def test_the_folder_is_the_users_cache(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
        assert holding.default_path() == tmp_path / "x" / "realtime" / "held.json"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert holding.default_path() == tmp_path / ".cache" / "realtime" / "held.json"

    def test_sentences(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(holding, "usable_cores", lambda: 2)
        assert str(_held()) == (
            "1080p30: model fast, 43% of 2 cores, 95 % of the frames within 28 ms"
        )
        lost = _held(holds=False, dropped=0.12, width=1280, height=720, fps=60.0)
        assert str(lost) == (
            "720p60: model fast is too much: 12.0% of the frames dropped, 43% of 2 cores"
        )
        assert "within 80 ms only" in str(_held(holds=False, latency=0.08))
        assert "no frame arrived" in str(_held(holds=False, latency=None, dropped=1.0))

    @pytest.mark.parametrize(
        ("dropped", "p95", "holds"),
        [(0.0, 60.0, True), (0.02, 20.0, False), (0.0, 70.0, False), (1.0, None, False)],
    )
    def test_held_is_what_arrives_within_two_frames(
        self, dropped: float, p95: float | None, holds: bool
    ) -> None:
        def measure(task: str, case: Case) -> dict[str, Any]:
            if task == child.FIRST:
                return {"seconds": 1.0}
            result = a_result(case)
            result["live"][0] |= {"dropped": dropped, "latency_p95_ms": p95}
            return result

        made_up = runner.run(Plan(sizes=((64, 48),), seconds=0.1, repeats=1), child=measure)
        (entry,) = report.held_of(made_up)
        assert (entry.model, entry.holds) == ("balanced", holds)

    def test_forced_threads_say_nothing_about_the_program(self) -> None:
        made_up = a_report()
        made_up["runs"][0]["threads"] = 2
        assert report.held_of(made_up) == ()
