"""Races for tests: who takes part, a race that nobody runs, and programs in the place of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.race import FLOOR, Contestant, Took, Unavailable, compete

CLIP = Path("clip.mp4")

EVERYBODY = (
    Contestant(FLOOR, "the floor"),
    Contestant("ours", "ours"),
    Contestant("slow", "a slow one", most_frames=20),
)


# Programs in the place of others, which get CLIP OUT BACKGROUND FRAMES.
TRANSCODE = str(Path(peers.__file__).parent / "loops" / "transcode.py")
COPY = f"import runpy\nrunpy.run_path({TRANSCODE!r}, run_name='__main__')"
WRITE_SOUND = (
    "import wave\n"
    "with wave.open(sys.argv[2], 'wb') as target:\n"
    "    target.setparams((1, 2, 8000, 0, 'NONE', ''))\n"
    "    target.writeframes(bytes(16000))\n"
)


def script(path: Path, code: str) -> str:
    path.write_text(f"import sys\n{code}\n", "utf-8")
    return str(path)


class Race:
    """Runs nobody, and remembers who was asked. The slow one takes 2 s to start.

    Args:
        fps: of each by name.
        broken: who cannot run, and from which call on.
    """

    def __init__(self, fps: dict[str, float], broken: dict[str, int] | None = None) -> None:
        self._fps = fps
        self._broken = broken or {}
        self.asked: list[tuple[str, int]] = []

    def __call__(self, contestant: Contestant, clip: Path, frames: int) -> Took:
        calls = sum(name == contestant.name for name, _ in self.asked)
        self.asked.append((contestant.name, frames))
        if calls >= self._broken.get(contestant.name, 99):
            raise Unavailable("failed: out of luck")
        seconds = frames / self._fps[contestant.name] + 2 * (contestant.name == "slow")
        return Took(frames, seconds, 1.5 * seconds, 0.1 * seconds, 100.0)


def raced(race: Race, everybody: Sequence[Contestant] = EVERYBODY) -> dict[str, Any]:
    return compete(everybody, CLIP, 300, 2, race, lambda line: None)
