"""Puts a load on this machine, in processes of its own: streams side by side, of files or cameras.

measured ── starts ──▶ python -m benchmarks.loads '{"kind": …}' CLIP MODEL      each process
    ◀── "ready" ── opened, and nothing runs yet
    ── a line on stdin ──▶ all begin at once
    ◀── a line of JSON ── what it did, or {"error": …} and status 1
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from realtime.bench.child import peak_memory_mb
from realtime.bench.figures import percentile
from realtime.bench.live import WARM_UP, open_live
from realtime.bench.material import read_frames
from realtime.bench.process import Process
from realtime.bench.whole import open_file
from realtime.cores import keep_opencv_to_its_caller
from realtime.errors import RealtimeError
from realtime.output.detached import DetachedSink
from realtime.output.file import FileSink
from realtime.output.sink import NullSink

_READY = "ready"

# Pictures of a camera, which goes back and forth through them; so many of 4K take 250 MB.
_CAMERA_FRAMES = 20

# Seconds after which a process hangs.
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Load:
    """What runs at once.

    Attributes:
        kind: "null" is a file to nowhere, "h264" a file into a file, "live" a camera that delivers
            by the clock and an output into memory.
        width: of the pictures, in pixels.
        height: likewise.
        seconds: of the clip; of a live run, those that count.
        fps: of a live run's camera, in Hz.
        outputs: of each live run: the first is the one into memory, others are H.264 files.
        streams: in each process, each with threads of its own.
        processes: that run at once.
    """

    kind: Literal["null", "h264", "live"]
    width: int
    height: int
    seconds: float
    fps: float = 30.0
    outputs: int = 1
    streams: int = 1
    processes: int = 1

    def __str__(self) -> str:
        kind = f"live, {self.outputs} outputs" if self.kind == "live" else self.kind
        return (
            f"{self.width}×{self.height}, {self.seconds:g} s, {kind}, "
            f"{self.processes} × {self.streams} streams"
        )


@dataclass(frozen=True, slots=True)
class Did:
    """What one process did.

    Attributes:
        frames: that were delivered, of all streams.
        due: that should have been.
        seconds: that it took; of a live run, those that count.
        processed: frames delivered, also in those seconds of a live run that do not count.
        cpu: seconds of the processor that `processed` took.
        peak_mb: the most memory that the process had; None where the system does not say.
        lost_in_files: of `processed`, those that outputs beside the first gave up.
        latencies: seconds from camera to first output; empty for files.
    """

    frames: int
    due: int
    seconds: float
    processed: int
    cpu: float
    peak_mb: float | None
    lost_in_files: int = 0
    latencies: tuple[float, ...] = ()


def run(load: Load, clip: str, model: str, begin: Callable[[], None] = lambda: None) -> Did:
    """Runs all streams of one process.

    Args:
        load: what; `processes` is somebody else's business.
        clip: a video of this size.
        model: name of the network.
        begin: called when everything is opened; the runs begin when it returns.

    Raises:
        RealtimeError: something cannot be opened, or broke.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepare = _live if load.kind == "live" else _file
        streams = [prepare(stack, load, clip, model, folder / str(i)) for i in range(load.streams)]
        pool = stack.enter_context(ThreadPoolExecutor(load.streams))
        begin()
        cpu, start = time.process_time(), time.perf_counter()
        found = list(pool.map(lambda stream: stream(), streams))
        cpu, seconds = time.process_time() - cpu, time.perf_counter() - start
    return Did(
        frames=sum(one.frames for one in found),
        due=sum(one.due for one in found),
        seconds=load.seconds if load.kind == "live" else seconds,
        processed=sum(one.processed for one in found),
        cpu=cpu,
        peak_mb=peak_memory_mb(),
        lost_in_files=sum(one.lost_in_files for one in found),
        latencies=tuple(latency for one in found for latency in one.latencies),
    )


@dataclass(frozen=True, slots=True)
class _Stream:
    """What came of one stream, as `Did` has it."""

    frames: int
    due: int
    processed: int
    lost_in_files: int = 0
    latencies: Sequence[float] = ()


def _file(stack: ExitStack, load: Load, clip: str, model: str, out: Path) -> Callable[[], _Stream]:
    """Opens a file; the result runs it."""
    sink = NullSink() if load.kind == "null" else FileSink(out.with_suffix(".mp4"))
    pipeline = open_file(stack, clip, sink, model=model, seconds=load.seconds)

    def stream() -> _Stream:
        summary = pipeline.run()
        return _Stream(summary.frames_out, summary.frames_in, summary.frames_out)

    return stream


def _live(stack: ExitStack, load: Load, clip: str, model: str, out: Path) -> Callable[[], _Stream]:
    """Opens a live run with files beside; the result runs it."""
    frames = read_frames(clip, _CAMERA_FRAMES)[1]
    files = [
        DetachedSink(FileSink(out.with_name(f"{out.name}-{i}.mp4"), from_first=True))
        for i in range(1, load.outputs)
    ]
    run = open_live(stack, frames, load.fps, model=model, seconds=load.seconds, beside=files)

    def stream() -> _Stream:
        since = time.monotonic() + WARM_UP
        until = since + load.seconds
        run.pipeline.run()
        arrivals = run.clock.arrivals
        latencies = [late for when, late in arrivals if since <= when < until]
        return _Stream(
            frames=len(latencies),
            due=run.camera.due(since, until),
            processed=len(arrivals),
            lost_in_files=sum(file.dropped for file in files),
            latencies=latencies,
        )

    return stream


def measured(load: Load, clip: str, model: str) -> dict[str, float | None]:
    """Runs a load in its processes.

    Returns:
        fps: frames a second, of all streams together. cpu_ms: of the processor, per frame.
        peak_mb: of all processes together. Of live runs also latency_median_ms and latency_p95_ms,
        None where no frame arrived, and dropped: share of the frames due; where there are files
        beside the first output, dropped_in_files: likewise, of what they should have had.

    Raises:
        RealtimeError: what a process says, or that it died or hangs.
    """
    command = [sys.executable, "-m", "benchmarks.loads", json.dumps(asdict(load)), clip, model]
    try:
        return _measured(load, command)
    except RealtimeError as error:
        raise RealtimeError(f"{load}: {error}") from None


def _measured(load: Load, command: Sequence[str]) -> dict[str, float | None]:
    with ExitStack() as stack:
        children = [
            stack.enter_context(_Child(command, _PATIENCE, "try --quick"))
            for _ in range(load.processes)
        ]
        for child in children:
            child.wait_until_ready()
        for child in children:
            child.tell()
        return together(load, [child.result() for child in children])


def together(load: Load, did: Sequence[Did]) -> dict[str, float | None]:
    """What all processes of a load did, as `measured` returns it."""
    frames, due = sum(d.frames for d in did), sum(d.due for d in did)
    processed = max(1, sum(d.processed for d in did))
    peaks = [d.peak_mb for d in did if d.peak_mb is not None]
    found: dict[str, float | None] = {
        "fps": frames / max(d.seconds for d in did),
        "cpu_ms": 1e3 * sum(d.cpu for d in did) / processed,
        "peak_mb": sum(peaks) if peaks else None,
    }
    if load.kind == "live":
        latencies = [1e3 * latency for d in did for latency in d.latencies]
        found |= {
            "latency_median_ms": percentile(latencies, 50) if latencies else None,
            "latency_p95_ms": percentile(latencies, 95) if latencies else None,
            # The rounding of drawn times can put one more into it.
            "dropped": max(0.0, 1 - frames / due) if due else 1.0,
        }
        if load.outputs > 1:
            lost = sum(d.lost_in_files for d in did)
            found["dropped_in_files"] = lost / processed / (load.outputs - 1)
    return found


class _Child(Process):
    """One process of a load."""

    def wait_until_ready(self) -> None:
        if self.line() != _READY:
            self.answer()  # raises what it says instead

    def result(self) -> Did:
        plain = self.answer()
        return Did(**{**plain, "latencies": tuple(plain["latencies"])})


def main() -> int:
    """One process of `measured`."""
    try:
        text, clip, model = sys.argv[1:]
        load = Load(**json.loads(text))
    except (ValueError, TypeError):
        print("error: is run by others; run python -m benchmarks.growth", file=sys.stderr)
        return 2

    # As the command line does.
    keep_opencv_to_its_caller()

    def begin() -> None:
        print(_READY, flush=True)
        sys.stdin.readline()

    try:
        print(json.dumps(asdict(run(load, clip, model, begin))))
    except RealtimeError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
