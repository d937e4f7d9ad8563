"""Each stage by itself, on one clip: what a frame takes of it.

Times of a stage are those of its caller. Codecs work on in threads of their own after a call
returns; for them the time is that of the whole clip by its frames, a mean, beside which the times
of single calls would say nothing. The processor's time counts all threads of the process.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from realtime.bench.case import Case
from realtime.bench.figures import percentile
from realtime.bench.material import back_and_forth, copied
from realtime.capture.file import FileSource
from realtime.frame import Frame, Matte, Planes, VideoFormat
from realtime.inference.matting import Matting
from realtime.output import refinement
from realtime.output.backgrounds import parse
from realtime.output.compositor import Compositor
from realtime.output.coverage import coverage_curve
from realtime.output.file import FileSink
from realtime.stats import Stats

# What codecs get, so that filling and emptying them weighs little.
_CODED_FRAMES = 60

# Different pictures in turn, as in a video: one picture alone would stay in the processor's cache.
_MOST_KEPT = 60
# Bytes of them, and of as many finished ones: enough for all 60 of 1080p (373 MB), 16 of 4K.
_MOST_BYTES = 400_000_000

# The first frames find cold caches, and memory that has to be taken first.
_WARM_UP = 5
_LEAST_FRAMES = 10

# The memory of finished frames goes round: while one is filled, sinks hold two more.
_PLACES = 3

_IMAGE, _BLUR = "demo", "blur"

Figures = dict[str, float]


class Recorder(Stats):
    """Keeps every duration by stage, and what the process used of the processor; in seconds.

    Stages follow each other in one thread: what was used since the end of the stage before, or
    since `begin`, belongs to this one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.durations: dict[str, list[float]] = {}
        self.cpu: dict[str, float] = {}
        self.begin()

    def begin(self) -> None:
        """Leaves out what was used until now."""
        self._before = time.process_time()

    def add(self, stage: str, seconds: float, now: float | None = None) -> None:
        super().add(stage, seconds, now)
        used = time.process_time()
        self.durations.setdefault(stage, []).append(seconds)
        self.cpu[stage] = self.cpu.get(stage, 0.0) + used - self._before
        self._before = used


class Restless(Matting):
    """Matting whose network also runs where a picture comes again, as in a video that is still."""

    def matte(self, frame: Frame) -> Matte:
        self._answer.forget()
        return super().matte(frame)


def most_kept(width: int, height: int) -> int:
    """How many pictures of a size `measure` should be given; at least 2, whatever they take."""
    picture = width * height * 3 // 2
    return max(2, min(_MOST_KEPT, _MOST_BYTES // (2 * picture)))


def measure(case: Case, video: VideoFormat, frames: Sequence[Frame]) -> dict[str, Figures]:
    """Median, 95th percentile and processor time of each stage, in ms, by its name.

    Those of a codec are a mean and processor time.

    Stages, in the order of the pipeline:
        copy: of a frame's planes, the unit that others can be measured in; see `copier`.
        decode, preprocess, smooth: as they run.
        infer: the network, also for pictures at which it would rest.
        refine: fitting outlines to the picture, a part of composite.
        composite: before a picture.
        blur: before the blurred room, the blur included.
        encode: H.264.
    """
    found: dict[str, Figures] = {}
    budget = case.seconds / 8
    found["copy"] = _repeat(copier(frames[0].planes), (f.planes for f in cycle(frames)), budget)
    found["decode"] = _decoding(case)
    mattes, inference = _inference(case, video, frames, budget)
    found.update(inference)
    turns = cycle(mattes)
    found["refine"] = _repeat(refine, turns, budget)
    for name, background in (("composite", _IMAGE), ("blur", _BLUR)):
        with parse(background) as behind:
            found[name] = _repeat(Compositor(behind), turns, budget)
    with parse(_IMAGE) as behind:
        finish = Compositor(behind)
        finished = [copied(finish(matte).planes) for matte in mattes]
    found["encode"] = _encoding(video, frames, finished)
    return found


def copier(planes: Planes, places: int = _PLACES) -> Callable[[Planes], None]:
    """A plain copy of a frame's planes.

    Args:
        planes: of the size to come.
        places: how many places it copies into, in turn, as finished frames go; a single one stays
            in the processor's cache, and is faster.
    """
    targets = deque(copied(planes) for _ in range(places))

    def copy(source: Planes) -> None:
        targets.rotate()
        for new, old in zip(targets[0], source, strict=True):
            new[...] = old

    return copy


def refine(matte: Matte) -> None:
    """Fits a matte's outlines to its picture, as a part of compositing does."""
    luma, alpha = matte.frame.planes.y, matte.alpha
    refinement.fit(luma, alpha, coverage_curve(len(luma) / len(alpha)))


def _repeat(work: Callable[[Any], object], items: Iterable[Any], seconds: float) -> Figures:
    """Times a call on one item after another for so long."""
    supply = iter(items)
    for item in islice(supply, _WARM_UP):
        work(item)
    durations = []
    cpu, end = time.process_time(), time.perf_counter() + seconds
    for item in supply:
        begin = time.perf_counter()
        work(item)
        durations.append(time.perf_counter() - begin)
        if len(durations) >= _LEAST_FRAMES and time.perf_counter() >= end:
            break
    return _figures(durations, time.process_time() - cpu)


def _figures(durations: Sequence[float], cpu: float) -> Figures:
    return {
        "median_ms": percentile(durations, 50) * 1e3,
        "p95_ms": percentile(durations, 95) * 1e3,
        "cpu_ms": cpu / len(durations) * 1e3,
    }


def _of_whole(count: int, seconds: float, cpu: float) -> Figures:
    """Where work goes on between the calls."""
    return {"mean_ms": seconds / count * 1e3, "cpu_ms": cpu / count * 1e3}


def _decoding(case: Case) -> Figures:
    with FileSource(case.clip) as source:
        # Opened, and with it the first frame decoded: what is steady counts.
        source.read()
        cpu, begin = time.process_time(), time.perf_counter()
        count = sum(1 for _ in islice(iter(source.read, None), _CODED_FRAMES))
        seconds = time.perf_counter() - begin
        return _of_whole(count, seconds, time.process_time() - cpu)


def _inference(
    case: Case, video: VideoFormat, frames: Sequence[Frame], seconds: float
) -> tuple[list[Matte], dict[str, Figures]]:
    found: dict[str, Figures] = {}
    opened = partial(
        Restless,
        case.model,
        case.device,
        frame_size=(video.width, video.height),
        pixel_aspect=float(video.sample_aspect_ratio),
    )
    with opened(stats=Stats()) as cold:
        cold.warm_up(video.width, video.height)
        for frame in frames[:_WARM_UP]:
            cold.matte(frame)
    recorder = Recorder()
    mattes: list[Matte] = []
    with opened(stats=recorder) as matting:
        matting.warm_up(video.width, video.height)
        recorder.begin()
        end = time.perf_counter() + 3 * seconds
        # Every frame once at least, since what follows needs its matte; then from the beginning
        # over and over, which is a seek to the smoothing.
        for number, frame in enumerate(cycle(frames)):
            matte = matting.matte(frame)
            if number < len(frames):
                mattes.append(matte)
            elif time.perf_counter() >= end:
                break
    for name, durations in recorder.durations.items():
        found[name] = _figures(durations, recorder.cpu[name])
    return mattes, found


def _encoding(video: VideoFormat, frames: Sequence[Frame], pictures: Sequence[Planes]) -> Figures:
    turns = islice(cycle(back_and_forth(len(pictures))), _CODED_FRAMES)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        sink = FileSink(Path(folder) / "encoded.mp4")
        stack.callback(sink.abort)
        sink.open(video, transparent=False)
        cpu, begin = time.process_time(), time.perf_counter()
        for number, turn in enumerate(turns):
            color = frames[turn].color
            sink.write(Frame(pictures[turn], number, number, 1 / video.frame_rate, color))
        sink.close()
        seconds = time.perf_counter() - begin
        return _of_whole(_CODED_FRAMES, seconds, time.process_time() - cpu)
