"""What the commands of the benchmarks have in common: where to write, and Ctrl-C."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks import compositor, edges, governor, gpu, growth, picture, soak
from benchmarks.reporting import run_command

# What each does first of all, and what stands before the place of its output.
_COMMANDS: dict[str, tuple[ModuleType, str, tuple[str, ...]]] = {
    "compositor": (compositor, "Matting", ("--output",)),
    "edges": (edges, "scenes", ("--output",)),
    "governor": (governor, "run", ("--out",)),
    "gpu": (gpu, "run", ("--json",)),
    "growth": (growth, "run", ("--model", "fast", "--out")),
    "picture": (picture, "draw", ()),
    "soak": (soak, "run", ("--out",)),
}


@pytest.fixture(params=_COMMANDS)
def command(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path, Callable[..., Any]], int]:
    """Runs one with an output of its own, and something else in place of what it measures."""
    module, first, given = _COMMANDS[request.param]

    def run(out: Path, instead: Callable[..., Any]) -> int:
        monkeypatch.setattr(module, first, instead)
        monkeypatch.setattr(sys, "argv", [request.param, *given, str(out)])
        monkeypatch.setattr(sys, "platform", "linux")
        return run_command(module.main)

    return run


def test_where_nothing_can_be_written_nothing_is_measured(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "report"
    assert command(place, lambda *_, **__: pytest.fail("it began")) == 2
    words = rf"error: {re.escape(str(place))}\S*: cannot be written \(.+\); name another place.*\n"
    assert re.fullmatch(words, capsys.readouterr().err)


def test_an_interrupt_is_told_in_one_line(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    assert command(tmp_path / "report", interrupted) == 130
    assert capsys.readouterr().err == "interrupted\n"
