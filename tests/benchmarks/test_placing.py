"""Which processor a measured program is kept to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from benchmarks import placing

COMMAND = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]


def test_elsewhere_a_program_runs_where_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_user_mode", lambda: False)
    assert placing.kept_to(0, COMMAND) == COMMAND


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("taskset") is None, reason="only Linux has taskset"
)
def test_under_user_mode_linux_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_user_mode", lambda: True)
    one = min(os.sched_getaffinity(0))
    done = subprocess.run(
        placing.kept_to(one, COMMAND), stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.strip() == str({one})
    # Of a processor that is not there nothing can be asked.
    assert placing.kept_to(10_000, COMMAND) == COMMAND
