"""What work on a frame costs, beside a plain copy of its planes in the same run: above all
compositing, and also what comes before and after the network.

`python -m benchmarks.compositor [CLIP]` writes `benchmarks/results/compositor.json`. Without a clip
the frames are those of the embedded demo. Everything runs in turn, so that whatever else the
machine does hits all alike; the copy's own time is what the ratios are of. It goes into memory
that goes round as that of finished frames does; one into the same place over and over is measured
beside it. Each runs over all frames at a time, as over a video. They are too many for the
processor's cache: there a frame would be that somebody else has just read.

Two clocks: the wall's, and the processor time of the thread, which other programs hardly disturb.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.reporting import check_writable, run_command, write_report
from models import command
from models.errors import ModelsError
from realtime.bench import stages
from realtime.bench.figures import percentile
from realtime.capture.demo import DemoSource
from realtime.capture.file import FileSource
from realtime.frame import Float32, Frame, Matte, Planes
from realtime.inference.matting import Matting
from realtime.inference.model import Model
from realtime.inference.preprocess import SmallPlanes, network_picture
from realtime.inference.smoothing import Smoother
from realtime.inference.thumbnail import Thumbnail
from realtime.output.backgrounds import Background, parse
from realtime.output.compositing import Blender
from realtime.output.compositor import Compositor
from realtime.output.live_compositor import LiveCompositor
from realtime.settings import Settings

_RESULTS = Path(__file__).parent / "results" / "compositor.json"

_SIZES = ((1280, 720), (1920, 1080))
# At 720p they take 44 MB, which is more than most caches hold.
_FRAMES = 32
_WARM_UP_ROUNDS = 1
_ROUNDS = 6

# How many finished frames somebody holds, as sinks do.
_HELD = 2

# Seconds from one frame to the next.
_INTERVAL = 1 / 30

_PLAIN = {"refine": False, "decontaminate": False}

Case = Callable[[Matte], object]

ONE_PLACE = "copy, into one place"


def mattes(clip: Path | None, width: int, height: int, model: str) -> list[Matte]:
    """The first `_FRAMES` frames of a clip, scaled to a size, with a network's alphas.

    Raises:
        ModelsError: there are too few for the processor's cache not to hold them.
        RealtimeError: the clip cannot be read.
    """
    frames = list(islice(_frames(clip, width, height), _FRAMES))
    if len(frames) < _FRAMES:
        raise ModelsError(
            f"{clip}: has {len(frames)} frames, which stay in the processor's cache; "
            f"name a clip of at least {_FRAMES}"
        )
    with Matting(model) as matting:
        return [matting.matte(frame) for frame in frames]


def _frames(clip: Path | None, width: int, height: int) -> Iterator[Frame]:
    with DemoSource(width, height, Fraction(30)) if clip is None else FileSource(clip) as source:
        while (frame := source.read()) is not None:
            planes = Planes(
                cv2.resize(frame.planes.y, (width, height)),
                cv2.resize(frame.planes.u, (width // 2, height // 2)),
                cv2.resize(frame.planes.v, (width // 2, height // 2)),
            )
            yield Frame(planes, frame.index, frame.pts, frame.time_base, frame.color)


def cases(stack: ExitStack, first: Matte, model: str) -> dict[str, Case]:
    """What is compared, by name; what they open is closed with the stack.

    Args:
        stack: closes it.
        first: one of the mattes to come.
        model: the network to prepare pictures for.
    """

    def compositor(background: str, **options: Any) -> Case:
        return Compositor(stack.enter_context(parse(background)), **options)

    def live(**changes: Any) -> Case:
        settings = Settings(background="demo", **changes)
        composite = stack.enter_context(LiveCompositor(settings))
        return lambda matte: composite(matte, settings)

    copy, copy_into_one = (stages.copier(first.frame.planes, n) for n in (_HELD + 1, 1))
    return {
        "copy": lambda matte: copy(matte.frame.planes),
        ONE_PLACE: lambda matte: copy_into_one(matte.frame.planes),
        "pre-processing": _preprocessor(model),
        "smoothing": _smoother(model),
        "refinement": stages.refine,
        "float": _float_blend(stack.enter_context(parse("demo"))),
        "image, alpha scaled up": compositor("demo", **_PLAIN),
        "image, refined": compositor("demo", decontaminate=False),
        "image, decontaminated": compositor("demo", refine=False),
        "image, refined and decontaminated": compositor("demo"),
        "image, all with light wrap": compositor("demo", light_wrap=0.5),
        "image, live, mirrored and zoomed": live(mirror=True, zoom=1.3),
        "blur, alpha scaled up": compositor("blur", **_PLAIN),
        "blur, decontaminated": compositor("blur", refine=False),
        "blur, refined and decontaminated": compositor("blur"),
        "transparent, refined and decontaminated": compositor("transparent"),
    }


def _preprocessor(model: str) -> Case:
    """From planes to what the network takes, in the memory of the frame before as in a run."""
    signature = Model(model, "cpu").signature
    tensor: Float32 | None = None

    def preprocess(matte: Matte) -> None:
        nonlocal tensor
        planes = matte.frame.planes
        size = signature.size_for(planes.width, planes.height)
        feed = signature.feed(network_picture(matte.frame, size), tensor)
        tensor = feed[signature.input_name]

    return preprocess


def _smoother(model: str) -> Case:
    """Over time, at the network's size: from planes of that size on, which are there already."""
    smooth, size_for = Smoother(), Model(model, "cpu").signature.size_for
    known: dict[int, SmallPlanes] = {}

    def case(matte: Matte) -> Float32:
        planes = matte.frame.planes
        small = known.get(id(matte))
        if small is None:
            size = size_for(planes.width, planes.height)
            small = known[id(matte)] = SmallPlanes.of(planes, size)
        return smooth(matte.alpha, Thumbnail.of_planes(planes, small), _INTERVAL)

    return case


def _float_blend(background: Background) -> Case:
    """The obvious way, on planes: alpha to full size, αF + (1 - α)B in floating point."""

    def composite(matte: Matte) -> None:
        behind = background.behind(matte)
        assert behind is not None
        for foreground, plane in zip(matte.frame.planes, behind, strict=True):
            rows, columns = foreground.shape
            alpha = cv2.resize(matte.alpha, (columns, rows))
            (alpha * foreground + (1 - alpha) * plane).astype(np.uint8)

    return composite


def measure(
    compared: dict[str, Case], frames: list[Matte], rounds: int = _ROUNDS
) -> dict[str, dict[str, float]]:
    """Times in milliseconds and as multiples of the copy's, by name."""
    wall: dict[str, list[float]] = {name: [] for name in compared}
    busy: dict[str, list[float]] = {name: [] for name in compared}
    held: dict[str, deque[object]] = {name: deque(maxlen=_HELD) for name in compared}
    for round_ in range(_WARM_UP_ROUNDS + rounds):
        for name, case in compared.items():
            for matte in frames:
                start, busy_start = time.perf_counter(), time.thread_time()
                result = case(matte)
                busy_end, end = time.thread_time(), time.perf_counter()
                held[name].append(result)
                if round_ >= _WARM_UP_ROUNDS:
                    wall[name].append((end - start) * 1e3)
                    busy[name].append((busy_end - busy_start) * 1e3)
    copy, busy_copy = statistics.median(wall["copy"]), statistics.median(busy["copy"])
    return {
        name: {
            "median_ms": round(statistics.median(wall[name]), 4),
            "p95_ms": round(percentile(wall[name], 95), 4),
            "cpu_median_ms": round(statistics.median(busy[name]), 4),
            "times_copy": round(statistics.median(wall[name]) / copy, 2),
            "cpu_times_copy": round(statistics.median(busy[name]) / busy_copy, 2),
        }
        for name in compared
    }


def _undecided(frames: list[Matte]) -> float:
    """Percent of the pixels whose alpha is neither 0 nor 1."""
    shares = []
    for matte in frames:
        planes = matte.frame.planes
        alpha = Blender().cut_out(planes, matte.alpha, full_range=False, refine=False)[1]
        shares.append(float(((alpha > 0) & (alpha < 255)).mean()))
    return round(100 * statistics.mean(shares), 2)


def main() -> int:
    """Measures, prints and writes the report."""
    parser = command.parser("benchmarks.compositor", __doc__)
    parser.add_argument("clip", type=Path, nargs="?", help="a video; the demo without one")
    parser.add_argument("--threads", type=int, default=1, help="of OpenCV (default: 1)")
    parser.add_argument("--output", type=Path, default=_RESULTS)
    arguments = parser.parse_args()
    check_writable(arguments.output)
    cv2.setNumThreads(arguments.threads)
    # What "default" stands for now, it stands for throughout.
    with Matting() as matting:
        picked = matting.model
    clip = "demo" if arguments.clip is None else arguments.clip.name
    report = {
        "clip": clip,
        "picked": picked,
        "opencv_threads": arguments.threads,
        "frames": _FRAMES,
        "networks": {
            model: _with_network(arguments.clip, model) for model in dict.fromkeys((picked, "fast"))
        },
    }
    write_report(arguments.output, report)
    return 0


def _with_network(clip: Path | None, model: str) -> dict[str, Any]:
    """The figures at every size, by size; printed, too."""
    sizes = {}
    for width, height in _SIZES:
        frames = mattes(clip, width, height, model)
        with ExitStack() as stack:
            figures = measure(cases(stack, frames[0], model), frames)
        undecided = _undecided(frames)
        sizes[f"{width}x{height}"] = {"undecided_percent": undecided, "cases": figures}
        print(f"{model}, {width}x{height}, {undecided:g} % of the pixels undecided")
        for name, figure in figures.items():
            print(
                f"  {name:42} {figure['median_ms']:7.3f} ms, p95 {figure['p95_ms']:7.3f}, "
                f"{figure['times_copy']:5.1f} x copy; "
                f"cpu {figure['cpu_median_ms']:7.3f} ms, {figure['cpu_times_copy']:5.1f} x"
            )
    return sizes


if __name__ == "__main__":
    raise SystemExit(run_command(main))
