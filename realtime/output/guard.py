"""Decides what leaves: the newest finished picture, or a placeholder. The raw room never does.

A picture passes only while all is well. Whatever goes wrong, the way out is the placeholder:

    panic        the user said so
    frozen       the user said so: the last picture that was sent, again and again, if there is one
    starting     no alpha has come yet, or the camera is being taken again
    lost         the camera is gone, or silent
    paused       the camera was let go of, since nobody watches
    failed       the network or the compositing failed
    late         the newest picture is older than `max_staleness`, and the camera's next one is due
    nobody       no person for `nobody_after` seconds
"""

from __future__ import annotations

import enum
import statistics
from collections import Counter, deque
from dataclasses import dataclass

from realtime.frame import NANOSECOND, Frame, Matte, Planes, VideoFormat
from realtime.output.placeholder import Placeholder
from realtime.settings import Settings

# Share of the picture that people must fill to be there: a head at the far end of a room.
_PRESENT = 0.002

# A camera may be slower than `max_staleness` allows, by itself or since it is dark. Its picture
# stays until it is so many of its frame intervals old: one until the next is taken, and one in
# which that is on its way.
_INTERVALS = 2.0

# So many of the last intervals tell what the camera's is: a stall or two among them do not. Longer
# ones than of the slowest rate that can be asked for are taken for that.
_RECENT = 5
_LONGEST_INTERVAL = 1.0

# A placeholder for lateness stays this long, in seconds: one that flashes between pictures is worse
# than one that stays.
_LATE_HOLD = 0.5


class State(enum.Enum):
    """What leaves, and why; the value is what people are told."""

    LIVE = "live"
    FROZEN = "frozen"
    PANIC = "panic"
    STARTING = "starting"
    LOST = "camera lost"
    PAUSED = "camera paused"
    FAILED = "matting failed"
    LATE = "too slow"
    NOBODY = "nobody there"


# What the audience reads. It need not know why.
_CAPTIONS = {State.STARTING: "Camera starting", State.LOST: "Camera disconnected"}
_CAPTION = "Camera paused"


@dataclass(frozen=True, slots=True)
class Gap:
    """Travels between the threads in a picture's place: there is none, and why."""

    state: State


class Guard:
    """Lets finished frames through and fills the gaps at the output's rate.

    One thread calls it: `saw` and `finish` for each matte, `interrupt` for each gap, and `next`
    after either, and also when neither came within `patience`.

    Args:
        video: the output's format; every frame given to `finish` has its size.
        interval: seconds between the camera's frames, as it says; what is seen replaces that.

    Attributes:
        state: what left last.
        repeats: pictures sent that no camera had just taken.
        withheld: finished frames that were not let through.
        changes: how often each state began.
    """

    def __init__(self, video: VideoFormat, interval: float) -> None:
        self._video = video
        self._intervals = deque([interval], maxlen=_RECENT)
        # Epoch, index and time of the newest finished frame: the frame itself would hold memory.
        self._before: tuple[int, int, float] | None = None
        self._placeholder = Placeholder(video)
        self._period = float(1 / video.frame_rate)
        self._gap: State | None = State.STARTING
        self._waiting: Frame | None = None
        self._newest = 0.0
        self._person: float | None = None
        self._sent: Frame | None = None
        self._blurred: tuple[Frame, Planes] | None = None
        self._late_until = 0.0
        self._due = 0.0
        self.state = State.STARTING
        self.repeats = 0
        self.withheld = 0
        self.changes: Counter[State] = Counter()

    def saw(self, matte: Matte) -> None:
        """Looks whether anybody is in a matte."""
        time = matte.frame.time
        if self._person is None or float((matte.alpha > 0.5).mean()) >= _PRESENT:
            self._person = time

    def finish(self, frame: Frame) -> None:
        """Takes a finished frame; one that has not left yet is replaced."""
        self._waiting = frame
        self._newest = frame.time
        self._gap = None
        before, self._before = self._before, (frame.epoch, frame.index, frame.time)
        if before is not None:
            epoch, index, time = before
            if epoch == frame.epoch and frame.index > index:
                # Of the camera, however many of its frames were given up in between.
                self._intervals.append((frame.time - time) / (frame.index - index))

    def interrupt(self, state: State) -> None:
        """Takes note that no frame comes; what has not left yet will not."""
        self._waiting = None
        self._gap = state

    def patience(self, now: float) -> float:
        """Seconds after which `next` wants to be called even if nothing came."""
        return self._due - now if self._due > now else self._period

    def next(self, now: float, settings: Settings) -> Frame | None:
        """The frame to send at this moment, if any.

        Args:
            now: seconds of `time.monotonic`.
            settings: as they are at this moment.

        Returns:
            A finished frame, at once; or a placeholder or the frozen frame, at the output's rate;
            None where nothing is due. A placeholder's time is `now`, which is later than that of
            the finished frame which follows it.
        """
        waiting, self._waiting = self._waiting, None
        # A camera whose clock is ahead must not look young for longer.
        self._newest = min(self._newest, now)
        state = self._judge(now, settings)
        if state is State.PANIC:
            # It may be what the user panicked about: it must not come back as a frozen picture.
            self._sent = None
        if state is State.LIVE:
            if waiting is None:
                return None
            self._sent = waiting
            frame = waiting
        else:
            self.withheld += waiting is not None
            if now < self._due:
                return None
            frame = self._substitute(state, now, settings)
            self.repeats += 1
        if state is not self.state:
            self.changes[state] += 1
            self.state = state
        # Pictures come when they come; placeholders by a schedule, begun anew where it was missed.
        begun = now if state is State.LIVE else max(self._due, now - self._period)
        self._due = begun + self._period
        return frame

    def _allowance(self) -> float:
        """Seconds for which a picture can be the newest one there is, by the camera's doing."""
        return _INTERVALS * min(statistics.median_low(self._intervals), _LONGEST_INTERVAL)

    def _judge(self, now: float, settings: Settings) -> State:
        if settings.panic:
            return State.PANIC
        if settings.freeze and self._sent is not None:
            return State.FROZEN
        if self._gap is not None:
            return self._gap
        if now - self._newest > max(settings.max_staleness, self._allowance()):
            if self.state is not State.LATE:
                self._late_until = now + _LATE_HOLD
            return State.LATE
        if self.state is State.LATE and now < self._late_until:
            return State.LATE
        alone = self._newest - (self._newest if self._person is None else self._person)
        if settings.nobody_after and alone >= settings.nobody_after:
            return State.NOBODY
        # Before the first picture, or after a panic, there is none to hold: and none to show.
        return State.FROZEN if settings.freeze else State.LIVE

    def _substitute(self, state: State, now: float, settings: Settings) -> Frame:
        sent, color = self._sent, self._video.color
        if state is State.FROZEN and sent is not None:
            planes, color = sent.planes, sent.color
        elif settings.fallback == "black":
            planes = self._placeholder.black()
        elif settings.fallback == "blur" and sent is not None:
            planes, color = self._blur(sent), sent.color
        else:
            # Also for a blur before anything was sent: there is nothing safe to blur.
            planes = self._placeholder.card(_CAPTIONS.get(state, _CAPTION))
        return Frame(planes, -1, round(now * 1e9), NANOSECOND, color)

    def _blur(self, sent: Frame) -> Planes:
        """Made of what was sent before, so that it cannot tell more than that did."""
        if self._blurred is None or self._blurred[0] is not sent:
            self._blurred = (sent, self._placeholder.blurred(sent))
        return self._blurred[1]

    def notes(self) -> tuple[str, ...]:
        """How often a placeholder was shown that nobody asked for, and why."""
        unasked = (State.LOST, State.FAILED, State.LATE, State.NOBODY)
        times = [
            f"{state.value} ({self.changes[state]}×)" for state in unasked if self.changes[state]
        ]
        return (f"a placeholder was shown: {', '.join(times)}",) if times else ()
