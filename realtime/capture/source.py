"""Where frames come from: the interface of the capture thread.

    file, URL of a file       FileSource                               lossless, ends
    camera, URL of a stream   Reconnecting(CameraSource), "demo" too   live, never ends by itself

A live source can be without a picture for a while: the camera is unplugged, silent, still being
opened, or let go of by `pause`. Its `read` then raises `Lost`, again and again, and never takes
longer than about half a second to say so. That is no failure. Whoever reads shows a placeholder and
asks again:

    while not stopping:
        try:
            frame = source.read()
        except Lost as lost:
            show_placeholder(str(lost))
            continue
        if frame is None:
            break
        ...

After a loss, indices and times go on rising, `Frame.epoch` is another one, which tells the
inference to forget what it has seen, and the pictures may have another size or other colour tags:
go by the frame, not by `Source.format`.
"""

from __future__ import annotations

from abc import abstractmethod

from realtime.closing import Closing
from realtime.frame import Frame, VideoFormat


class Lost(Exception):  # noqa: N818 - the camera may return: no error
    """A live source has no picture now; its text says why, in one line. Ask again.

    Attributes:
        paused: whether it was let go of on purpose, by `Source.pause`.
        starting: whether its first picture is on its way: it was opened just now, is being opened
            again since `Source.resume`, or what it sends can be shown from the next key frame on.
    """

    def __init__(self, reason: str, *, paused: bool = False, starting: bool = False) -> None:
        super().__init__(reason)
        self.paused = paused
        self.starting = starting


class Source(Closing):
    """Delivers frames one after another; opening it is its constructor's work.

    One thread reads. Indices count up from 0 and `pts` strictly increases.

    Attributes:
        format: what the frames will be like; of a live source, what they are like at first.
        dropped: frames that came and were given up before they were read; their indices are
            missing from those read, unless they were too late when they came.
    """

    format: VideoFormat
    dropped: int = 0

    @abstractmethod
    def read(self) -> Frame | None:
        """The next frame, waiting for it; None at the end, and ever after.

        Raises:
            Lost: a live source has no picture now; it is still good, ask again.
            SourceError: the source broke, for good.
        """

    def pause(self) -> None:
        """Lets go of the device, so that its light goes off; `read` raises `Lost` meanwhile.

        From any thread; does not wait. Sources without a device go on. Idempotent.
        """

    def resume(self) -> None:
        """Takes the device again after `pause`. From any thread; does not wait. Idempotent."""

    def notes(self) -> tuple[str, ...]:
        """What the user should know about the input, one sentence each."""
        return ()

    @abstractmethod
    def close(self) -> None:
        """Releases the source. Idempotent; not to be called while another thread reads.

        `Reconnecting` may be closed at any time from any thread: a read under way returns None.
        """
