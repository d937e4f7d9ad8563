"""The same clip through this program and through what others offer, in the same minutes.

`python -m benchmarks.peers --clip ../shared/clips/office_720p.mp4 --peers ../shared/peers` writes
`benchmarks/results/peers.json`. `--clip` may be given several times.

Each contestant is a process of its own, in an environment of its own where it needs one, and they
take turns, round after round, so that whatever else the machine does hits all alike. What counts is
the whole process: start-up, decoding, compositing before a picture, encoding, closing. The floor is
a bare transcode: PyAV decodes and feeds x264 in one thread, and nothing else.

A peer that cannot be installed or does not run is left out, and the report says why. Very slow ones
get fewer frames: what the whole clip would take is then reckoned from two runs, a short one and a
longer, so that start-up counts once, as with the others. The report says so.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from itertools import starmap
from pathlib import Path
from typing import Any

import cv2  # noqa: F401 - before PyAV, see realtime.media

# isort: split
import av

from benchmarks import loads
from benchmarks.loads import Load
from benchmarks.reporting import measured_on, run_command, write_report
from models import command
from models.errors import ModelsError
from realtime.bench.process import environment
from realtime.inference.choice import DEFAULT
from realtime.inference.model import EMBEDDED, read_model
from realtime.machine import cache_folder, machine
from realtime.progress import complain

_RESULTS = Path(__file__).parent / "results"
_LOOPS = Path(__file__).parent / "loops"

FLOOR, OURS, OURS_FAST = "transcode-plain", "ours", "ours-fast"

# The same where nothing is written.
DECODE, OURS_TO_NULL, OURS_FAST_TO_NULL = "decode", "ours-null", "ours-null-fast"

# Seconds after which a run hangs, and an installation does.
_PATIENCE = 600.0

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
        extra: further arguments, such as an ONNX file.
        model: the network of our own command line.
        most_frames: of the clip that it gets.
        instead_of: the contestant that it stands in for, where that one is unavailable.
        writes: whether it writes a video; if not, it says {"frames": …} on stdout.
    """

    name: str
    title: str
    loop: str | None = None
    requirements: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    model: str = DEFAULT
    most_frames: int = 10**6
    instead_of: str | None = None
    writes: bool = True


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
    """

    frames: int
    seconds: float
    user: float
    system: float
    peak_mb: float
    run: int | None = None

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
        )


Run = Callable[[Contestant, Path, int], Took]


def contestants(peers: Path | None, folder: Path) -> list[Contestant]:
    """Everybody, the floor and ours first.

    Args:
        peers: folder of other people's networks; None for none.
        folder: where to write a network for those that have none of their own.
    """
    local = folder / "fast.onnx"
    local.write_bytes(read_model("fast-float" if "fast-float" in EMBEDDED else "fast")[0])
    found = [
        Contestant(FLOOR, "a bare PyAV loop: decode, x264 veryfast", "transcode.py"),
        Contestant(
            "transcode",
            "a PyAV loop with frames in flight on both sides",
            "transcode.py",
            extra=("AUTO",),
        ),
        Contestant(OURS, "**realtime file**, background a picture"),
        Contestant(OURS_FAST, "**realtime file** with `--model fast`", model="fast"),
        Contestant(DECODE, "decode, nothing else", "decode.py", writes=False),
        Contestant(OURS_TO_NULL, "**realtime file**, writing nothing", writes=False),
        Contestant(
            OURS_FAST_TO_NULL,
            "**realtime file** with `--model fast`, writing nothing",
            model="fast",
            writes=False,
        ),
        Contestant(
            "mediapipe",
            "MediaPipe's documented loop",
            "mediapipe_selfie.py",
            ("mediapipe==0.10.14", "av>=18.1,<19"),
        ),
        Contestant(
            "mediapipe-h264",
            "MediaPipe's loop, writing H.264 as the others do",
            "mediapipe_selfie.py",
            ("mediapipe==0.10.14", "av>=18.1,<19"),
            ("H264",),
        ),
        Contestant(
            "rembg",
            "rembg, remove() with a small local network",
            "rembg_remove.py",
            ("rembg[cpu]==2.0.86", "av>=18.1,<19"),
            (str(local),),
            most_frames=90,
        ),
    ]
    selfie, rvm = "selfie_segmentation.onnx", "rvm_mobilenetv3_nhwc.onnx"
    if peers is not None and (peers / selfie).is_file():
        title = "MediaPipe's loop with its network in onnxruntime"
        found.append(
            Contestant(
                "onnx-selfie",
                title,
                "onnx_selfie.py",
                (),
                (str(peers / selfie),),
                instead_of="mediapipe",
            )
        )
    if peers is not None and (peers / rvm).is_file():
        title = "RobustVideoMatting's documented loop"
        found.append(
            Contestant("rvm", title, "rvm_onnx.py", (), (str(peers / rvm),), most_frames=60)
        )
    return found


@dataclass
class Arena:
    """Where contestants run.

    Attributes:
        environments: folder of virtual environments; what is there is used again.
        background: path of a picture.
        out: a folder for what they write.
        say: is told in one line what is going on.
        installed: what is in the environments that were used: versions by package, by what pip was
            asked for.
    """

    environments: Path
    background: Path
    out: Path
    say: Callable[[str], None] = print
    installed: dict[str, dict[str, str]] = field(default_factory=dict)
    _pythons: dict[tuple[str, ...], str] = field(default_factory=dict)

    def run(self, contestant: Contestant, clip: Path, frames: int) -> Took:
        """Runs one once, and looks at what it wrote.

        Raises:
            Unavailable: it cannot be installed, fails, or does not deliver the frames.
        """
        target = self.out / f"{contestant.name}.mp4"
        target.unlink(missing_ok=True)
        took = _launched(self._command(contestant, clip, target, frames))
        delivered = _frames_in(target) if contestant.writes else took["answer"].get("frames")
        if delivered != frames:
            raise Unavailable(f"delivered {delivered} of {frames} frames")
        return Took(
            frames, took["seconds"], took["user"], took["system"], round(took["peak_mb"], 1)
        )

    def _command(self, contestant: Contestant, clip: Path, target: Path, frames: int) -> list[str]:
        if contestant.loop is None and not contestant.writes:
            video = describe(clip)
            seconds = frames / _rate_of(clip)
            load = Load("null", video["width"], video["height"], seconds)
            return [
                sys.executable,
                "-m",
                loads.__name__,
                json.dumps(asdict(load)),
                str(clip),
                contestant.model,
            ]
        if contestant.loop is None:
            command = [sys.executable, "-m", "realtime", "file", str(clip), str(target)]
            options = ["--background", str(self.background), "--quiet", "-y"]
            options += ["--model", contestant.model]
            if frames < _frames_in(clip):
                options += ["--duration", str(frames / _rate_of(clip))]
            return [*command, *options]
        return [
            self._python(contestant.requirements),
            str(_LOOPS / contestant.loop),
            str(clip),
            str(target),
            str(self.background),
            str(frames),
            *contestant.extra,
        ]

    def _python(self, requirements: tuple[str, ...]) -> str:
        if not requirements:
            return sys.executable
        if requirements not in self._pythons:
            python = str(self._environment(requirements))
            self.installed[" ".join(requirements)] = _versions(python)
            self._pythons[requirements] = python
        return self._pythons[requirements]

    def _environment(self, requirements: tuple[str, ...]) -> Path:
        """The Python of an environment with these, made if need be."""
        name = "".join(c if c.isalnum() else "-" for c in requirements[0])
        folder = self.environments / name
        python, installed = folder / "bin" / "python", folder / "installed"
        if installed.is_file() and installed.read_text("utf-8").split("\n") == [*requirements]:
            return python
        self.say(f"installing {' '.join(requirements)} …")
        try:
            venv.create(folder, clear=True, with_pip=True)
            subprocess.run(
                [python, "-m", "pip", "install", "--disable-pip-version-check", *requirements],
                check=True,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
            )
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"pip cannot install it: {_last_line(error.stderr)}") from None
        except (subprocess.TimeoutExpired, OSError) as error:
            raise Unavailable(f"pip cannot install it: {_last_line(str(error))}") from None
        installed.write_text("\n".join(requirements), "utf-8")
        return python


def _versions(python: str) -> dict[str, str]:
    """Of the packages that a Python has.

    Raises:
        Unavailable: its pip does not run.
    """
    command = [python, "-m", "pip", "list", "--disable-pip-version-check", "--format=json"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise Unavailable(f"does not tell what is installed: {_last_line(str(error))}") from None
    return {package["name"]: package["version"] for package in json.loads(done.stdout)}


def _launched(command: Sequence[str]) -> dict[str, Any]:
    """What `loops/launch.py` says of a command, and in "answer" the JSON that this ended with.

    Raises:
        Unavailable: the command failed or hangs.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        launcher = [sys.executable, "-I", "-S", str(_LOOPS / "launch.py"), str(said)]
        try:
            done = subprocess.run(
                [*launcher, *command],
                check=True,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                env=environment(),
            )
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"cannot be started: {_last_line(error.stderr)}") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(f"took more than {_PATIENCE:.0f} s") from None
        answer = _answer(_last_line(said.read_text("utf-8", "replace")))
    took: dict[str, Any] = json.loads(done.stdout)
    if took["status"] != 0:
        why = answer.get("error") or _last_line(done.stderr) or took["status"]
        raise Unavailable(f"failed: {why}")
    return took | {"answer": answer}


def _answer(line: str) -> dict[str, Any]:
    """The JSON of a line; empty where it is anything else."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _last_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _frames_in(path: Path) -> int:
    if not path.is_file():
        return 0
    with av.open(str(path)) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


def _rate_of(clip: Path) -> float:
    with av.open(str(clip)) as container:
        return float(container.streams.video[0].average_rate or 30)


def describe(clip: Path) -> dict[str, Any]:
    """Size and number of frames of a clip.

    Raises:
        ModelsError: it is no video.
    """
    try:
        with av.open(str(clip)) as container:
            video = container.streams.video[0]
            size = {"width": video.width, "height": video.height, "codec": video.codec.name}
        return size | {"frames": _frames_in(clip)}
    except (OSError, IndexError, av.error.FFmpegError):
        raise ModelsError(f"{clip}: is no video; name one with --clip") from None


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
        everybody: who.
        clip: the video.
        frames: of it, at most.
        repeats: rounds.
        run: runs one once; raises `Unavailable`.
        say: is told in one line what is going on.

    Returns:
        "contestants" by name with their rounds and figures, and "skipped" with the reasons.

    Raises:
        ModelsError: the floor does not run.
    """
    ready: list[Contestant] = []
    skipped: dict[str, str] = {}
    for contestant in everybody:
        if contestant.instead_of is not None and contestant.instead_of not in skipped:
            continue
        try:
            run(contestant, clip, min(_TRIAL_FRAMES, frames))
            ready.append(contestant)
        except Unavailable as reason:
            skipped[contestant.name] = str(reason)
            say(f"{contestant.name} is left out: {reason}")
    if not any(contestant.name == FLOOR for contestant in ready):
        raise ModelsError(f"the bare transcode does not run: {skipped.get(FLOOR, 'not asked for')}")
    rounds: dict[str, list[Took]] = {contestant.name: [] for contestant in ready}
    for number in range(repeats):
        for contestant in ready:
            if contestant.name in skipped:
                continue
            try:
                if contestant.most_frames < frames:
                    short = run(contestant, clip, _SHORT_FRAMES)
                    longer = run(contestant, clip, contestant.most_frames)
                    took = longer.reckoned(short, frames)
                else:
                    took = run(contestant, clip, frames)
            except Unavailable as reason:
                if contestant.name == FLOOR:
                    raise ModelsError(f"the bare transcode broke: {reason}") from None
                skipped[contestant.name] = str(reason)
                say(f"{contestant.name} is left out: {reason}")
                continue
            rounds[contestant.name].append(took)
            say(f"round {number + 1}, {contestant.name}: {took.fps:.1f} fps")
    return {
        "contestants": {
            contestant.name: _figures(contestant.title, rounds[contestant.name], rounds[FLOOR])
            for contestant in ready
            if contestant.name not in skipped
        },
        "skipped": skipped,
    }


def ratio(fps: Sequence[float], of: Sequence[float]) -> float:
    """How many times as fast one is as another: the median over the rounds that they share."""
    return statistics.median(one / other for one, other in zip(fps, of, strict=True))


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
    }


def table(report: dict[str, Any]) -> str:
    """Programs against clips, as Markdown."""
    clips = report["clips"]
    heads = [f"{clip['height']}p: fps (× transcode) | CPU ms a frame" for clip in clips.values()]
    lines = [f"| program | {' | '.join(heads)} | MB |", "|---" * (2 + 2 * len(heads)) + "|"]
    names: dict[str, str] = {}
    for clip in clips.values():
        names |= {name: figures["title"] for name, figures in clip["contestants"].items()}
    for name, title in names.items():
        cells, peak = [], 0.0
        for clip in clips.values():
            figures = clip["contestants"].get(name)
            if figures is None:
                cells += ["", ""]
                continue
            cells.append(f"{figures['fps']:.1f} ({figures['of_transcode']:.2f})")
            cells.append(f"{figures['cpu_ms_per_frame']:.1f}")
            peak = max(peak, figures["peak_mb"])
        lines.append(f"| {title} | {' | '.join(cells)} | {peak:.0f} |")
    skipped = {name: why for clip in clips.values() for name, why in clip["skipped"].items()}
    reckoned = {
        f"{figures['title']}: {figures['frames_run']} of {figures['frames']} frames were run, "
        "and the rest was reckoned from them without start-up"
        for clip in clips.values()
        for figures in clip["contestants"].values()
        if figures.get("frames_run", figures["frames"]) < figures["frames"]
    }
    lines += ["", measured_on(report)]
    if report.get("installed"):
        apart = "; ".join(starmap(_asked_for, report["installed"].items()))
        lines.append(f"In environments of their own: {apart}.")
    lines += [f"{note}." for note in sorted(reckoned)]
    lines += [f"Left out: {name}, which {why}." for name, why in skipped.items()]
    return "\n".join(lines)


def _asked_for(requirements: str, versions: dict[str, str]) -> str:
    """What pip was asked to install, with the versions that it took."""
    names = re.findall(r"(?:^| )([\w.-]+)", requirements)
    return ", ".join(f"{name} {versions[name]}" for name in names)


def main() -> int:
    parser = command.parser("benchmarks.peers", __doc__)
    parser.add_argument("--clip", type=Path, action="append", required=True, help="a video")
    parser.add_argument("--peers", type=Path, help="folder of other people's networks")
    parser.add_argument("--only", action="append", metavar="NAME", help="no other peer than this")
    parser.add_argument("--frames", type=int, help="of each clip, at most (default: all)")
    parser.add_argument("--repeats", type=int, default=3, help="rounds (%(default)s)")
    parser.add_argument(
        "--environments",
        type=Path,
        default=cache_folder() / "peers",
        help="folder for what pip installs (%(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, default=_RESULTS / "peers.json", help="the report (%(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.repeats < 1 or (arguments.frames is not None and arguments.frames < 1):
        raise ModelsError("--repeats and --frames must be at least 1")
    clips = {clip: describe(clip) for clip in arguments.clip}
    report: dict[str, Any] = {"machine": machine(), "repeats": arguments.repeats, "clips": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        background = folder / "background.jpg"
        picture = files("realtime.output.backgrounds") / "assets" / "falcon9.jpg"
        background.write_bytes(picture.read_bytes())
        arena = Arena(arguments.environments, background, folder, complain)
        everybody = contestants(arguments.peers, folder)
        if arguments.only:
            wanted = {FLOOR, *arguments.only}
            everybody = [contestant for contestant in everybody if contestant.name in wanted]
        for clip, size in clips.items():
            frames = min(size["frames"], arguments.frames or size["frames"])
            result = compete(everybody, clip, frames, arguments.repeats, arena.run, complain)
            report["clips"][clip.name] = size | result
        report["installed"] = arena.installed
    write_report(arguments.json, report)
    print(table(report))
    return 0


if __name__ == "__main__":
    if not hasattr(os, "wait4"):
        raise SystemExit("error: processes can be measured on Linux and macOS only; run it there")
    raise SystemExit(run_command(main))
