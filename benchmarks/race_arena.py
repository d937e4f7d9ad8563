"""Where contestants run: their command lines, and what they deliver of a clip."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import cv2  # noqa: F401 - before PyAV, see realtime.media

# isort: split
import av

from benchmarks.loops import to_null
from benchmarks.race import Contestant, Took, Unavailable
from benchmarks.race_environment import Environments
from benchmarks.race_process import LOOPS, PATIENCE, launched
from models.errors import ModelsError
from realtime.capture.file import FileSource
from realtime.errors import RealtimeError

# What PyAV raises for a file that is no video or is broken, one without a picture stream too.
_NO_VIDEO = (OSError, IndexError, av.error.FFmpegError)

# Seconds that a last picture may be on without being repeated, as ours repeats one that is on for
# half a second longer than others.
_NOT_HELD = Fraction(1, 4)

# Makes what some get in a clip's place; with `fast`, which is soonest done.
_MAKER = Contestant("made", "what ours makes of a clip", model="fast")


@dataclass
class Arena:
    """Where contestants run.

    Attributes:
        environments: of those that need one.
        background: path of a picture.
        out: a folder for what they write.
        patience: seconds after which a run hangs.
    """

    environments: Environments
    background: Path
    out: Path
    patience: float = PATIENCE
    # Of which clip ours has made something, and why it has not after all, None where it has.
    _made: tuple[Path | None, str | None] = (None, None)

    def prepare(self, clip: Path, frames: int) -> None:
        """Makes of a clip what some get in its place; where that fails, they say so when they run.

        To be called for each clip before its race, which would else be held up.
        """
        try:
            self.run(_MAKER, clip, frames)
        except Unavailable as reason:
            self._made = clip, str(reason)
        else:
            self._made = clip, None

    def run(self, contestant: Contestant, clip: Path, frames: int) -> Took:
        """Runs one once, and looks at what it wrote.

        Raises:
            Unavailable: it cannot be installed, fails, or does not deliver the frames.
        """
        target = self._target(contestant)
        target.unlink(missing_ok=True)
        source = self._made_of(clip) if contestant.over_ours else clip
        took = launched(self._command(contestant, source, target, frames), self.patience)
        delivered = _delivered(target) if contestant.writes else took["answer"].get("frames")
        if delivered != frames:
            raise Unavailable(f"delivered {delivered} of {frames} frames")
        return Took(
            frames,
            took["seconds"],
            took["user"],
            took["system"],
            round(took["peak_mb"], 1),
            model=took["answer"].get("model"),
        )

    def _target(self, contestant: Contestant) -> Path:
        return self.out / f"{contestant.name}.mp4"

    def _made_of(self, clip: Path) -> Path:
        made, why = self._made
        if made != clip:
            why = "was not asked to"
        if why is not None:
            raise Unavailable(f"has nothing to run over: ours {why}")
        return self._target(_MAKER)

    def _command(self, contestant: Contestant, clip: Path, target: Path, frames: int) -> list[str]:
        # A module would be looked for in the user's folder first, and so would its imports.
        module = [sys.executable, "-P", "-m"]
        if contestant.loop is None:
            seconds = _seconds_of(clip, frames)
            until = [] if seconds is None else ["--duration", f"{seconds:.12f}"]
            if not contestant.writes:
                return [*module, to_null.__name__, str(clip), contestant.model, *until[1:]]
            command = [*module, "realtime", "file", str(clip), str(target)]
            # At its end it tells which network it ran.
            options = ["--background", str(self.background), "--json", "-y"]
            return [*command, *options, "--model", contestant.model, *until]
        return [
            *self._python(contestant),
            str(LOOPS / contestant.loop),
            str(clip),
            str(target),
            str(self.background),
            str(frames),
            *contestant.extra,
        ]

    def _python(self, contestant: Contestant) -> list[str]:
        if not contestant.requirements:
            return [sys.executable]
        return [self.environments.python(contestant.requirements, contestant.pythons), "-I"]


def describe(clip: Path) -> dict[str, Any]:
    """Size and number of frames of a clip.

    Raises:
        ModelsError: it is no video, an empty one, or one that no contestant can write.
    """
    try:
        with av.open(str(clip)) as container:
            video = container.streams.video[0]
            width, height, codec = video.width, video.height, video.codec.name
        frames = _frames_in(clip)
    except _NO_VIDEO:
        raise ModelsError(f"{clip}: is no video; name one with --clip") from None
    if frames == 0:
        raise ModelsError(f"{clip}: has no frames; name another with --clip")
    if width % 2 or height % 2:
        even = f"crop={width // 2 * 2}:{height // 2 * 2}"
        raise ModelsError(
            f"{clip}: is {width}×{height}, and H.264 wants even sizes; "
            f"cut it by ffmpeg -i {clip.name} -vf {even} OUT, and name that with --clip"
        )
    return {"width": width, "height": height, "codec": codec, "frames": frames}


def describe_all(clips: Sequence[Path]) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Clips by the names that a report gives them, with what `describe` says of each.

    That is the file's name, or the path where several clips have that in common.

    Raises:
        ModelsError: `describe` refuses one.
    """
    clips = list(dict.fromkeys(clips))
    names = [clip.name for clip in clips]
    return {
        clip.name if names.count(clip.name) == 1 else str(clip): (clip, describe(clip))
        for clip in clips
    }


def _delivered(target: Path) -> int:
    """Frames in what a contestant wrote.

    Raises:
        Unavailable: that is broken. Its status does not tell.
    """
    if not target.is_file():
        return 0
    try:
        return _frames_in(target)
    except _NO_VIDEO as error:
        why = getattr(error, "strerror", None) or "there is no video in it"
        raise Unavailable(f"wrote a file that cannot be read: {why}") from None


def _frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


@cache
def _seconds_of(clip: Path, frames: int) -> float | None:
    """How much of a clip ours has to be asked for, to get so many frames; None for all of it.

    Raises:
        Unavailable: ours cannot read it.
    """
    try:
        with FileSource(clip) as source:
            read = islice(iter(source.read, None), frames + 1)
            times = [frame.pts * frame.time_base for frame in read]
    except RealtimeError as error:
        raise Unavailable(f"failed: {error}") from None
    if len(times) <= frames:
        return None
    # Half of the way to the next: the program rounds what it is told.
    gap = times[frames] - times[frames - 1]
    return float(times[frames - 1] + min(gap / 2, _NOT_HELD))
