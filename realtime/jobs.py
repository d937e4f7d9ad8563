"""What people do with files: each job opens its stages, runs the pipeline, and closes everything.

The job for cameras is in `realtime.live`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import ExitStack
from os import PathLike
from pathlib import Path

from realtime.capture.demo import DemoSource
from realtime.capture.file import FileSource
from realtime.capture.source import Source
from realtime.errors import OutputError, SettingsError
from realtime.inference.matting import Matting
from realtime.inference.session import Device
from realtime.interrupts import CalmExitStack
from realtime.new_files import same_file
from realtime.output.audio import AudioTracks
from realtime.output.backgrounds import Fit, parse
from realtime.output.compositor import Compositor
from realtime.output.file import FileSink, check_writable
from realtime.output.sink import Sink
from realtime.pipeline import Pipeline
from realtime.running import OnProgress
from realtime.stats import Stats, Summary

AnyPath = str | PathLike[str]


def process_file(
    input: AnyPath,
    output: AnyPath,
    *,
    background: str = "blur",
    background_fit: Fit = "cover",
    model: AnyPath = "default",
    device: Device = "auto",
    start: float = 0.0,
    duration: float | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Replaces the background of a video file; keeps its timing and its sound.

    Args:
        input: video file or URL.
        output: mp4, m4v, mov, mkv or webm; written beside and renamed when whole.
        background: "blur", "blur:N%" of the height (1 to 50), "#rrggbb", "transparent" (mov, mkv,
            webm), or the path of a picture or video.
        background_fit: "cover" or "fit", for a picture.
        model: "default", another embedded name, or an ONNX file.
        device: "auto", "cpu" or "cuda".
        start: seconds to skip.
        duration: seconds to process; None for all.
        overwrite: whether `output` may exist.
        on_progress: called about ten times a second from the calling thread.
        report: is told at the start, in one line, what computes and why.

    Returns:
        What was done.

    Raises:
        RealtimeError: see `realtime.errors`.
        Interrupted: Ctrl-C; the output is playable.
    """
    source_name, target = os.fspath(input), Path(output)
    _check_seconds(start=start, duration=duration)
    check_writable(target, overwrite=overwrite)
    _check_background(target, background)
    with CalmExitStack() as stack:
        source = stack.enter_context(FileSource(source_name, start, duration))
        if same_file(target, source_name):
            raise OutputError(f"{target}: is the input itself; choose another name")
        audio = AudioTracks(source_name, source.origin, trim=start > 0, duration=duration)
        stack.callback(audio.close)
        sink = FileSink(target, audio=audio, overwrite=overwrite)
        pipeline = open_run(stack, source, sink, background, background_fit, model, device, report)
        return pipeline.run(on_progress)


def process_demo(
    output: AnyPath,
    *,
    seconds: float = 8.0,
    background: str = "demo",
    background_fit: Fit = "cover",
    model: AnyPath = "default",
    device: Device = "auto",
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Does what `process_file` does, on an embedded moving picture of a person."""
    _check_seconds(seconds=seconds)
    _check_background(Path(output), background)
    sink = FileSink(Path(output), overwrite=overwrite)
    with CalmExitStack() as stack:
        source = stack.enter_context(DemoSource(seconds=seconds))
        pipeline = open_run(stack, source, sink, background, background_fit, model, device, report)
        return pipeline.run(on_progress)


def _check_seconds(**given: float | None) -> None:
    for name, seconds in given.items():
        if seconds is not None and not 0 <= seconds < math.inf:
            raise SettingsError(f"{name} {seconds}: write seconds, from 0 on")


def _check_background(target: Path, background: str) -> None:
    if same_file(target, background):
        raise OutputError(f"{target}: is the background itself; choose another name")


def open_run(
    stack: ExitStack,
    source: Source,
    sink: Sink,
    background: str,
    background_fit: Fit = "cover",
    model: AnyPath = "default",
    device: Device = "auto",
    report: Callable[[str], None] = lambda line: None,
) -> Pipeline:
    """Opens what lies between a source and a sink, ready to run.

    Args:
        stack: closes what is opened.
        source: open.
        sink: not yet open.
        background: as `process_file` takes it.
        background_fit: likewise.
        model: likewise.
        device: likewise.
        report: likewise.

    Raises:
        RealtimeError: something cannot be opened.
    """
    stats = Stats()
    aspect = float(source.format.sample_aspect_ratio)
    behind = stack.enter_context(parse(background, background_fit, pixel_aspect=aspect))
    matting = stack.enter_context(
        Matting(
            os.fspath(model),
            device,
            frame_rate=float(source.format.frame_rate),
            frame_size=(source.format.width, source.format.height),
            pixel_aspect=aspect,
            stats=stats,
        )
    )
    matting.warm_up(source.format.width, source.format.height)
    return Pipeline(
        source,
        matting,
        Compositor(behind),
        sink,
        transparent=behind.transparent,
        stats=stats,
        report=report,
    )
