"""A live source that outlives its camera."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from realtime.capture.source import Lost, Source
from realtime.errors import SourceError
from realtime.frame import NANOSECOND, Frame, VideoFormat
from realtime.worker import Worker

# Without a frame for so long a camera counts as lost: three frame intervals, and 0.4 s at least,
# since cameras pause as they set their exposure. A placeholder has to be out within 0.5 s.
_LEAST_PATIENCE = 0.4
_PATIENCE_FRAMES = 3

# A camera that is silent this long is opened anew. Not earlier: opening takes up to two seconds,
# and most that fall silent come back by themselves.
_LONGEST_SILENCE = 2.0

# The same before its first frame: some cameras take two seconds for it.
_LONGEST_START = 5.0

# The same where a stream sends, but nothing that can be shown before its next key frame.
_LONGEST_WAIT_FOR_A_KEY_FRAME = 30.0

# Seconds before the camera is tried again, doubling from the first to the last.
_FIRST_DELAY = 0.25
_LAST_DELAY = 2.0

# Seconds between two looks at whether a source has been opened.
_OPENING_INTERVAL = 0.1

# Seconds to wait for a reader that a driver or a server holds. It then ends by itself: it belongs
# to nobody, is a daemon, and releases its camera as soon as it is let go.
_JOIN_SECONDS = 0.8

# Frames that may wait to be read: they come in a burst where the camera or this process was held
# up.
_WAITING = 3

Wait = Callable[[threading.Condition, float], object]


def _wait(condition: threading.Condition, seconds: float) -> None:
    condition.wait(seconds)


def _patience(format: VideoFormat) -> float:
    return max(_LEAST_PATIENCE, _PATIENCE_FRAMES / float(format.frame_rate))


def _opened(open: Callable[[], Source]) -> Source:
    """Opens a source in a thread of its own: the main one would be deaf to Ctrl-C meanwhile."""
    opened: list[Source] = []
    settled = threading.Lock()
    wanted = True

    def work() -> None:
        source = open()
        with settled:
            if wanted:
                opened.append(source)
                return
        source.close()

    worker = Worker("opening", work, lambda: None, daemon=True)
    try:
        worker.start()
        while not worker.wait(_OPENING_INTERVAL):
            pass
        worker.join()
    except BaseException:
        with settled:
            wanted = False
        for source in opened:
            source.close()
        raise
    if worker.error is not None:
        raise worker.error
    return opened[0]


class Reconnecting(Source):
    """Reads a live source in a thread of its own and opens it anew, for ever, when it breaks.

    `read` never takes longer than `patience`, whatever drivers and servers do: without a frame it
    raises `Lost`. It does so at once when the source breaks, and again after each `patience` while
    there is nothing to see. See `realtime.capture.source` for what comes afterwards.

    A few frames wait to be read, so that none is lost of a burst; of more the oldest is given up,
    and counted in `dropped` with those that the source gave up.

    What it got, why there is no picture, and that there is one again is reported as it happens.

    `pause`, `resume` and `close` may be called at any time and from any thread.

    Args:
        open: opens the source; waited for at first, so that it can refuse, and called from the
            reading thread later. Whatever SourceError it raises then means "not yet".
        format: what to expect, if the source is not to be opened until `resume`.
        report: is told that in one line, from any thread.
        clock: monotonic seconds.
        wait: waits for a condition to be notified, so many seconds at most.

    Attributes:
        patience: seconds without a frame after which the source counts as lost.
        trouble: why there is no picture, empty while there is one or it was let go of.
        losses: how often it was lost.

    Raises:
        SourceError: it cannot be opened at all.
    """

    def __init__(
        self,
        open: Callable[[], Source],
        *,
        format: VideoFormat | None = None,
        report: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = _wait,
    ) -> None:
        self._open = open
        self._report = report
        self._reported = ""
        self._clock = clock
        self._wait = wait
        self._changed = threading.Condition()
        self._paused = format is not None
        self._starting = False
        self._closed = False
        self._ended = False
        self._frames: deque[Frame] = deque()
        self._reason = "not opened yet" if self._paused else ""
        self._lost = self._paused
        self._untold = False
        self._index = 0
        self._last_pts = -1
        self._epoch = 0
        self._notes: tuple[str, ...] = ()
        self.dropped = 0
        self.losses = 0
        self._first: Source | None = None
        if format is None:
            self._first = _opened(open)
            self._notes = self._first.notes()
            format = self._first.format
        self.format = format
        self.patience = _patience(format)
        self._reader = Worker("camera", self._keep_reading, self._wake, daemon=True)
        self._reader.start()

    # What the caller's thread does.

    def read(self) -> Frame | None:
        with self._changed:
            if self._nothing_to_tell():
                self._wait(self._changed, self.patience)
            if self._closed:
                return None
            if self._frames:
                return self._frames.popleft()
            if self._reader.error is not None:
                raise self._reader.error
            if self._ended:
                return None
            self._untold = False
            if not self._lost:
                begun = self._index > 0
                self._lose(f"no picture for {self.patience:.1f} s" if begun else "no picture yet")
                self._untold = False
                # Some take their time at first: nothing to worry anybody with.
                self._starting = not begun
            lost = Lost(self._reason, paused=self._paused, starting=self._starting)
        self._tell()
        raise lost

    def _nothing_to_tell(self) -> bool:
        done = self._closed or self._ended or self._reader.error is not None
        return not (done or self._untold or self._frames)

    def pause(self) -> None:
        with self._changed:
            if not self._paused:
                self._paused, self._starting = True, False
                self.dropped += len(self._frames)
                self._frames.clear()
                self._lose("the camera is off: nobody is watching", counted=False)

    def resume(self) -> None:
        with self._changed:
            if self._paused:
                self._paused, self._starting = False, True
                self._reason = "the camera is being opened"
                self._changed.notify_all()

    @property
    def trouble(self) -> str:
        with self._changed:
            worth_telling = self._lost and not self._paused and not self._starting
            return self._reason if worth_telling else ""

    def notes(self) -> tuple[str, ...]:
        notes = self._notes
        if self.losses:
            times = "once" if self.losses == 1 else f"{self.losses} times"
            notes += (f"the camera was lost {times}",)
        return notes

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._reader.wait(_JOIN_SECONDS):
            self._reader.join()

    # What the reading thread does.

    def _keep_reading(self) -> None:
        delay = _FIRST_DELAY
        while self._is_wanted():
            if self._read_one_source() or self._paused:
                delay = _FIRST_DELAY
            self._rest(delay)
            delay = min(2 * delay, _LAST_DELAY)
        if self._first is not None:
            self._first.close()

    def _read_one_source(self) -> bool:
        """Opens the source and reads it to its end; returns whether it gave a frame."""
        try:
            source, self._first = self._first or self._open(), None
        except SourceError as error:
            self._lose(str(error))
            self._tell()
            return False
        with source:
            self._notes = source.notes()
            self.patience = _patience(source.format)
            came = self._pass_on(source)
            self._tell()
            self._notes = source.notes()
            return came

    def _is_wanted(self) -> bool:
        """Waits while paused; returns whether to read on."""
        with self._changed:
            while self._paused and not self._closed:
                self._changed.wait()
            return not (self._closed or self._ended)

    def _rest(self, seconds: float) -> None:
        """Waits before the next attempt; being paused or closed wakes it up."""
        until = self._clock() + seconds
        with self._changed:
            while not (self._closed or self._paused or self._ended):
                left = until - self._clock()
                if left <= 0:
                    return
                self._wait(self._changed, left)

    def _pass_on(self, source: Source) -> bool:
        """Reads until the source breaks, falls silent, or is not wanted; whether a frame came."""
        came = False
        last = opened = self._clock()
        while not (self._closed or self._paused):
            try:
                frame = self._read(source)
            except Lost as lost:
                now = self._clock()
                if lost.starting and now - opened < _LONGEST_WAIT_FOR_A_KEY_FRAME:
                    # Opened anew, it would have to wait for one once more.
                    last = now
                silent = now - last
                if silent > (_LONGEST_SILENCE if came else _LONGEST_START):
                    self._lose(f"no picture for {silent:.0f} s: opening the camera anew")
                    break
                continue
            except SourceError as error:
                self._lose(str(error))
                break
            if frame is None:
                with self._changed:
                    self._ended = True
                    self._changed.notify_all()
                break
            if not came or self._lost:
                for note in source.notes():
                    self._tell(note)
            came = True
            last = self._clock()
            self._offer(frame)
        return came

    def _read(self, source: Source) -> Frame | None:
        before = source.dropped
        try:
            return source.read()
        finally:
            with self._changed:
                self.dropped += source.dropped - before

    def _offer(self, frame: Frame) -> None:
        with self._changed:
            if self._closed or self._paused:
                return
            self._starting = False
            if self._lost:
                # Whether it was told or not, the epoch tells it from now on.
                self._lost = self._untold = False
                self._epoch += self._index > 0
            if len(self._frames) == _WAITING:
                self._frames.popleft()
                self.dropped += 1
            pts = round(frame.pts * frame.time_base / NANOSECOND)
            self._last_pts = max(self._last_pts + 1, pts)
            self._frames.append(
                replace(
                    frame,
                    index=self._index,
                    pts=self._last_pts,
                    time_base=NANOSECOND,
                    epoch=self._epoch,
                )
            )
            self._index += 1
            self._changed.notify_all()

    def _lose(self, reason: str, *, counted: bool = True) -> None:
        with self._changed:
            if self._paused and counted:
                return
            self._starting = False
            self.losses += counted and not self._lost and self._index > 0
            self._untold = self._untold or not self._lost
            self._lost = True
            self._reason = reason
            self._changed.notify_all()

    def _tell(self, note: str = "") -> None:
        """Reports a note, else the trouble there is, unless that is what was reported last."""
        with self._changed:
            line = note or self.trouble
            if self._closed or line in ("", self._reported):
                return
            self._reported = line
        # Not under the lock, for it may take long.
        self._report(line)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
