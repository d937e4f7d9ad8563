"""Processes of a race: each is waited for, and ends with all that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.race import Unavailable
from realtime.bench.process import environment

# Seconds after which a run hangs, and an installation does.
PATIENCE = 600.0

LOOPS = Path(__file__).parent / "loops"

_CHECKOUT = Path(__file__).parents[1]


def finished(
    command: Sequence[str | Path],
    patience: float = PATIENCE,
    variables: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, whatever its status.

    Args:
        command: a program and its arguments.
        patience: seconds after which it hangs, and is killed.
        variables: of its environment; None for ours.

    Raises:
        Unavailable: it cannot be started, or hangs.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=variables,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from None
    with process:
        try:
            said, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"took more than {patience:g} s") from None
        finally:
            # The whole group: a child of what hangs, or one left behind, would disturb all that
            # run afterwards. It needs Ctrl-C passed on, too, which only reaches our own group.
            # macOS does not permit it where only zombies are left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, said, errors)


def launched(command: Sequence[str], patience: float = PATIENCE) -> dict[str, Any]:
    """What `loops/launch.py` says of a command, and in "answer" the JSON that this ended with.

    Raises:
        Unavailable: the command failed or hangs.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        launcher = [sys.executable, "-I", "-S", str(LOOPS / "launch.py"), str(said)]
        done = finished([*launcher, *command], patience, environment(_CHECKOUT))
        if done.returncode:
            why = last_line(done.stderr) or f"status {done.returncode}"
            raise Unavailable(f"cannot be started: {why}")
        answer = _answer(last_line(said.read_text("utf-8", "replace")))
    took: dict[str, Any] = json.loads(done.stdout)
    if took["status"] != 0:
        why = answer.get("error") or last_line(done.stderr) or f"status {took['status']}"
        raise Unavailable(f"failed: {why}")
    return took | {"answer": answer}


def last_line(text: str) -> str:
    """The last line of what a program said; empty where it said nothing."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def _answer(line: str) -> dict[str, Any]:
    """The JSON of a line; empty where it is anything else."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
