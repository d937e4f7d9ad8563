"""The governor at work: a live run while other programs want the processor for a while.

`python -m benchmarks.governor` runs the embedded camera to nowhere for a minute; from second 15 to
40 processes that do nothing but count compete with it at the same priority, eight on each core as
when something large is compiled. It writes `benchmarks/results/governor.json`, second by second,
and draws `governor.png` beside it: the level, the latency of every frame against the budget, and
the rate of distinct frames that went out.
"""

from __future__ import annotations

import math
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.reporting import kept, places, pyplot, run_command, write_report
from models import command
from models.errors import ModelsError
from realtime.bench.figures import percentile
from realtime.capture.opening import open_camera
from realtime.frame import Frame, Matte
from realtime.live_matting import LiveMatting
from realtime.live_pipeline import LivePipeline
from realtime.output.live_compositor import LiveCompositor
from realtime.output.sink import NullSink
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats

_RESULTS = Path(__file__).parent / "results"

_HOGS_A_CORE = 8

# Of a shorter run, too little is left of each phase once what settles is left out.
_LEAST_SECONDS = 20.0

# Seconds over which frames are counted for a rate.
_RATE_WINDOW = 1.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """One frame that went out.

    Attributes:
        seconds: since the start of the run.
        latency: seconds from capture to output.
        level: how the frames of that moment were treated.
        busy: seconds that the last alpha took.
    """

    seconds: float
    latency: float
    level: str
    busy: float


class Recorder(LiveMatting):
    """The matting of a live run, which remembers what the governor is told.

    Args:
        settings: as `LiveMatting` takes them.
        stats: likewise.
        announce: likewise.
        clock: seconds.
    """

    def __init__(
        self,
        settings: SettingsStore,
        stats: Stats,
        announce: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings, stats, announce)
        self._clock = clock
        self._busy = 0.0
        self.start = clock()
        self.frames: list[Delivered] = []
        self.levels = [str(level) for level in self._matting.levels]

    def matte(self, frame: Frame) -> Matte:
        begin = self._clock()
        matte = super().matte(frame)
        self._busy = self._clock() - begin
        return matte

    def delivered(self, latency: float) -> None:
        seconds = self._clock() - self.start
        self.frames.append(Delivered(seconds, latency, self.level, self._busy))
        super().delivered(latency)


def run(
    settings: Settings, seconds: float, hog: tuple[float, float], hogs: int
) -> tuple[dict[str, Any], list[Delivered]]:
    """Runs live while hogs come and go; returns a report, and every frame that went out.

    Args:
        settings: of the run.
        seconds: how long.
        hog: when they come and when they go, in seconds.
        hogs: how many.
    """
    store, stats = SettingsStore(settings), Stats()
    lines: list[tuple[float, str]] = []
    begun = time.monotonic()

    def announce(line: str) -> None:
        lines.append((time.monotonic() - begun, line))
        print(f"{lines[-1][0]:6.2f} s  {line}", flush=True)

    with ExitStack() as stack:
        compositor = stack.enter_context(LiveCompositor(settings, announce))
        matting = stack.enter_context(Recorder(store, stats, announce))
        camera = (settings.camera, settings.width, settings.height, settings.fps)
        source = stack.enter_context(open_camera(*camera))
        matting.warm_up(source.format.width, source.format.height)
        video = replace(source.format, time_base=Fraction(1, 1_000_000_000))

        pipeline = LivePipeline(
            source, matting, compositor, NullSink(), video, store, seconds=seconds, stats=stats
        )
        crowd = stack.enter_context(_Hogs(hogs, *hog))
        begun = matting.start = time.monotonic()
        crowd.start()
        summary = pipeline.run()
    budget = settings.latency_budget or 2 / settings.fps
    pairs = [(frame.seconds, frame.latency) for frame in matting.frames]
    report = {
        "settings": {
            name: getattr(settings, name)
            for name in ("model", "width", "height", "fps", "latency_budget", "background")
        },
        "budget": budget,
        "hogs": hogs,
        "hog_seconds": list(hog),
        "levels": matting.levels,
        "summary": summary.as_dict(),
        "announced": [f"{moment:.2f} s: {line}" for moment, line in lines],
        "longest_excess": longest_excess(pairs, budget),
        "phases": phases(matting.frames, hog, budget),
        "trace": trace(matting.frames),
    }
    return report, matting.frames


class _Hogs:
    """Processes that count as fast as they can, between two moments."""

    def __init__(self, count: int, begin: float, end: float) -> None:
        self._count, self._begin, self._end = count, begin, end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hogs")

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        if self._stopped.wait(self._begin):
            return
        command = [sys.executable, "-c", "while True: pass"]
        # Their last words after Ctrl-C are nobody's business.
        quiet = subprocess.DEVNULL
        hogs = [subprocess.Popen(command, stderr=quiet) for _ in range(self._count)]
        self._stopped.wait(self._end - self._begin)
        for hog in hogs:
            hog.kill()
            hog.wait()

    def __enter__(self) -> _Hogs:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()


def rates(seconds: Sequence[float]) -> list[float]:
    """Events in the second before each event, in Hz."""
    found, first = [], 0
    for i, now in enumerate(seconds):
        while seconds[first] <= now - _RATE_WINDOW:
            first += 1
        found.append((i - first + 1) / min(_RATE_WINDOW, max(now, 1e-9)))
    return found


def longest_excess(frames: Sequence[tuple[float, float]], budget: float) -> float:
    """Seconds of the longest time in which the median of nine latencies was over the budget.

    Args:
        frames: (seconds, latency) of each.
        budget: in seconds.
    """
    longest, begin = 0.0, None
    for i in range(8, len(frames)):
        if statistics.median(latency for _, latency in frames[i - 8 : i + 1]) <= budget:
            begin = None
            continue
        begin = frames[i][0] if begin is None else begin
        longest = max(longest, frames[i][0] - begin)
    return longest


def phases(
    frames: Sequence[Delivered], hog: tuple[float, float], budget: float
) -> dict[str, dict[str, float]]:
    """Rate and latency before, beside and after the hogs; two seconds of settling left out."""
    times = {
        "before": (2.0, hog[0]),
        "beside": (hog[0] + 2, hog[1]),
        "after": (hog[1] + 2, frames[-1].seconds),
    }
    found = {}
    for name, (begin, end) in times.items():
        inside = [frame for frame in frames if begin <= frame.seconds < end]
        late = sum(frame.latency > budget for frame in inside)
        found[name] = _figures(inside, end - begin) | {"over_budget": late / max(1, len(inside))}
    return found


def trace(frames: Sequence[Delivered]) -> list[dict[str, Any]]:
    """What happened in each second: rate, latency if any, and the levels in order."""
    rows = []
    for second in range(math.ceil(frames[-1].seconds)):
        inside = [frame for frame in frames if second <= frame.seconds < second + 1]
        levels = list(dict.fromkeys(frame.level for frame in inside))
        rows.append({"second": second, **_figures(inside, 1.0), "levels": " → ".join(levels)})
    return rows


def _figures(frames: Sequence[Delivered], seconds: float) -> dict[str, float]:
    found = {"fps": round(len(frames) / seconds, 1)}
    latencies = [frame.latency for frame in frames]
    if latencies:
        for percent in (50, 95):
            found[f"latency_p{percent}_ms"] = round(percentile(latencies, percent) * 1e3, 1)
    return found


def draw(report: dict[str, Any], frames: Sequence[Delivered], out: Path) -> None:
    """Level, latency and rate over time, as a PNG.

    Raises:
        ModelsError: matplotlib is missing.
    """
    plt = pyplot()
    seconds = [frame.seconds for frame in frames]
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(10, 7.5), dpi=110, sharex=True, height_ratios=(2, 3, 2)
    )
    names = report["levels"]
    top.step(
        seconds, [names.index(frame.level) for frame in frames], where="post", color="tab:blue"
    )
    top.set_yticks(range(len(names)), names, fontsize=8)
    top.set_ylim(len(names) - 0.5, -0.5)
    top.set_title("level", loc="left", fontsize=10)
    latencies = [frame.latency * 1e3 for frame in frames]
    middle.plot(seconds, latencies, ".", markersize=2, color="tab:gray")
    medians = [statistics.median(latencies[max(0, i - 8) : i + 1]) for i in range(len(latencies))]
    middle.plot(seconds, medians, color="tab:blue", linewidth=1, label="median of nine frames")
    middle.axhline(report["budget"] * 1e3, color="tab:red", linewidth=1, label="budget")
    middle.set_ylim(0, max(3 * report["budget"] * 1e3, 1.05 * max(medians)))
    middle.set_title("latency, ms", loc="left", fontsize=10)
    middle.legend(loc="upper left", fontsize=8)
    bottom.plot(seconds, rates(seconds), color="tab:green", linewidth=1)
    bottom.set_ylim(0, 1.2 * report["settings"]["fps"])
    bottom.set_title("distinct frames out in the last second", loc="left", fontsize=10)
    bottom.set_xlabel("seconds")
    for axes in (top, middle, bottom):
        axes.axvspan(*report["hog_seconds"], color="tab:orange", alpha=0.15)
    figure.suptitle(
        f"{report['hogs']} counting processes beside live, "
        f"{report['settings']['width']}×{report['settings']['height']} "
        f"at {report['settings']['fps']:g} fps"
    )
    figure.tight_layout()
    figure.savefig(out)
    plt.close(figure)


def _size(text: str) -> tuple[int, int]:
    """Width and height; whether pictures can be of this size, the settings know.

    Raises:
        ModelsError: it is no size.
    """
    numbers = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if numbers is None:
        raise ModelsError(f"--size is {text}: write width and height, as 1280x720")
    return int(numbers[1]), int(numbers[2])


def main() -> int:
    parser = command.parser("benchmarks.governor", __doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="(%(default)s)")
    parser.add_argument(
        "--hogs", type=int, default=_HOGS_A_CORE * (os.cpu_count() or 1), help="(%(default)s)"
    )
    parser.add_argument("--model", default="default", help="(%(default)s)")
    parser.add_argument("--size", default="1280x720", help="of the pictures (%(default)s)")
    parser.add_argument("--fps", type=float, default=30.0, help="(%(default)s)")
    parser.add_argument("--budget", type=float, default=0.0, help="seconds; 0 for two frames")
    parser.add_argument("--out", type=Path, default=_RESULTS, help="folder (%(default)s)")
    arguments = parser.parse_args()
    path, picture = places(arguments.out, "governor")
    # Written so that NaN fails too.
    if not _LEAST_SECONDS <= arguments.seconds < math.inf:
        raise ModelsError(
            f"--seconds is {arguments.seconds:g}: it must be at least {_LEAST_SECONDS:g}, for "
            "something to be seen before, beside and after the others"
        )
    if arguments.hogs < 0:
        raise ModelsError(f"--hogs is {arguments.hogs}: it must be 0 or more")
    width, height = _size(arguments.size)
    settings = Settings(
        camera="demo",
        outputs=("null",),
        model=arguments.model,
        device="cpu",
        width=width,
        height=height,
        fps=arguments.fps,
        latency_budget=arguments.budget,
    )
    hog = (arguments.seconds / 4, arguments.seconds * 2 / 3)
    report, frames = run(settings, arguments.seconds, hog, arguments.hogs)
    write_report(path, report)
    with kept(path):
        draw(report, frames, picture)
    for name, figures in report["phases"].items():
        print(name, {key: round(value, 3) for key, value in figures.items()})
    print(f"longest time over the budget: {report['longest_excess']:.2f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
