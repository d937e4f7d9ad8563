"""Measures all that the table of goals says of a CPU, in one run, one after the other.

`python -m benchmarks.goals --clip ../shared/clips/office_720p.mp4 --peers ../shared/peers` writes
`bench.json`, `compositor.json` and `peers.json` to `benchmarks/results`, each with the time at
which the run began: `python -m benchmarks.report` then tells that the figures are of one run. It
takes some twenty minutes; close other programs first.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.race_arena import describe_all
from benchmarks.reporting import check_writable, run_command, write_report
from benchmarks.throughput import RESULTS
from models import command
from models.errors import ModelsError
from realtime.new_files import part_beside, target_of
from realtime.progress import complain

# Runs `python` with these arguments and gives its exit status.
Run = Callable[[Sequence[str]], int]


def commands(clips: Sequence[Path], peers: Path | None, out: Path) -> dict[str, list[str]]:
    """What to measure: the name of each report, and the arguments of `python` that write it."""
    races = [part for clip in clips for part in ("--clip", str(clip))]
    races += [] if peers is None else ["--peers", str(peers)]

    def report(name: str) -> str:
        return str(out / f"{name}.json")

    return {
        "bench": [
            *("-m", "realtime", "bench", "--model", "default,fast", "--fps", "30,60"),
            *("--json", report("bench")),
        ],
        "compositor": ["-m", "benchmarks.compositor", "--output", report("compositor")],
        "peers": ["-m", "benchmarks.peers", *races, "--json", report("peers")],
    }


def check(clips: Sequence[Path], peers: Path | None, results: Path) -> None:
    """Looks at the arguments first: what is wrong with one would be told after many minutes.

    Raises:
        ModelsError: a clip cannot be raced with, the peers' folder is missing, or a report cannot
            be written.
    """
    describe_all(clips)
    if peers is not None and not peers.is_dir():
        raise ModelsError(f"no folder at {peers}; name that of the peers' networks with --peers")
    for name in commands(clips, peers, results):
        check_writable(results / f"{name}.json")


def measure(clips: Sequence[Path], peers: Path | None, results: Path, began: str, run: Run) -> None:
    """Writes the reports, all or none.

    Args:
        clips: videos to race with.
        peers: folder of other people's networks; None for none.
        results: where the reports go.
        began: when the run began, for people to read.
        run: runs one command.

    Raises:
        ModelsError: one of them failed, or the reports cannot be written after all; says where
            they are then.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, arguments in commands(clips, peers, Path(folder)).items():
            complain(f"python {' '.join(arguments)}")
            if status := run(arguments):
                raise ModelsError(f"{name}: failed with {status}; nothing was written")
            report = json.loads((Path(folder) / f"{name}.json").read_text("utf-8"))
            found[name] = report | {"began": began}
    try:
        _write(found, results)
    except ModelsError as error:
        elsewhere = Path(tempfile.mkdtemp(prefix="goals-"))
        _write(found, elsewhere)
        raise ModelsError(f"{error}; what was measured is in {elsewhere}") from None


def _write(reports: dict[str, dict[str, Any]], folder: Path) -> None:
    """Writes reports into a folder, all or none.

    Raises:
        ModelsError: they cannot be written; those that are there are as they were.
    """
    # A link stays one.
    targets = {name: target_of(folder / f"{name}.json") for name in reports}
    parts = {name: part_beside(target) for name, target in targets.items()}
    try:
        for name, report in reports.items():
            write_report(parts[name], report)
        # Not one may take its place where another could not.
        for target in targets.values():
            check_writable(target)
        for name, target in targets.items():
            parts[name].replace(target)
    except OSError as error:
        raise ModelsError(f"{folder}: cannot be written ({error.strerror or error})") from None
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()


def main() -> int:
    parser = command.parser("benchmarks.goals", __doc__)
    parser.add_argument("--clip", type=Path, action="append", required=True, help="a video")
    parser.add_argument("--peers", type=Path, help="folder of other people's networks")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of the reports (%(default)s)"
    )
    arguments = parser.parse_args()
    check(arguments.clip, arguments.peers, arguments.results)
    began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    measure(
        arguments.clip,
        arguments.peers,
        arguments.results,
        began,
        lambda parts: subprocess.run([sys.executable, *parts], check=False).returncode,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
