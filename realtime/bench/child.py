"""Measures one configuration once, in a process of its own.

    python -m realtime.bench.child measure '{"clip": …}'     figures as a line of JSON
    python -m realtime.bench.child first '{"clip": …}'       says "first" with the first frame

What goes wrong comes as {"error": …} and status 1.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import onnxruntime as ort

import realtime.cli  # noqa: F401 - a user's first frame waits for it too
from realtime.bench import whole
from realtime.bench.case import Case
from realtime.capture.file import FileSource
from realtime.cores import keep_opencv_to_its_caller
from realtime.errors import RealtimeError
from realtime.frame import Frame, VideoFormat
from realtime.inference.choice import DEFAULT
from realtime.inference.matting import Matting
from realtime.output.sink import NullSink
from realtime.pipeline import Pipeline

FIRST = "first"


def force_threads(count: int) -> None:
    """Makes every network opened from now on use so many threads.

    The program chooses the number by itself and has no option for it. A measurement of what the
    choice is worth overrides it here, at onnxruntime, whatever the program asks for.
    """

    class Forced(ort.SessionOptions):  # type: ignore[misc] # it comes without types
        def __init__(self) -> None:
            super().__init__()
            _INTRA_OP_THREADS.__set__(self, count)

        intra_op_num_threads = property(_INTRA_OP_THREADS.__get__, lambda self, asked: None)

    ort.SessionOptions = Forced


_INTRA_OP_THREADS = ort.SessionOptions.intra_op_num_threads


def measure(case: Case) -> dict[str, Any]:
    """Everything about one configuration, once."""
    from realtime.bench import live, stages
    from realtime.bench.material import read_frames

    with FileSource(case.clip) as source:
        video = source.format
    file_rate = float(video.frame_rate)
    network = _network(case, video, file_rate)

    def live_model(rate: float) -> str:
        # Only "default" stands for another network at another rate.
        alike = case.model != DEFAULT or rate == file_rate
        return (network if alike else _network(case, video, rate))["model"]

    live_models = case.live_models or tuple(map(live_model, case.rates))
    # "default" may stand for another network at the next look.
    fixed = replace(case, model=network["model"])
    # The whole comes first: what follows keeps many frames, which no run of a user does.
    result: dict[str, Any] = {"whole": whole.measure(fixed), "memory_mb": peak_memory_mb()}
    video, frames = read_frames(case.clip, stages.most_kept(video.width, video.height))
    result["width"], result["height"] = video.width, video.height
    result |= network
    result["stages"] = stages.measure(fixed, video, frames)
    result["live"] = [
        live.measure(replace(fixed, model=model), frames, rate)
        for rate, model in zip(case.rates, live_models, strict=True)
    ]
    return result


def _network(case: Case, video: VideoFormat, rate: float) -> dict[str, str]:
    """What the case's network stands for at a rate, and what computes it."""
    with Matting(
        case.model,
        case.device,
        frame_rate=rate,
        frame_size=(video.width, video.height),
        pixel_aspect=float(video.sample_aspect_ratio),
    ) as matting:
        return {"model": matting.model, "provider": matting.provider}


def peak_memory_mb() -> float | None:
    """The most memory that this process has had so far, in MB; None where it cannot be known."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                # Not the resource module's word: on Linux that begins with the parent's size.
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    # Bytes on macOS, the only system that gets here.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


class _FirstFrame(NullSink):
    """Says so on stdout when a frame arrives."""

    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None

    def write(self, frame: Frame) -> None:
        if self.pipeline is not None:
            print(FIRST, flush=True)
            self.pipeline.stop()
            self.pipeline = None


def first(case: Case) -> None:
    """Runs until the first frame is finished."""
    with ExitStack() as stack:
        sink = _FirstFrame()
        sink.pipeline = pipeline = whole.open_file(
            stack, case.clip, sink, model=case.model, device=case.device
        )
        pipeline.run()


def main() -> int:
    task, case = sys.argv[1], Case.from_dict(json.loads(sys.argv[2]))
    keep_opencv_to_its_caller()
    if case.threads is not None:
        force_threads(case.threads)
    try:
        if task == FIRST:
            first(case)
        else:
            print(json.dumps(measure(case)))
    except RealtimeError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
