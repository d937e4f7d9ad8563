"""A process that measures, and that nobody waits for without end."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from realtime.closing import Closing
from realtime.errors import RealtimeError

_SOURCES = Path(__file__).parents[2]


def environment(*folders: Path) -> dict[str, str]:
    """The variables of a program that is measured; `folders` have further sources of it.

    Python may keep what it compiled, as it has it of any installed program: else a start would take
    a tenth longer each time. It finds our sources, installed or not, where it is told by -P not to
    look into the user's folder; an empty entry of PYTHONPATH would be that folder again.
    """
    found = {name: it for name, it in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = [*map(str, folders), str(_SOURCES), *found.get("PYTHONPATH", "").split(os.pathsep)]
    return found | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


class Process(Closing):
    """A process that says what it measured; leaving it kills it.

    Args:
        command: a program and its arguments.
        patience: seconds after which it hangs, and is killed.
        remedy: what to do then.
    """

    def __init__(self, command: Sequence[str], patience: float, remedy: str) -> None:
        self._patience = patience
        self._remedy = remedy
        self._hangs = False
        self._said = ""
        # Nobody reads them before its end: it would wait for ever to write into a full pipe.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by close
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=environment(),
            )
        except BaseException:
            self._errors.close()
            raise
        # A timeout of `communicate` would come too late for a line that never does.
        self._timer = threading.Timer(patience, self._give_up)
        self._timer.name, self._timer.daemon = "realtime-patience", True
        self._timer.start()

    def _give_up(self) -> None:
        self._hangs = True
        self._process.kill()

    def line(self) -> str:
        """Its next line, stripped; empty where there is none, since it ended.

        Raises:
            RealtimeError: it hangs.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self._said += line
        self._check()
        return line.strip()

    def tell(self) -> None:
        """Sends it an empty line; where it has ended, it does not hear that."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()

    def wait(self) -> None:
        """Until it has ended.

        Raises:
            RealtimeError: it hangs.
        """
        assert self._process.stdout is not None
        self._said += self._process.stdout.read()
        self._process.wait()
        self._check()

    def answer(self) -> dict[str, Any]:
        """The last that it says, a line of JSON; waits for its end.

        Raises:
            RealtimeError: the "error" in it, or that it died or hangs.
        """
        self.wait()
        try:
            result: dict[str, Any] = json.loads(self._said.strip().splitlines()[-1])
        except (IndexError, ValueError):
            self._errors.seek(0)
            words = self._errors.read().strip().splitlines()
            last = words[-1] if words else f"status {self._process.returncode}"
            raise RealtimeError(f"its process ended: {last}") from None
        if "error" in result:
            raise RealtimeError(result["error"])
        return result

    def _check(self) -> None:
        if self._hangs:
            raise RealtimeError(f"it took more than {self._patience:.0f} s; {self._remedy}")

    def close(self) -> None:
        """Ends it. Idempotent."""
        self._timer.cancel()
        self._timer.join()
        self._process.kill()
        with suppress(BrokenPipeError), self._process:
            self._errors.close()
