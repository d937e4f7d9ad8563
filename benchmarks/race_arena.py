"""Where contestants run: their command lines, and what they deliver of a clip."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2  # noqa: F401 - before PyAV, see realtime.media

# isort: split
import av

from benchmarks import loads
from benchmarks.loads import Load
from benchmarks.race import Contestant, Took, Unavailable
from benchmarks.race_environment import Environments
from benchmarks.race_process import LOOPS, PATIENCE, launched
from models.errors import ModelsError

# What PyAV raises for a file that is no video or is broken, one without a picture stream too.
_NO_VIDEO = (OSError, IndexError, av.error.FFmpegError)


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

    def run(self, contestant: Contestant, clip: Path, frames: int) -> Took:
        """Runs one once, and looks at what it wrote.

        Raises:
            Unavailable: it cannot be installed, fails, or does not deliver the frames.
        """
        target = self.out / f"{contestant.name}.mp4"
        target.unlink(missing_ok=True)
        took = launched(self._command(contestant, clip, target, frames), self.patience)
        delivered = _delivered(target) if contestant.writes else took["answer"].get("frames")
        if delivered != frames:
            raise Unavailable(f"delivered {delivered} of {frames} frames")
        return Took(
            frames, took["seconds"], took["user"], took["system"], round(took["peak_mb"], 1)
        )

    def _command(self, contestant: Contestant, clip: Path, target: Path, frames: int) -> list[str]:
        # A module would be looked for in the user's folder first, and so would its imports.
        module = [sys.executable, "-P", "-m"]
        if contestant.loop is None and not contestant.writes:
            video = describe(clip)
            seconds = frames / _rate_of(clip)
            load = Load("null", video["width"], video["height"], seconds)
            return [*module, loads.__name__, json.dumps(asdict(load)), str(clip), contestant.model]
        if contestant.loop is None:
            command = [*module, "realtime", "file", str(clip), str(target)]
            options = ["--background", str(self.background), "--quiet", "-y"]
            options += ["--model", contestant.model]
            if frames < _frames_in(clip):
                options += ["--duration", str(frames / _rate_of(clip))]
            return [*command, *options]
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
        ModelsError: it is no video, or an empty one.
    """
    try:
        with av.open(str(clip)) as container:
            video = container.streams.video[0]
            size = {"width": video.width, "height": video.height, "codec": video.codec.name}
        frames = _frames_in(clip)
    except _NO_VIDEO:
        raise ModelsError(f"{clip}: is no video; name one with --clip") from None
    if frames == 0:
        raise ModelsError(f"{clip}: has no frames; name another with --clip")
    return size | {"frames": frames}


def describe_all(clips: Sequence[Path]) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Clips by the names that a report gives them, with what `describe` says of each.

    That is the file's name, or the path where several clips have that in common.

    Raises:
        ModelsError: one is no video, or an empty one.
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


def _rate_of(clip: Path) -> float:
    with av.open(str(clip)) as container:
        return float(container.streams.video[0].average_rate or 30)
