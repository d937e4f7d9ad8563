"""The whole pipeline on a clip: into a file, to nowhere, and decoding alone beside them."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from realtime.bench.case import Case
from realtime.capture.file import FileSource
from realtime.inference.session import Device
from realtime.jobs import open_run
from realtime.output.file import FileSink
from realtime.output.sink import NullSink, Sink
from realtime.pipeline import Pipeline

_BACKGROUND = "demo"

_WARM_UP = 0.5

Figures = dict[str, float]


def measure(case: Case) -> dict[str, Figures]:
    """Frames in a second and processor time per frame; start-up is left out.

    Kinds: "file" encodes H.264, "null" keeps nothing, "decoding" is the source alone. As in any
    run, the network rests where a picture comes again: a report tells how often that was.
    """
    # Once for nothing: threads start, memory is taken.
    _pipeline(replace(case, seconds=min(case.seconds, _WARM_UP)), NullSink())
    found = {"decoding": _decoding(case)}
    found["null"] = _pipeline(case, NullSink())
    with tempfile.TemporaryDirectory() as folder:
        found["file"] = _pipeline(case, FileSink(Path(folder) / "whole.mp4"))
    return found


def _decoding(case: Case) -> Figures:
    with FileSource(case.clip, duration=case.seconds) as source:
        cpu, begin = time.process_time(), time.perf_counter()
        count = sum(1 for _ in iter(source.read, None))
        seconds = time.perf_counter() - begin
    return _figures(count, seconds, time.process_time() - cpu)


def open_file(
    stack: ExitStack,
    clip: str,
    sink: Sink,
    *,
    model: str,
    device: Device = "auto",
    seconds: float | None = None,
) -> Pipeline:
    """Opens what `realtime file` opens, without sound; the stack closes it.

    Args:
        stack: closes it.
        clip: path of the video.
        sink: where finished frames go.
        model: as `Matting` takes it.
        device: likewise.
        seconds: of the clip; None for all.

    Raises:
        RealtimeError: something cannot be opened.
    """
    source = stack.enter_context(FileSource(clip, duration=seconds))
    return open_run(stack, source, sink, background=_BACKGROUND, model=model, device=device)


def _pipeline(case: Case, sink: Sink) -> Figures:
    with ExitStack() as stack:
        pipeline = open_file(
            stack, case.clip, sink, model=case.model, device=case.device, seconds=case.seconds
        )
        # `Pipeline.run` also closes the sink: what the encoder still holds counts.
        cpu, begin = time.process_time(), time.perf_counter()
        summary = pipeline.run()
        seconds = time.perf_counter() - begin
    return _figures(summary.frames_out, seconds, time.process_time() - cpu)


def _figures(frames: int, seconds: float, cpu: float) -> Figures:
    return {"fps": frames / seconds, "cpu_ms": cpu / frames * 1e3, "frames": frames}
