"""The same clip through this program and through what others offer, in the same minutes.

`python -m benchmarks.peers --clip ../shared/clips/office_720p.mp4 --peers ../shared/peers` writes
`benchmarks/results/peers.json`. `--clip` may be given several times.

Each contestant is a process of its own, in an environment of its own where it needs one, and they
take turns, round after round, so that whatever else the machine does hits all alike. What counts is
the whole process: start-up, decoding, compositing before a picture, encoding, closing. The floor is
a bare transcode: PyAV decodes and feeds x264 in one thread, and nothing else. It encodes the room,
which takes x264 longer than a person before a still picture: the same loop also runs over what our
program made of the clip.

With the network that it picks, ours runs as a user types it, and may pick another one each time:
the report has what each clip's rounds told, as "model".

A peer that cannot be installed or does not run is left out, and the report says why. Very slow ones
get fewer frames: what the whole clip would take is then reckoned from two runs, a short one and a
longer, so that start-up counts once, as with the others. The report says so.

The report is written after each clip. Where a later one cannot be raced with, the command fails,
and the report has those before.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from importlib.resources import files
from itertools import starmap
from pathlib import Path
from typing import Any

from benchmarks.race import FLOOR, Contestant, compete
from benchmarks.race_arena import Arena, describe_all
from benchmarks.race_environment import Environments
from benchmarks.reporting import check_writable, kept, measured_on, run_command, write_report
from models import command
from models.errors import ModelsError
from realtime.inference.model import EMBEDDED, read_model
from realtime.machine import cache_folder, machine
from realtime.progress import complain

_RESULTS = Path(__file__).parent / "results"

OURS, OURS_FAST = "ours", "ours-fast"

# The same where nothing is written; the floor is then to decode.
DECODE, OURS_TO_NULL, OURS_FAST_TO_NULL = "decode", "ours-null", "ours-null-fast"

# This MediaPipe comes for no later Python.
_MEDIAPIPE = ("mediapipe==0.10.14", "av>=18.1,<19")
_MEDIAPIPE_PYTHONS = ("3.11", "3.12")

_OVER_OURS, _SELFIE, _RVM = "transcode-ours", "onnx-selfie", "rvm"


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
        _over_ours(),
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
            _MEDIAPIPE,
            _MEDIAPIPE_PYTHONS,
        ),
        Contestant(
            "mediapipe-h264",
            "MediaPipe's loop, writing H.264 as the others do",
            "mediapipe_selfie.py",
            _MEDIAPIPE,
            _MEDIAPIPE_PYTHONS,
            ("H264",),
        ),
        Contestant(
            "rembg",
            "rembg, remove() with a small local network",
            "rembg_remove.py",
            ("rembg[cpu]==2.0.86", "av>=18.1,<19"),
            extra=(str(local),),
            most_frames=90,
        ),
    ]
    selfie, rvm = "selfie_segmentation.onnx", "rvm_mobilenetv3_nhwc.onnx"
    if peers is not None and (peers / selfie).is_file():
        title = "MediaPipe's loop with its network in onnxruntime"
        found.append(
            Contestant(
                _SELFIE,
                title,
                "onnx_selfie.py",
                extra=(str(peers / selfie),),
                instead_of="mediapipe",
            )
        )
    if peers is not None and (peers / rvm).is_file():
        title = "RobustVideoMatting's documented loop"
        found.append(
            Contestant(_RVM, title, "rvm_onnx.py", extra=(str(peers / rvm),), most_frames=60)
        )
    return found


def _over_ours() -> Contestant:
    """The floor over what `realtime file` made of the clip: decoding that, and encoding it again.

    It tells how much less x264 has to do with a person before a still picture than with the room,
    whoever puts him there. What ours could reach at best it does not quite tell: it decodes another
    stream than the clip, a smaller one, and what it encodes has been through x264 before, which
    leaves less to do.
    """
    title = "the bare loop, over what **realtime file** made of the clip"
    return Contestant(_OVER_OURS, title, "transcode.py", over_ours=True)


def chosen(everybody: Sequence[Contestant], names: Sequence[str]) -> list[Contestant]:
    """Those of these names, and the floor; everybody where there are no names.

    Raises:
        ModelsError: there is nobody of a name; lists those that there are.
    """
    if not names:
        return list(everybody)
    known = [contestant.name for contestant in everybody]
    for name in names:
        if name in (_SELFIE, _RVM) and name not in known:
            raise ModelsError(f"--only {name}: its network is missing; name its folder by --peers")
        if name not in known:
            raise ModelsError(f"--only {name}: there is none such; choose of {', '.join(known)}")
    # Nobody is a stand-in who is asked for by name.
    return [replace(one, instead_of=None) for one in everybody if one.name in (FLOOR, *names)]


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
        lines.append(f"| {title}{_networks(report, name)} | {' | '.join(cells)} | {peak:.0f} |")
    skipped = {name: why for clip in clips.values() for name, why in clip["skipped"].items()}
    reckoned = {
        f"{figures['title']}: {figures['frames_run']} of {figures['frames']} frames were run, "
        "and the rest was reckoned from them without start-up"
        for clip in clips.values()
        for figures in clip["contestants"].values()
        if figures.get("frames_run", figures["frames"]) < figures["frames"]
    }
    # Of those that stepped in late.
    late = {
        f"{figures['title']}: ran in the last {len(figures['fps_rounds'])} rounds only, in place "
        "of one that broke"
        for clip in clips.values()
        for figures in clip["contestants"].values()
        if len(figures["fps_rounds"]) < len(clip["contestants"][FLOOR]["fps_rounds"])
    }
    ended = {f"The race ended early: {clip['ended']}" for clip in clips.values() if "ended" in clip}
    lines += ["", measured_on(report)]
    if report.get("installed"):
        apart = "; ".join(starmap(_asked_for, report["installed"].items()))
        lines.append(f"In environments of their own: {apart}.")
    lines += [f"{note}." for note in (*sorted(reckoned), *sorted(late), *sorted(ended))]
    lines += [f"Left out: {name}, which {why}." for name, why in skipped.items()]
    return "\n".join(lines)


def _networks(report: dict[str, Any], name: str) -> str:
    """Which networks a contestant told that it ran, to stand behind its title."""
    told = {
        called: networks
        for called, clip in report["clips"].items()
        if (networks := picked(clip["contestants"].get(name, {})))
    }
    if len(set(told.values())) < 2:
        return "".join(f" ({networks})" for networks in set(told.values()))
    return f" ({', '.join(f'{networks} of {called}' for called, networks in told.items())})"


def picked(figures: dict[str, Any]) -> str:
    """Which network a contestant ran, or which ones in its rounds, as it told.

    Empty where none was told, as in reports of before, or where its title says it.
    """
    model = figures.get("model")
    if model is None or f"`--model {model}`" in figures["title"]:
        return ""
    rounds = [model] if isinstance(model, str) else dict.fromkeys(filter(None, model))
    return " or ".join(f"`{network}`" for network in rounds)


def _asked_for(requirements: str, versions: dict[str, str]) -> str:
    """What pip was asked to install, with the versions that it took."""
    names = re.findall(r"(?:^| )([\w.-]+)", requirements)
    return ", ".join(f"{name} {versions[name]}" for name in names)


def main() -> int:
    parser = command.parser("benchmarks.peers", __doc__)
    parser.add_argument("--clip", type=Path, action="append", required=True, help="a video")
    parser.add_argument("--peers", type=Path, help="folder of other people's networks")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help="no other than this and the bare transcode; may be given several times",
    )
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
    clips = describe_all(arguments.clip)
    check_writable(arguments.json)
    report: dict[str, Any] = {"machine": machine(), "repeats": arguments.repeats, "clips": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        everybody = chosen(contestants(arguments.peers, folder), arguments.only or ())
        background = folder / "background.jpg"
        picture = files("realtime.output.backgrounds") / "assets" / "falcon9.jpg"
        background.write_bytes(picture.read_bytes())
        environments = Environments(arguments.environments, complain)
        arena = Arena(environments, background, folder)
        for called, (clip, size) in clips.items():
            frames = min(size["frames"], arguments.frames or size["frames"])
            try:
                # Whoever interrupts a later one is told that those before are there.
                with kept(arguments.json) if report["clips"] else nullcontext():
                    result = _race(arena, everybody, clip, frames, arguments.repeats)
            except ModelsError as error:
                raise ModelsError(f"{clip}: {error}; {_kept(report, arguments.json)}") from None
            report["clips"][called] = size | result
            report["installed"] = environments.installed
            # After each: it stays, whatever becomes of the next.
            save(arguments.json, report)
            if "ended" in result:
                raise ModelsError(f"{clip}: {result['ended']}; {_kept(report, arguments.json)}")
    print(table(report))
    return 0


def _race(
    arena: Arena, everybody: Sequence[Contestant], clip: Path, frames: int, repeats: int
) -> dict[str, Any]:
    """Has everybody compete, with all made before that they need."""
    if any(contestant.over_ours for contestant in everybody):
        arena.prepare(clip, frames)
    return compete(everybody, clip, frames, repeats, arena.run, complain)


def save(path: Path, report: dict[str, Any]) -> None:
    """Writes the report, or prints its table where that fails.

    Raises:
        ModelsError: it failed.
    """
    try:
        write_report(path, report)
    except OSError as error:
        print(table(report))
        raise ModelsError(
            f"{path}: cannot be written ({error.strerror or error}); name another place for it"
        ) from None


def _kept(report: dict[str, Any], path: Path) -> str:
    """What became of what was measured before an error, and what to do."""
    if not report["clips"]:
        return "try another --clip"
    return f"what was measured before is in {path}; run it again for the rest"


if __name__ == "__main__":
    if not hasattr(os, "wait4"):
        raise SystemExit("error: processes can be measured on Linux and macOS only; run it there")
    raise SystemExit(run_command(main))
