"""Where frames come from: the interface of the capture thread."""

from __future__ import annotations

from abc import abstractmethod

from realtime.closing import Closing
from realtime.frame import Frame, VideoFormat


class Source(Closing):
    """Delivers frames one after another; opening it is its constructor's work.

    One thread reads. Indices count up from 0 and `pts` strictly increases.

    Attributes:
        format: what the frames will be like.
        live: whether frames come by the clock and are lost if nobody takes them.
    """

    format: VideoFormat
    live: bool = False

    @abstractmethod
    def read(self) -> Frame | None:
        """The next frame, waiting for it; None at the end, and ever after.

        Raises:
            SourceError: the source broke.
        """

    def notes(self) -> tuple[str, ...]:
        """What the user should know about the input, one sentence each."""
        return ()

    @abstractmethod
    def close(self) -> None:
        """Releases the source. Idempotent; not to be called while another thread reads."""
