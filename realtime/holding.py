"""What this machine can hold live, as measured; kept where a governor can look it up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from realtime.cores import usable_cores
from realtime.machine import cache_folder
from realtime.remembered import keep, recall

# Share of the frames that may be lost in a run that still counts as held: less is the noise of an
# ordinary machine.
LOST = 0.005

_SIZES = {(1280, 720): "720p", (1920, 1080): "1080p", (2560, 1440): "1440p", (3840, 2160): "2160p"}


@dataclass(frozen=True, slots=True)
class Held:
    """What came of one live run without a governor, over its rounds.

    Attributes:
        width: of the pictures, in pixels.
        height: likewise.
        fps: of the camera, in Hz.
        model: the network.
        provider: what computed it, as onnxruntime calls it.
        holds: whether in every round nearly every frame arrived, 95 % of them within two frame
            intervals.
        share: part of all cores' time that the process took, 0..1.
        latency: seconds from camera to output that 95 % of the frames were within in the worst
            round; None where in some round none arrived.
        dropped: share of the frames that did not arrive in the worst round, 0..1.
    """

    width: int
    height: int
    fps: float
    model: str
    provider: str
    holds: bool
    share: float
    latency: float | None
    dropped: float

    def __str__(self) -> str:
        size = _SIZES.get((self.width, self.height), f"{self.width}×{self.height} at ")
        cores = usable_cores()
        what = f"{size}{self.fps:g}: model {self.model}"
        load = f"{self.share:.0%} of {'one core' if cores == 1 else f'{cores} cores'}"
        if self.latency is None:
            return f"{what} is too much: no frame arrived"
        if self.holds:
            return f"{what}, {load}, 95 % of the frames within {self.latency * 1e3:.0f} ms"
        if self.dropped > LOST:
            return f"{what} is too much: {self.dropped:.1%} of the frames dropped, {load}"
        return (
            f"{what} is too much: 95 % of the frames within {self.latency * 1e3:.0f} ms only, "
            f"which is more than two frames, {load}"
        )


def default_path() -> Path:
    """Where `realtime bench` keeps what it found."""
    return cache_folder() / "held.json"


def held(path: Path | None = None) -> tuple[Held, ...]:
    """What `realtime bench` found out about this machine, for whoever has to choose a beginning.

    A governor may begin at the best network that holds at the size and rate it is asked for.

    Args:
        path: of the file; None for `default_path()`.

    Returns:
        Everything that was measured with this processor, number of cores and version of the
        program; empty where nothing was, or where the file cannot be read: it is a hint, and
        whoever asks has to do without it as well.
    """
    names = {field.name for field in fields(Held)}
    try:
        return tuple(
            Held(**{name: entry[name] for name in names})
            for entry in recall(path or default_path())
        )
    except (LookupError, TypeError):
        return ()


def remember(found: tuple[Held, ...], path: Path | None = None) -> Path:
    """Adds to what `held` gives; the same size, rate, network and provider are replaced.

    Raises:
        OSError: it cannot be written.
    """
    target = path or default_path()
    known = {_key(entry): entry for entry in (*held(target), *found)}
    keep(target, [asdict(entry) for entry in known.values()])
    return target


def _key(entry: Held) -> tuple[int, int, float, str, str]:
    return entry.width, entry.height, entry.fps, entry.model, entry.provider
