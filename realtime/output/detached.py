"""An output that takes its time without taking that of others."""

from __future__ import annotations

from realtime.channel import Channel, ChannelClosed
from realtime.errors import OutputError
from realtime.frame import Frame, VideoFormat
from realtime.output.sink import Sink
from realtime.worker import Worker

# Frames that wait for an encoder which is busy with one that is hard; a quarter of a second, some
# megabytes. A disk that is slower for longer loses pictures, and not those on air.
_CAPACITY = 8


class DetachedSink(Sink):
    """Writes to another sink from a thread of its own; gives up the oldest frame when that is late.

    A failure of the other sink is raised by the next `write`, or by `close`.

    Args:
        sink: where the frames go; opened and closed along with this one.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._frames: Channel[Frame] = Channel(
            _CAPACITY, "drop-oldest", counts=lambda frame: not frame.is_placeholder
        )
        self._worker = Worker("detached", self._work, self._frames.cancel)
        self._told: tuple[str, ...] = ()
        self.pump_interval = sink.pump_interval

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        self._sink.open(video, transparent=transparent)
        self._worker.start()

    def _work(self) -> None:
        for frame in self._frames:
            self._sink.write(frame)

    def write(self, frame: Frame) -> None:
        try:
            self._frames.put(frame)
        except ChannelClosed:
            self._finish()
            raise
        self.dropped = self._frames.dropped + self._sink.dropped

    def pump(self) -> bool:
        return self._sink.pump()

    def notes(self) -> tuple[str, ...]:
        lost = self._frames.dropped
        late = (f"{lost} frames were left out of a file: it was written too slowly",)
        return (*self._sink.notes(), *self._told, *(late if lost else ()))

    def close(self, *, early: bool = False) -> None:
        self._frames.close()
        self._finish()
        self._sink.close(early=early)

    def _finish(self) -> None:
        """Joins the thread, and raises what it failed with, once."""
        self._worker.join()
        error, self._worker.error = self._worker.error, None
        if error is not None:
            self._sink.abort()
            raise error

    def abort(self) -> None:
        # What waits belongs to the take that is kept.
        self._frames.close()
        self._worker.join()
        error, self._worker.error = self._worker.error, None
        if isinstance(error, OutputError):
            # The failure that led here is reported; this one may say where a take lies.
            self._told = (str(error),)
        self._sink.abort()
