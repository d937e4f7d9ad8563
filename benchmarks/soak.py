"""What a live run holds and how it does after half an hour: does anything grow?

`python -m benchmarks.soak --minutes 30` runs `realtime live` in a process of its own, as a user
would, looks each second at its memory, threads and handles, and reads latency and drops from the
figures that it writes itself. It fits lines through them and writes `benchmarks/results/soak.json`,
and draws `soak.png` beside it. Linux only. With devices:

    python -m benchmarks.soak --input camera --output /dev/video10 --readers 50

has so many readers come to the virtual camera and go again, evenly over the run.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2

from benchmarks.placing import kept_to
from benchmarks.reporting import kept, places, pyplot, run_command, write_report
from models import command
from models.errors import ModelsError
from realtime.output import loopback

_RESULTS = Path(__file__).parent / "results"

_INTERVAL = 1.0

# Seconds in which a run may drop frames, and share of it in which caches and pools still fill.
_START_UP = 3.0
_WARM_UP = 0.2

# A line is fitted through the means of so many parts of the run: samples that follow each other
# are alike, and would make the line look surer than it is.
_PARTS = 20

# Student's t for 95 % on both sides, with as many degrees of freedom as `_PARTS` leaves.
_T95 = 2.101

# Of shorter runs, too little is left after the warm-up to fit a line through.
_LEAST_MINUTES = 1.0

# Seconds that a run may take to start and to end, beyond those that it was asked for.
_GRACE = 60.0

# Seconds that a reader stays, or half the time until the next one comes.
_STAY = 5.0

_MOST_ROWS = 300
_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at a moment.

    Attributes:
        seconds: since its start.
        megabytes: resident memory, in 10⁶ bytes.
        threads: how many.
        handles: open files and devices.
    """

    seconds: float
    megabytes: float
    threads: int
    handles: int


@dataclass(frozen=True, slots=True)
class Did:
    """How a run did at a moment; rates and times are of the seconds before.

    Attributes:
        seconds: since the start of its process.
        latency_p50_ms: from camera to output, None where nothing came.
        latency_p95_ms: likewise.
        fps: distinct frames that went out, in a second.
        dropped: frames given up since the start.
        placeholders: sent since the start.
    """

    seconds: float
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    fps: float
    dropped: int
    placeholders: int


@dataclass(frozen=True, slots=True)
class Slope:
    """How something grows.

    Attributes:
        per_hour: in its own unit.
        uncertainty: the true slope lies within so much of it with 95 %; likewise.
    """

    per_hour: float
    uncertainty: float


def fit(samples: Sequence[tuple[float, float]]) -> Slope | None:
    """A line through (seconds, value) after the warm-up; None where there are too few."""
    if not samples:
        return None
    begin = samples[-1][0] * _WARM_UP
    length = (samples[-1][0] - begin) / _PARTS
    parts: list[list[tuple[float, float]]] = [[] for _ in range(_PARTS)]
    for seconds, value in samples:
        if seconds >= begin and length > 0:
            parts[min(_PARTS - 1, int((seconds - begin) / length))].append((seconds, value))
    if not all(parts):
        return None
    times = [statistics.fmean(seconds for seconds, _ in part) for part in parts]
    values = [statistics.fmean(value for _, value in part) for part in parts]
    slope, intercept = statistics.linear_regression(times, values)
    off = sum((v - intercept - slope * t) ** 2 for t, v in zip(times, values, strict=True))
    middle = statistics.fmean(times)
    error = math.sqrt(off / (_PARTS - 2) / sum((t - middle) ** 2 for t in times))
    return Slope(slope * _PER_HOUR, _T95 * error * _PER_HOUR)


def look(pid: int, seconds: float) -> Held | None:
    """What a process holds; None where it has ended."""
    proc = Path(f"/proc/{pid}")
    try:
        pages = int((proc / "statm").read_text().split()[1])
        threads, handles = (len(os.listdir(proc / name)) for name in ("task", "fd"))
    except (FileNotFoundError, ProcessLookupError):
        return None
    megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    # What has ended and was not waited for yet holds no memory any more.
    return Held(seconds, megabytes, threads, handles) if pages else None


def read_log(lines: Sequence[str], begun: float) -> tuple[list[Did], dict[str, Any]]:
    """The figures of each second, and the summary, of a file from `--stats-json`.

    Args:
        lines: its lines; the last may have been written by half.
        begun: when the process was started, in seconds since 1970.
    """
    did, summary = [], {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["event"] == "summary":
            summary = entry
            continue
        latency = entry["stages"].get("latency", {})
        did.append(
            Did(
                seconds=entry["unix_time"] - begun,
                latency_p50_ms=latency.get("median_ms"),
                latency_p95_ms=latency.get("p95_ms"),
                fps=entry["delivered_fps"],
                dropped=entry["frames_dropped"],
                placeholders=entry["placeholders"],
            )
        )
    return did, summary


def figures(held: Sequence[Held], did: Sequence[Did]) -> dict[str, Any]:
    """Slopes, what is held at both ends, and drops, of a whole run."""
    slopes = {
        "memory_mb": fit([(h.seconds, h.megabytes) for h in held]),
        "latency_p50_ms": _fit_known([(d.seconds, d.latency_p50_ms) for d in did]),
        "latency_p95_ms": _fit_known([(d.seconds, d.latency_p95_ms) for d in did]),
    }
    settled = [h for h in held if h.seconds >= _WARM_UP * held[-1].seconds]
    started = next((d for d in did if d.seconds >= did[0].seconds + _START_UP), did[-1])
    return {
        "per_hour": {name: slope and asdict(slope) for name, slope in slopes.items()},
        "held": {
            name: {"settled": getattr(settled[0], name), "end": getattr(settled[-1], name)}
            | {"most": max(getattr(h, name) for h in settled)}
            for name in ("megabytes", "threads", "handles")
        },
        "dropped": {"starting": started.dropped, "afterwards": did[-1].dropped - started.dropped},
        "placeholders_after_start": did[-1].placeholders - started.placeholders,
    }


def _fit_known(samples: Sequence[tuple[float, float | None]]) -> Slope | None:
    return fit([(seconds, value) for seconds, value in samples if value is not None])


class _Readers:
    """Programs that come to a virtual camera one after another and go again.

    Attributes:
        pictures: how many each of them saw.
    """

    def __init__(self, device: str, count: int, seconds: float) -> None:
        self._device, self._count, self._period = device, count, seconds / max(1, count)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="readers")
        self.pictures: list[int] = []

    def _run(self) -> None:
        begun = time.monotonic()
        for number in range(self._count):
            if self._ended.wait(max(0.0, begun + number * self._period - time.monotonic())):
                return
            self.pictures.append(self._read(min(_STAY, self._period / 2)))

    def _read(self, seconds: float) -> int:
        until, seen = time.monotonic() + seconds, 0
        capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        while time.monotonic() < until and not self._ended.is_set() and capture.read()[0]:
            seen += 1
        capture.release()
        return seen

    def __enter__(self) -> _Readers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@contextmanager
def _process(program: Sequence[str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose words go to a file, and which is ended whatever happens."""
    with said.open("wb") as file, subprocess.Popen(program, stdout=file, stderr=file) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE)
                process.kill()


def run(
    options: Sequence[str], seconds: float, device: str | None = None, readers: int = 0
) -> tuple[dict[str, Any], list[Held], list[Did]]:
    """Runs live and watches it; returns a report, and what was seen each second.

    Args:
        options: of `realtime live`.
        seconds: how long.
        device: the virtual camera that readers come to.
        readers: how many.

    Raises:
        ModelsError: the run failed; its own words are in the message.
    """
    held: list[Held] = []
    with tempfile.TemporaryDirectory() as folder:
        log, said = Path(folder, "stats.jsonl"), Path(folder, "said")
        program = [sys.executable, "-m", "realtime", "live", "--json", *options]
        program += ["--seconds", f"{seconds:g}", "--stats-json", str(log)]
        program = kept_to(0, program)
        begun, begun_at = time.time(), time.monotonic()
        with _process(program, said) as process:
            while process.poll() is None and not (_lines(log) and _sends(device)):
                time.sleep(0.1)
            with _Readers(device or "", readers if device else 0, seconds) as crowd:
                while process.poll() is None:
                    now = time.monotonic() - begun_at
                    if now > seconds + _GRACE:
                        raise ModelsError(f"it does not end {_GRACE:g} s after it should have")
                    sample = look(process.pid, now)
                    held += [sample] if sample else []
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(_INTERVAL)
                # A reader to whom nothing is sent any more gives up by itself, after a while.
        did, summary = read_log(_lines(log), begun)
        # As it ends, it lets go of everything.
        held = [sample for sample in held if did and sample.seconds <= did[-1].seconds]
        words = [line for line in _lines(said) if not _is_figures(line)]
        if process.returncode:
            raise ModelsError(f"the run failed ({process.returncode}): {' '.join(words[-1:])}")
        if not (held and did and summary):
            raise ModelsError("the run ended before a second of it was seen; give it more time")
    report = {
        "options": list(options),
        "kept_to_one_core": program[:1] != [sys.executable],
        "seconds": seconds,
        "readers": len(crowd.pictures),
        "fewest_pictures_read": min(crowd.pictures, default=None),
        **figures(held, did),
        "said": words,
        "summary": summary,
        "trace": {
            "held": _rows(held),
            "did": _rows(did),
        },
    }
    return report, held, did


def _sends(device: str | None) -> bool:
    """Whether readers may come to a virtual camera."""
    try:
        return device is None or loopback.query(device).captures
    except OSError:
        return False


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _is_figures(line: str) -> bool:
    """Whether a run says how it does, in place of words."""
    return '"progress"' in line or '"summary"' in line


def _rows(samples: Sequence[Held] | Sequence[Did]) -> list[list[Any]]:
    """Names, then values of at most `_MOST_ROWS` moments."""
    step = math.ceil(len(samples) / _MOST_ROWS)
    rows = [asdict(sample) for sample in samples[::step]]
    rounded = [[round(v, 2) if isinstance(v, float) else v for v in row.values()] for row in rows]
    return [list(rows[0]), *rounded]


def draw(report: dict[str, Any], held: Sequence[Held], did: Sequence[Did], out: Path) -> None:
    """Memory, latency and drops over time, as a PNG.

    Raises:
        ModelsError: matplotlib is missing.
    """
    plt = pyplot()
    figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(9, 6), dpi=100, sharex=True)
    minutes = [h.seconds / 60 for h in held]
    top.plot(minutes, [h.megabytes for h in held], linewidth=1)
    top.set_ylim(0, 1.2 * max(h.megabytes for h in held))
    top.set_title(f"resident memory, MB{_said(report, 'memory_mb')}", loc="left", fontsize=9)
    minutes = [d.seconds / 60 for d in did]
    for name, label in (("latency_p95_ms", "p95"), ("latency_p50_ms", "median")):
        # NaN leaves a gap.
        values = [math.nan if (v := getattr(d, name)) is None else v for d in did]
        middle.plot(minutes, values, linewidth=1, label=f"{label}{_said(report, name)}")
    middle.set_ylim(0, None)
    middle.set_title("latency from camera to output, ms", loc="left", fontsize=9)
    middle.legend(fontsize=8)
    bottom.plot(minutes, [d.dropped for d in did], linewidth=1, label="frames dropped")
    bottom.plot(minutes, [d.placeholders for d in did], linewidth=1, label="placeholders")
    bottom.set_title("since the start", loc="left", fontsize=9)
    bottom.legend(fontsize=8)
    bottom.set_xlabel("minutes")
    figure.suptitle(f"realtime live {' '.join(report['options'])}", fontsize=9)
    figure.tight_layout()
    figure.savefig(out)
    plt.close(figure)


def _said(report: dict[str, Any], name: str) -> str:
    """A slope in words; nothing where there is none."""
    slope = report["per_hour"][name]
    return f" ({slope['per_hour']:+.2f} ± {slope['uncertainty']:.2f} per hour)" if slope else ""


def main() -> int:
    parser = command.parser("benchmarks.soak", __doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="(%(default)s)")
    parser.add_argument(
        "--input", default="demo", help="demo, camera, or what live's --camera takes"
    )
    parser.add_argument("--output", default="null", help="null or /dev/videoN (%(default)s)")
    parser.add_argument("--readers", type=int, default=0, help="of /dev/videoN (%(default)s)")
    parser.add_argument("--size", default="1280x720", help="of the pictures (%(default)s)")
    parser.add_argument("--fps", type=float, default=30.0, help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=_RESULTS, help="folder (%(default)s)")
    arguments = parser.parse_args()
    path, picture = places(arguments.out, "soak")
    # Written so that NaN fails too.
    if not _LEAST_MINUTES <= arguments.minutes < math.inf:
        raise ModelsError(
            f"--minutes is {arguments.minutes:g}: it must be at least {_LEAST_MINUTES:g}, or "
            "nothing is seen to grow"
        )
    if not sys.platform.startswith("linux"):
        raise ModelsError("what a process holds is read from /proc; run it on Linux")
    device = arguments.output if arguments.output.startswith("/dev/") else None
    if arguments.readers and device is None:
        raise ModelsError("--readers: nobody can read that output; choose --output /dev/videoN")
    camera = "0" if arguments.input == "camera" else arguments.input
    options = ["--camera", camera, "--output", arguments.output]
    options += ["--size", arguments.size, "--fps", f"{arguments.fps:g}"]
    report, held, did = run(options, arguments.minutes * 60, device, arguments.readers)
    write_report(path, report)
    with kept(path):
        draw(report, held, did, picture)
    for name in report["per_hour"]:
        print(f"{name}{_said(report, name)}")
    print(f"held: {report['held']}")
    print(f"dropped: {report['dropped']}, placeholders: {report['placeholders_after_start']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
