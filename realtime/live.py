"""The job for cameras: opens every part of a live run, runs it, and closes everything."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path
from typing import Any

from realtime import config as config_file
from realtime import keys
from realtime.capture.opening import open_camera
from realtime.control import Control
from realtime.demand import DemandWatcher
from realtime.errors import Interrupted, SettingsError
from realtime.frame import NANOSECOND, Frame, Matte, VideoFormat, exact_rate
from realtime.interrupts import CalmExitStack
from realtime.live_matting import LiveMatting
from realtime.live_pipeline import LivePipeline
from realtime.new_files import same_file
from realtime.output.detached import DetachedSink
from realtime.output.fanout import FanoutSink
from realtime.output.file import FileSink
from realtime.output.live_compositor import LiveCompositor
from realtime.output.sink import NullSink, Sink
from realtime.output.virtual import VirtualCameraSink
from realtime.output.window import WindowSink
from realtime.overlay import Overlay
from realtime.progress import complain
from realtime.running import OnProgress
from realtime.settings import Settings, SettingsStore, require_known
from realtime.stats import Figures, Progress, Stats, Summary
from realtime.stats_log import StatsLog

AnyPath = str | Path


def run_live(
    options: Mapping[str, Any] | None = None,
    *,
    config: AnyPath | None = None,
    overwrite: bool = False,
    control_token: str | None = None,
    report: Callable[[str], None] = complain,
    on_progress: OnProgress | None = None,
) -> Summary:
    """Replaces the background of a camera's pictures as they come, until it is stopped.

    The raw picture never leaves: see `realtime.output.guard`.

    Args:
        options: values of `realtime.settings.Settings` by name; they win over `config`.
        config: a TOML file with options; saved changes apply during the run.
        overwrite: whether an output file may exist.
        control_token: what programs must know to control it; None for a new random one.
        report: is told in one line what else happens during the run, from any thread.
        on_progress: called about ten times a second from the calling thread, which must be the
            main one if there is a window.

    Returns:
        What was done; its "latency" stage is from capture to output.

    Raises:
        RealtimeError: see `realtime.errors`.
        Interrupted: Ctrl-C.
    """
    given = dict(options or {})
    require_known(given)
    loaded = {} if config is None else config_file.load(config)
    settings = Settings(**{**loaded, **given})
    controlled = settings.control_port >= 0
    if settings.control_token_file and not controlled:
        raise SettingsError("control_token_file: nothing is controlled; add --control-port 0")
    _require_apart(settings, config)
    store = SettingsStore(settings)
    stats = Stats()

    def figures() -> Figures:
        return pipeline.figures()

    output = functools.partial(_output, store, figures, overwrite=overwrite)
    sink = _sink(settings, output, report)
    with CalmExitStack() as stack:
        log = (
            stack.enter_context(StatsLog(settings.stats_json, overwrite=overwrite))
            if settings.stats_json
            else None
        )
        trouble = _BackgroundTrouble(report)
        compositor = stack.enter_context(LiveCompositor(settings, trouble.report))
        matting = stack.enter_context(LiveMatting(store, stats, report))
        # Before the camera: pictures that come meanwhile would be lost.
        matting.warm_up(settings.width, settings.height)
        camera = (settings.camera, settings.width, settings.height, settings.fps)
        source = stack.enter_context(
            open_camera(*camera, paused=settings.on_demand, stats=stats, report=report)
        )
        video = _video(settings, source.format)

        def composite(matte: Matte, settings: Settings, *, plain: bool) -> Frame:
            trouble.asked(settings)
            return compositor(matte, settings, plain=plain)

        pipeline = LivePipeline(
            source,
            matting,
            composite,
            sink,
            video,
            store,
            seconds=settings.seconds or None,
            stats=stats,
            report=report,
        )
        if settings.on_demand:
            devices = _virtual_devices(sink)
            stack.enter_context(DemandWatcher(devices, source, pipeline.stop)).start()
        if config is not None:
            watcher = config_file.Watcher(config, loaded, given, store, report)
            stack.enter_context(watcher).start()
        if controlled:
            control = Control(
                store,
                lambda: figures().as_dict(),
                lambda: trouble.line or source.trouble,
                pipeline.stop,
                port=settings.control_port,
                token=control_token,
                token_file=settings.control_token_file or None,
            )
            stack.enter_context(control).start()
            report(f"control at {control.url}{_whereabouts(control, settings.control_token_file)}")

        def tell(progress: Progress) -> None:
            if log is not None:
                log.tick(figures)
            if on_progress is not None:
                on_progress(progress)

        return _run(pipeline, tell, log, sink, report)


class _BackgroundTrouble:
    """Remembers what went wrong with a background until another one is asked for.

    Args:
        report: is told too.

    Attributes:
        line: what went wrong and what is shown instead; empty where the one that was asked for is
            shown, or is being opened. Any thread may read it; the rest is for one thread.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._asked: tuple[str, str] | None = None
        self.line = ""

    def asked(self, settings: Settings) -> None:
        """Takes note of the background that the next frame wants."""
        asked = (settings.background, settings.background_fit)
        if asked != self._asked:
            self._asked, self.line = asked, ""

    def report(self, line: str) -> None:
        """Takes note of what went wrong with it."""
        self.line = line
        self._report(line)


def _whereabouts(control: Control, file: str) -> str:
    """Where to find the token: logs get to see it only where there is no other way to know it."""
    if file:
        return f", token in {file}"
    return f", token {control.token}" if control.random else ""


def _run(
    pipeline: LivePipeline,
    tell: OnProgress,
    log: StatsLog | None,
    sink: Sink,
    report: Callable[[str], None],
) -> Summary:
    """Runs it; the log's last line is the summary, also after Ctrl-C.

    Where it fails, what became of the outputs is reported: a recording is kept.
    """
    try:
        summary = pipeline.run(tell)
    except Interrupted as interrupted:
        if log is not None:
            log.summary(interrupted.summary)
        raise
    except BaseException:
        for note in sink.notes():
            report(note)
        raise
    if log is not None:
        log.summary(summary)
        summary = replace(summary, notes=(*summary.notes, *log.notes()))
    return summary


def _video(settings: Settings, camera: VideoFormat) -> VideoFormat:
    """The format of what leaves: as asked, whatever the camera has."""
    return replace(
        camera,
        width=settings.width,
        height=settings.height,
        frame_rate=exact_rate(settings.fps),
        time_base=NANOSECOND,
        sample_aspect_ratio=Fraction(1),
    )


def _virtual_devices(sink: Sink) -> Callable[[], list[str]]:
    """Tells the paths of the virtual cameras that are open.

    Raises:
        SettingsError: there is none, or its readers cannot be counted here.
    """
    sinks = sink.sinks if isinstance(sink, FanoutSink) else [sink]
    cameras = [sink for sink in sinks if isinstance(sink, VirtualCameraSink)]
    if sys.platform != "linux" or not cameras:
        raise SettingsError("on_demand: works on Linux with --output virtual only; leave it out")
    return lambda: [path for camera in cameras if (path := camera.device) is not None]


def _require_apart(settings: Settings, config: AnyPath | None) -> None:
    """Sees that nothing is written over a file that another option names.

    Raises:
        SettingsError: two options name one file.
    """
    written = [("output", name) for name in settings.outputs if _is_file(name)]
    written += [("stats_json", settings.stats_json)] if settings.stats_json else []
    token_file = settings.control_token_file
    written += [("control_token_file", token_file)] if token_file else []
    read = [("config", str(config))] if config is not None else []
    named = [("model", settings.model), ("background", settings.background)]
    named += [("next_background", text) for text in settings.backgrounds]
    read += [(option, text) for option, text in named if os.path.isfile(text)]
    for (option, path), (other, text) in (*combinations(written, 2), *product(written, read)):
        if _clash(path, text):
            raise SettingsError(f"{option} {path}: is {other} {text} too; choose another name")


def _clash(one: str, other: str) -> bool:
    if any(os.path.exists(path) and not os.path.isfile(path) for path in (one, other)):
        return False  # /dev/null has room for many
    try:
        same_place = os.path.realpath(one) == os.path.realpath(other)
    except ValueError:
        return False  # no path at all, which is told where it is opened
    return same_place or same_file(one, other)


def _sink(settings: Settings, output: Callable[[str], Sink], report: Callable[[str], None]) -> Sink:
    twice = {name for name in settings.outputs if settings.outputs.count(name) > 1}
    if twice:
        raise SettingsError(f"output {twice.pop()}: is there twice; leave one out")
    sinks = [output(name) for name in settings.outputs]
    if len(sinks) == 1:
        return sinks[0]
    # Files take their time: not that of those on air, who come first.
    ready = [DetachedSink(sink) if isinstance(sink, FileSink) else sink for sink in sinks]
    first = sorted(ready, key=lambda sink: not isinstance(sink, VirtualCameraSink))
    return FanoutSink(first, report)


def _is_file(output: str) -> bool:
    return output not in ("window", "null", "virtual") and not output.startswith("/dev/")


def _output(
    store: SettingsStore, figures: Callable[[], Figures], name: str, *, overwrite: bool
) -> Sink:
    if name == "window":
        on_key = functools.partial(keys.handle, store=store)
        return WindowSink(on_key=on_key, decorate=Overlay(store, figures))
    if name == "null":
        return NullSink()
    if name == "virtual":
        return VirtualCameraSink()
    if name.startswith("/dev/"):
        return VirtualCameraSink(name)
    return FileSink(Path(name), overwrite=overwrite, from_first=True)
