"""What a GPU is worth: from a frame's planes to its smoothed alpha, beside the CPU in the same run.

`python -m benchmarks.gpu` takes a machine with CUDA and less than two minutes, and writes
`benchmarks/results/gpu.json`. Frames of the embedded demo are matted on the CPU, as the program
uses it by default, and on CUDA with and without captured graphs; all take turns, round after round,
so that whatever else the machine does hits all alike. Then a live run of 4K at 60 frames a second.
"""

from __future__ import annotations

import math
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.reporting import check_writable, run_command, write_report
from models import command
from models.errors import ModelsError
from realtime.bench import live
from realtime.bench.case import Case
from realtime.bench.material import ClockedCamera, RawCamera
from realtime.bench.stages import Recorder
from realtime.capture.demo import DemoSource
from realtime.cores import keep_opencv_to_its_caller
from realtime.frame import Frame
from realtime.inference.device_graph import WAYS, DeviceGraph
from realtime.inference.matting import Matting
from realtime.inference.session import Device

_RESULTS = Path(__file__).parent / "results" / "gpu.json"

_LIVE_FPS = 60.0

# Different pictures in turn: of the same one, a CPU would give the same answer for nothing.
_FRAMES = 12

_QUERY = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        models: names of the networks.
        sizes: (width, height) of the frames.
        rounds: in which all take turns.
        live_size: (width, height) of the camera's pictures.
        live_seconds: of each live run; 0 for none.
    """

    models: Sequence[str] = ("quality", "fast")
    sizes: Sequence[tuple[int, int]] = ((1920, 1080), (3840, 2160))
    rounds: int = 7
    live_size: tuple[int, int] = (3840, 2160)
    live_seconds: float = 6.0


class _Watched(Matting):
    """Matting whose stages are timed, and whose copies are counted.

    Args:
        model: as `Matting` takes it.
        device: likewise.
    """

    def __init__(self, model: str, device: Device) -> None:
        self.recorder = Recorder()
        super().__init__(model, device, stats=self.recorder)

    @property
    def graph(self) -> DeviceGraph | None:
        return self._opened().graph


@contextmanager
def without_graphs() -> Iterator[None]:
    """What is opened within captures none; the program has no option for that."""
    ways = WAYS["cuda"]
    WAYS["cuda"] = ways[1:]
    try:
        yield
    finally:
        WAYS["cuda"] = ways


def run(plan: Plan, device: Device = "cuda") -> dict[str, Any]:
    """Measures all of a plan.

    Args:
        plan: what.
        device: what to compare with the CPU.

    Returns:
        The report, ready for JSON. "frames": by network, size and way milliseconds of a frame, in
        whole and by stage, in each round and their median, what it moved, and of those on the
        device how many times as fast as the CPU they were: the median of the rounds' ratios.
        "live": see `live.measure`.

    Raises:
        DeviceError: the device cannot be used.
    """
    report: dict[str, Any] = {"gpu": gpu(), "rounds": plan.rounds, "frames": [], "live": []}
    for model in plan.models:
        with ExitStack() as stack:
            ours = {"captured": stack.enter_context(_Watched(model, device))}
            with without_graphs():
                ours["bound"] = stack.enter_context(_Watched(model, device))
            ours["cpu"] = stack.enter_context(_Watched(model, "cpu"))
            for size in plan.sizes:
                report["frames"].append(
                    {"model": model, "width": size[0], "height": size[1]}
                    | _compared(ours, frames(*size), plan.rounds)
                )
    if plan.live_seconds:
        width, height = plan.live_size
        pictures = frames(width, height)
        case = Case("", "quality", device, None, plan.live_seconds, (_LIVE_FPS,))
        for name, camera in (("planes", RawCamera), ("MJPEG", ClockedCamera)):
            figures = live.measure(case, pictures, _LIVE_FPS, camera)
            del figures["latencies_ms"]
            report["live"].append({"camera": name, "width": width, "height": height} | figures)
    return report


def gpu() -> str | None:
    """Name and driver of the GPU; None where nothing tells."""
    try:
        return subprocess.check_output(_QUERY, text=True).splitlines()[0]
    except (OSError, IndexError, subprocess.CalledProcessError):
        return None


def frames(width: int, height: int) -> list[Frame]:
    """Pictures of a size."""
    with DemoSource(width, height, Fraction(30)) as source:
        return list(islice(iter(source.read, None), _FRAMES))


def _compared(ours: dict[str, _Watched], pictures: Sequence[Frame], rounds: int) -> dict[str, Any]:
    """Lets all of them matte the pictures, in turn."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in ours}
    for matting in ours.values():
        matting.warm_up(pictures[0].planes.width, pictures[0].planes.height)
        for frame in pictures:
            matting.matte(frame)
    for _ in range(rounds):
        for name, matting in ours.items():
            taken[name].append(_round(matting, pictures))
    found: dict[str, Any] = {}
    for name, matting in ours.items():
        found[name] = {
            "provider": matting.provider,
            "reason": matting.provider_reason,
            "model": matting.model,
            "rounds_ms": [figures["whole"] for figures in taken[name]],
            "median_ms": {
                stage: statistics.median(figures[stage] for figures in taken[name])
                for stage in taken[name][0]
            },
        }
        if matting.graph is not None:
            moved = matting.graph.moved
            ratios = [
                cpu["whole"] / figures["whole"]
                for cpu, figures in zip(taken["cpu"], taken[name], strict=True)
            ]
            found[name] |= {
                "way": matting.graph.way,
                "copies": len(moved),
                "bytes": sum(moved.values()),
                "times_as_fast": statistics.median(ratios),
            }
    return found


def _round(matting: _Watched, pictures: Sequence[Frame]) -> dict[str, float]:
    """Medians over the pictures, in ms, of the whole and of each stage."""
    matting.recorder.durations.clear()
    # Seconds of each round begin anew, which is a new video.
    matting.reset()
    whole = []
    for frame in pictures:
        begin = time.perf_counter()
        matting.matte(frame)
        whole.append(time.perf_counter() - begin)
    durations = {"whole": whole} | matting.recorder.durations
    return {stage: 1e3 * statistics.median(values) for stage, values in durations.items()}


def main() -> int:
    usual = Plan()
    parser = command.parser("benchmarks.gpu", __doc__)
    parser.add_argument("--json", type=Path, default=_RESULTS, help="report (%(default)s)")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="(%(default)s)")
    parser.add_argument("--live", type=float, default=usual.live_seconds, help="s (%(default)s)")
    arguments = parser.parse_args()
    check_writable(arguments.json)
    if arguments.rounds < 1 or not 0 <= arguments.live < math.inf:
        raise ModelsError("--rounds must be at least 1, and --live 0 or more")
    # As the program does.
    keep_opencv_to_its_caller()
    report = run(Plan(rounds=arguments.rounds, live_seconds=arguments.live))
    write_report(arguments.json, report)
    for case in report["frames"]:
        for name in ("cpu", "bound", "captured"):
            figures = case[name]
            stages = "  ".join(f"{k} {v:.2f}" for k, v in figures["median_ms"].items())
            times = f"  ×{figures['times_as_fast']:.1f}" if "times_as_fast" in figures else ""
            print(f"{case['model']} {case['width']}×{case['height']} {name}: {stages} ms{times}")
            print(f"    {figures['reason']}")
    for one in report["live"]:
        print({name: round(v, 3) if isinstance(v, float) else v for name, v in one.items()})
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
