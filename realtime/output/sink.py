"""Where finished frames go: the interface of the output thread."""

from __future__ import annotations

from abc import ABC, abstractmethod

from realtime.frame import Frame, VideoFormat


class Sink(ABC):
    """Takes finished frames one after another.

    `open`, `pump`, `close` and `abort` are called by the thread that runs the pipeline, `write` by
    the output thread, between `open` and `close`.

    Attributes:
        dropped: frames that were taken and given up; placeholders are no loss.
        pump_interval: seconds after which `pump` wants to be called again.
    """

    dropped: int = 0
    pump_interval: float = 0.1

    @abstractmethod
    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        """Makes ready for frames of this format, with an alpha each where `transparent`.

        Raises:
            OutputError: the output cannot be opened, or cannot carry alpha.
        """

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Takes a frame.

        Raises:
            OutputError: the output broke.
        """

    def pump(self) -> bool:
        """Serves what only the calling thread may serve; False when the user closed the output."""
        return True

    def notes(self) -> tuple[str, ...]:
        """What the user should know about the output, one sentence each."""
        return ()

    def failures(self) -> tuple[str, ...]:
        """Outputs that were given up while others went on, one sentence each."""
        return ()

    @abstractmethod
    def close(self, *, early: bool = False) -> None:
        """Finishes the output; `early` where the run was stopped before its end. Idempotent.

        Raises:
            OutputError: the output cannot be finished.
        """

    @abstractmethod
    def abort(self) -> None:
        """Gives the output up after a failure. Idempotent.

        Nothing half-done remains but a live take, which cannot be made again; a note tells of it.
        """


class NullSink(Sink):
    """Takes everything and keeps nothing."""

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        """Nothing to prepare."""

    def write(self, frame: Frame) -> None:
        """The pipeline counts."""

    def close(self, *, early: bool = False) -> None:
        """Nothing to finish."""

    def abort(self) -> None:
        """Nothing to undo."""
