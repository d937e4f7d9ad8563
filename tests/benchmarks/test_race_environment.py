"""Environments for those who need one of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import race_environment
from benchmarks.peers import contestants
from benchmarks.race import Contestant, Unavailable
from benchmarks.race_arena import Arena
from benchmarks.race_environment import Environments, base_python
from tests.benchmarks.racing import CLIP


class _Shell:
    """Stands in for the processes that make an environment.

    Args:
        fails: what they say on stderr, by a word of the command that fails; None is nothing.
    """

    def __init__(self, fails: dict[str, str | None] | None = None) -> None:
        self._fails = fails or {}
        self.commands: list[list[str]] = []

    def __call__(
        self, command: Sequence[str | Path], patience: float = 0
    ) -> subprocess.CompletedProcess[str]:
        parts = [str(part) for part in command]
        self.commands.append(parts)
        for word, why in self._fails.items():
            if word in parts:
                return subprocess.CompletedProcess(parts, 1, "", why or "")
        if "venv" in parts:
            python = Path(parts[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        return subprocess.CompletedProcess(parts, 0, "[]", "")

    def count(self, word: str) -> int:
        return sum(word in command for command in self.commands)


class TestInstalling:
    def _environments(self, tmp_path: Path) -> Environments:
        return Environments(tmp_path / "environments", lambda line: None)

    def _shell(
        self, monkeypatch: pytest.MonkeyPatch, fails: dict[str, str | None] | None = None
    ) -> _Shell:
        shell = _Shell(fails)
        monkeypatch.setattr("benchmarks.race_environment.finished", shell)
        return shell

    @pytest.mark.parametrize(
        ("word", "said", "reason"),
        [
            (
                "install",
                "WARNING\nERROR: not found\n",
                "cannot be installed by pip: ERROR: not found",
            ),
            ("install", None, "cannot be installed by pip: status 1"),
            ("venv", "Error: no room", "has no environment: Error: no room"),
            (
                "ensurepip",
                "python: No module named ensurepip",
                "has no pip, .*python3-venv.*ensurepip",
            ),
            ("list", "broken", r"does not tell what is installed \(delete .*x--1 .*\): broken"),
        ],
    )
    def test_what_cannot_be_installed_is_unavailable_and_tried_once(
        self,
        word: str,
        said: str | None,
        reason: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        shell = self._shell(monkeypatch, {word: said})
        arena = Arena(self._environments(tmp_path), tmp_path / "b.jpg", tmp_path)
        for name in ("x", "x-h264"):
            with pytest.raises(Unavailable, match=f"^{reason}$"):
                arena.run(Contestant(name, "x", "transcode.py", ("x==1",)), CLIP, 1)
        assert shell.count(word) == 1

    def test_a_pip_that_hangs_is_unavailable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hang(command: Sequence[str]) -> None:
            raise Unavailable("took more than 600 s")

        self._environments(tmp_path)
        monkeypatch.setattr("benchmarks.race_environment.finished", hang)
        with pytest.raises(Unavailable, match=r"^does not tell what is .*: took more than 600 s$"):
            race_environment._versions(Path(sys.executable))

    def test_what_is_installed_is_used_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shell = self._shell(monkeypatch)
        for _ in range(2):
            python = self._environments(tmp_path).python(("x==1",))
        assert python == str(tmp_path / "environments" / "x--1" / "bin" / "python")
        assert shell.count("install") == 1
        # The same program with something else beside it is another environment.
        self._environments(tmp_path).python(("x==1", "y"))
        assert shell.count("install") == 2
        # Nor is one of use whose Python is gone.
        Path(python).unlink()
        self._environments(tmp_path).python(("x==1", "y"))
        assert shell.count("install") == 3
        # No module of the user's folder is taken for what is run.
        assert all(command[1] == "-I" for command in shell.commands)

    def test_it_tells_what_is_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "pip.py").write_text("raise SystemExit('not this one')")
        monkeypatch.chdir(tmp_path)
        environments = self._environments(tmp_path)
        here = Path(sys.executable)
        monkeypatch.setattr(environments, "_environment", lambda requirements, pythons: here)
        environments.python(("numpy", "av>=1"))
        ((asked, versions),) = environments.installed.items()
        assert asked == "numpy av>=1"
        assert versions["numpy"] == np.__version__

    def test_a_python_that_fits_is_looked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        this = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert base_python(()) == base_python(("2.9", this)) == sys.executable
        # As pyenv has one for a version that is installed and not chosen.
        for folder, script in (("shims", "exit 127"), ("bin", "echo 2.9")):
            python = tmp_path / folder / "python2.9"
            python.parent.mkdir()
            python.write_text(f"#!/bin/sh\n{script}\n")
            python.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}{os.pathsep}{tmp_path / 'bin'}")
        assert base_python(("2.8", "2.9")) == str(tmp_path / "bin" / "python2.9")
        why = f"needs Python 2.7 or 2.8: this is {this}, and PATH has no python2.7 or python2.8 "
        with pytest.raises(Unavailable, match=re.escape(why)):
            base_python(("2.7", "2.8"))

    def test_it_is_made_with_a_python_that_fits(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Sequence[str]] = []

        def base(versions: Sequence[str]) -> str:
            asked.append(versions)
            return "/another/python"

        monkeypatch.setattr("benchmarks.race_environment.base_python", base)
        shell = self._shell(monkeypatch)
        (peer,) = (c for c in contestants(None, tmp_path) if c.name == "mediapipe")
        self._environments(tmp_path).python(peer.requirements, peer.pythons)
        assert asked == [("3.11", "3.12")]
        assert shell.commands[0][:4] == ["/another/python", "-I", "-m", "venv"]
