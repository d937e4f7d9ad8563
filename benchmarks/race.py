"""A race: contestants take turns, round after round, beside a floor.

Who they are is the business of `benchmarks.peers`, how one runs that of `benchmarks.race_arena`.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.errors import ModelsError
from realtime.inference.choice import DEFAULT

FLOOR = "transcode-plain"

# Enough to see whether a contestant runs at all; it also reads its files from disk once.
_TRIAL_FRAMES = 3

# Of the shorter run of those that get fewer frames: the first ones, which are slower, are in both.
_SHORT_FRAMES = 10


class Unavailable(Exception):  # noqa: N818 - a peer may be missing: no error
    """A peer cannot run here; its text says why."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One program.

    Attributes:
        name: in the report.
        title: for readers.
        loop: its file in `loops`, None for our own command line.
        requirements: what pip has to install for it, in an environment of its own; nothing for
            what runs in ours.
        pythons: versions of Python that these exist for, the best first; empty for any.
        extra: further arguments, such as an ONNX file.
        model: the network of our own command line.
        most_frames: of the clip that it gets.
        instead_of: the contestant before it that it stands in for, where that one is unavailable.
        writes: whether it writes a video; if not, it says {"frames": …} on stdout.
        over_ours: whether it gets what our program made of the clip, in the clip's place.
    """

    name: str
    title: str
    loop: str | None = None
    requirements: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    model: str = DEFAULT
    most_frames: int = 10**6
    instead_of: str | None = None
    writes: bool = True
    over_ours: bool = False


@dataclass(frozen=True, slots=True)
class Took:
    """What a whole process took for a clip.

    Attributes:
        frames: that it delivered.
        seconds: from its start to its end.
        user: seconds of the processor, all threads.
        system: likewise, in the kernel.
        peak_mb: the most memory that it had.
        run: frames that were really run, where the rest is reckoned; None where all were.
        model: the network that it says it ran; None where it says nothing of one.
    """

    frames: int
    seconds: float
    user: float
    system: float
    peak_mb: float
    run: int | None = None
    model: str | None = None

    @property
    def fps(self) -> float:
        return self.frames / self.seconds

    def reckoned(self, short: Took, frames: int) -> Took:
        """What so many frames would take, given a shorter run of the same program.

        Start-up is what the short run took beyond its share of frames; each further frame takes
        what it took between the two.
        """

        def reckon(less: float, more: float) -> float:
            each = max(0.0, more - less) / (self.frames - short.frames)
            return more + each * (frames - self.frames)

        return Took(
            frames,
            reckon(short.seconds, self.seconds),
            reckon(short.user, self.user),
            reckon(short.system, self.system),
            self.peak_mb,
            self.frames,
            self.model,
        )


Run = Callable[[Contestant, Path, int], Took]


def compete(
    everybody: Sequence[Contestant],
    clip: Path,
    frames: int,
    repeats: int,
    run: Run,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Runs everybody in turn.

    Args:
        everybody: who, the floor first.
        clip: the video.
        frames: of it, at most.
        repeats: rounds.
        run: runs one once; raises `Unavailable`.
        say: is told in one line what is going on.

    Returns:
        "contestants" by name with their rounds and figures, and "skipped" with the reasons. Where
        the floor broke after a whole round, the rounds before, and "ended" with the reason.

    Raises:
        ModelsError: the floor does not run.
    """
    race = _Race(everybody, clip, frames, run, say)
    race.line_up()
    if all(contestant.name != FLOOR for contestant in race.ready):
        why = race.skipped.get(FLOOR, "not asked for")
        raise ModelsError(f"the bare transcode does not run: {why}")
    ended = {}
    for number in range(1, repeats + 1):
        try:
            race.round(number)
        except _FloorBrokeError as reason:
            if number == 1:
                raise ModelsError(f"the bare transcode broke: {reason}") from None
            ended = {"ended": f"the bare transcode broke in round {number}: {reason}"}
            break
    return {"contestants": race.figures(), "skipped": race.skipped} | ended


class _FloorBrokeError(Exception):
    """Nobody can be compared from here on; its text says why."""


@dataclass
class _Race:
    """A race under way; see `compete`."""

    everybody: Sequence[Contestant]
    clip: Path
    frames: int
    run: Run
    say: Callable[[str], None]
    ready: list[Contestant] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    _rounds: dict[str, list[Took]] = field(default_factory=dict)

    def line_up(self) -> None:
        """Tries everybody, but stand-ins only for those that do not run."""
        for contestant in self.everybody:
            if contestant.instead_of in (None, *self.skipped) and self._runs(contestant):
                self.ready.append(contestant)

    def round(self, number: int) -> None:
        """Everybody's turn. For one that breaks, its stand-in takes over, in this very round."""
        turn = deque(self.ready)
        while turn:
            contestant = turn.popleft()
            try:
                took = self._took(contestant)
            except Unavailable as reason:
                if contestant.name == FLOOR:
                    raise _FloorBrokeError(str(reason)) from None
                self._leave_out(contestant, reason)
                self.ready.remove(contestant)
                others = [c for c in self.everybody if c.instead_of == contestant.name]
                others = [other for other in others if self._runs(other)]
                self.ready += others
                turn.extendleft(others)
                continue
            self._rounds.setdefault(contestant.name, []).append(took)
            self.say(f"round {number}, {contestant.name}: {took.fps:.1f} fps")

    def figures(self) -> dict[str, dict[str, Any]]:
        """Of all that are still in it, by name."""
        return {
            one.name: _figures(one.title, self._rounds[one.name], self._rounds[FLOOR])
            for one in self.ready
        }

    def _runs(self, contestant: Contestant) -> bool:
        try:
            self.run(contestant, self.clip, min(_TRIAL_FRAMES, self.frames))
        except Unavailable as reason:
            self._leave_out(contestant, reason)
            return False
        return True

    def _leave_out(self, contestant: Contestant, reason: Unavailable) -> None:
        self.skipped[contestant.name] = str(reason)
        self.say(f"{contestant.name} is left out: {reason}")

    def _took(self, contestant: Contestant) -> Took:
        if contestant.most_frames >= self.frames:
            return self.run(contestant, self.clip, self.frames)
        short = self.run(contestant, self.clip, _SHORT_FRAMES)
        longer = self.run(contestant, self.clip, contestant.most_frames)
        return longer.reckoned(short, self.frames)


def ratio(fps: Sequence[float], of: Sequence[float]) -> float:
    """How many times as fast one is as another: the median over the rounds that they share."""
    # A stand-in that took over late ran in the last ones only.
    shared = min(len(fps), len(of))
    pairs = zip(fps[-shared:], of[-shared:], strict=True)
    return statistics.median(one / other for one, other in pairs)


def _figures(title: str, rounds: Sequence[Took], floor: Sequence[Took]) -> dict[str, Any]:
    fps = [took.fps for took in rounds]
    return {
        "title": title,
        "frames": rounds[0].frames,
        "frames_run": rounds[0].run or rounds[0].frames,
        "fps": statistics.median(fps),
        "fps_rounds": fps,
        "of_transcode": ratio(fps, [took.fps for took in floor]),
        "cpu_seconds": statistics.median(took.user + took.system for took in rounds),
        "user_seconds": statistics.median(took.user for took in rounds),
        "system_seconds": statistics.median(took.system for took in rounds),
        "cpu_ms_per_frame": statistics.median(
            1e3 * (took.user + took.system) / took.frames for took in rounds
        ),
        "peak_mb": max(took.peak_mb for took in rounds),
    } | _model([took.model for took in rounds])


def _model(rounds: Sequence[str | None]) -> dict[str, Any]:
    """The network of all rounds, or where they differ one for each; nothing where none is told."""
    told = set(rounds)
    if told == {None}:
        return {}
    return {"model": rounds[0] if len(told) == 1 else list(rounds)}
