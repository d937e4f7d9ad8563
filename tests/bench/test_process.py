"""Processes that are measured, and those that hang."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.bench import child, runner
from realtime.bench.case import Case
from realtime.bench.process import Process, environment
from realtime.errors import RealtimeError


class TestProcess:
    def _process(self, code: str, patience: float = 60.0) -> Process:
        return Process([sys.executable, "-c", code], patience, "be brief")

    @pytest.mark.parametrize("ask", [Process.line, Process.wait, Process.answer])
    def test_one_that_hangs_is_killed(self, ask: Callable[[Process], object]) -> None:
        with (
            self._process("import time; time.sleep(600)", 0.2) as process,
            pytest.raises(RealtimeError, match=r"^it took more than 0 s; be brief$"),
        ):
            ask(process)

    @pytest.mark.parametrize("task", ["measure", child.FIRST])
    def test_a_measurement_that_hangs_ends(
        self, task: str, case: Case, hanging: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", hanging)
        monkeypatch.setattr(runner, "_PATIENCE", 0.2)
        monkeypatch.setattr(runner, "_PATIENCE_FACTOR", 0.0)
        with pytest.raises(RealtimeError, match="measure fewer --seconds"):
            runner._in_a_process(task, case)

    def test_its_python_keeps_what_it_compiled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        code = "import json, sys; print(json.dumps({'keeps': not sys.dont_write_bytecode}))"
        with self._process(code) as process:
            assert process.answer() == {"keeps": True}

    def test_one_that_complains_at_length_is_heard_all_the_same(self) -> None:
        code = "import sys; sys.stderr.write('no\\n' * 100_000); print('first'); print('{}')"
        with self._process(code) as process:
            assert process.line() == "first"
            assert process.answer() == {}

    def test_the_last_words_of_one_that_dies_are_kept(self) -> None:
        with (
            self._process("print('first'); raise ValueError('no good')") as process,
            pytest.raises(RealtimeError, match=r"^its process ended: ValueError: no good$"),
        ):
            process.answer()

    def test_it_is_told_to_go_on(self) -> None:
        code = "input(); print('{\"heard\": true}')"
        with self._process(code) as process:
            process.tell()
            assert process.answer() == {"heard": True}
            process.tell()  # to nobody


def test_our_sources_are_found_and_the_users_folder_is_not_looked_into(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "further", ""]))
    first, second, *others = environment(tmp_path)["PYTHONPATH"].split(os.pathsep)
    assert first == str(tmp_path)
    assert (Path(second) / "realtime" / "bench").is_dir()
    assert others == ["further"]
