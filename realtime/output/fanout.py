"""Several outputs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from realtime.errors import OutputError
from realtime.frame import Frame, VideoFormat
from realtime.output.sink import Sink


class FanoutSink(Sink):
    """Gives every frame to several outputs, the most pressing first.

    One that breaks is given up, which is told at once and in `failures`, and the others go on:
    whoever is on air stays there when the disk is full. The last one to break fails the run, as
    does any that cannot even be opened. The user closing one of them ends the run.

    Args:
        sinks: at least one.
        report: is told in one line of an output that is given up; from any thread.

    Attributes:
        sinks: all of them.
    """

    def __init__(
        self, sinks: Sequence[Sink], report: Callable[[str], None] = lambda line: None
    ) -> None:
        if not sinks:
            raise ValueError("there must be at least one output")
        self.sinks = tuple(sinks)
        self._working = list(sinks)
        self._broken: list[str] = []
        self._report = report
        self.pump_interval = min(sink.pump_interval for sink in sinks)

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        for sink in self.sinks:
            sink.open(video, transparent=transparent)

    def write(self, frame: Frame) -> None:
        before = {sink: sink.dropped for sink in self._working}
        for sink in self._working:
            try:
                sink.write(frame)
            except OutputError as error:
                self._give_up(sink, error)
        # What one of them left out, such as a slow preview, may have left by another.
        self.dropped += min(sink.dropped - before[sink] for sink in self._working)

    def _give_up(self, sink: Sink, error: OutputError) -> None:
        # Not removed in place: the other thread may be in the middle of the list.
        working = [other for other in self._working if other is not sink]
        if not working:
            raise error
        self._working = working
        self._broken.append(f"an output was given up: {error}")
        self._report(self._broken[-1])

    def pump(self) -> bool:
        goes_on = True
        for sink in self._working:
            try:
                goes_on = sink.pump() and goes_on
            except OutputError as error:
                self._give_up(sink, error)
        return goes_on

    def notes(self) -> tuple[str, ...]:
        return tuple(note for sink in self.sinks for note in sink.notes())

    def failures(self) -> tuple[str, ...]:
        return tuple(self._broken)

    def close(self, *, early: bool = False) -> None:
        def end(sink: Sink) -> None:
            if sink in self._working:
                sink.close(early=early)
            else:
                sink.abort()

        self._end(end)

    def abort(self) -> None:
        self._end(lambda sink: sink.abort())

    def _end(self, end: Callable[[Sink], None]) -> None:
        """Ends all of them, even if one cannot be; raises the first failure."""
        failure: Exception | None = None
        for sink in self.sinks:
            try:
                end(sink)
            except Exception as error:  # noqa: BLE001 - raised when all have ended
                failure = failure or error
        if failure is not None:
            raise failure
