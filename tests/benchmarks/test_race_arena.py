"""The loops themselves, and the clips that they get."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

# isort: split
import av

from benchmarks.peers import contestants
from benchmarks.race import FLOOR, Contestant, Unavailable
from benchmarks.race_arena import Arena, describe, describe_all
from benchmarks.race_environment import Environments
from models.errors import ModelsError
from realtime.inference.model import EMBEDDED
from tests.benchmarks.racing import WRITE_SOUND, script
from tests.media import decode, remux, write_clip


class TestLoops:
    @pytest.fixture
    def arena(self, tmp_path: Path) -> Arena:
        background = tmp_path / "b.png"
        cv2.imwrite(str(background), np.full((40, 40, 3), 200, np.uint8))
        out = tmp_path / "out"
        out.mkdir()
        return Arena(Environments(tmp_path / "environments"), background, out)

    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        return write_clip(tmp_path / "clip.mp4", frames=8, size=(64, 48))

    @pytest.mark.parametrize("name", [FLOOR, "transcode", "ours"])
    def test_ours_and_the_floor_deliver_every_frame(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        took = arena.run(contestant, clip, 5)
        assert took.frames == 5
        assert len(decode(arena.out / f"{name}.mp4")) == 5

    @pytest.mark.parametrize("name", ["ours", "ours-fast", "ours-null", "ours-null-fast"])
    def test_ours_tells_which_network_it_ran(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        told = arena.run(contestant, clip, 2).model
        assert told == "fast" if name.endswith("fast") else told in EMBEDDED

    def test_the_floor_runs_over_what_ours_made_too(
        self, arena: Arena, tmp_path: Path, clip: Path
    ) -> None:
        (over,) = (c for c in contestants(None, tmp_path) if c.over_ours)
        arena.prepare(clip, 5)
        assert arena.run(over, clip, 3).frames == 3
        assert arena.run(over, clip, 5).frames == 5
        # Nobody is in the clip, so that the background shows.
        (_, luma), *_ = decode(arena.out / f"{over.name}.mp4")
        assert luma.mean() > 150

    def test_where_ours_made_nothing_only_who_needs_it_cannot_run(
        self, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        by_name = {c.name: c for c in contestants(None, tmp_path)}
        arena.prepare(clip, 9)
        with pytest.raises(
            Unavailable, match=r"^has nothing to run over: ours delivered 8 of 9 frames$"
        ):
            arena.run(by_name["transcode-ours"], clip, 3)
        assert arena.run(by_name[FLOOR], clip, 3).frames == 3

    @pytest.mark.parametrize("name", ["ours", "ours-null"])
    @pytest.mark.parametrize("frames", [3, 5, 8, 9])
    def test_ours_delivers_the_frames_of_a_variable_rate(
        self, name: str, frames: int, arena: Arena, tmp_path: Path
    ) -> None:
        # In ms. The fifth picture is on for so long that ours repeats it, and so is the last.
        pts = [0, 10, 100, 110, 200, 3000, 3010, 3100, 4500]
        # Stored in the order in which they are shown, so that the last is the last.
        unit, options = Fraction(1, 1000), {"bf": "0"}
        clip = tmp_path / "clip.mp4"
        write_clip(clip, frames=len(pts), pts=pts, time_base=unit, options=options)

        def hold_the_last(_kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any]:
            if index == len(pts) - 1:
                packet.duration = round(2 / (packet.time_base or 1))
            return packet

        film = remux(clip, tmp_path / "film.mp4", hold_the_last)
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        assert arena.run(contestant, film, frames).frames == frames

    @pytest.mark.parametrize("name", ["decode", "ours-null"])
    def test_those_that_write_nothing_run(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        assert arena.run(contestant, clip, 5).frames == 5
        assert not list(arena.out.iterdir())

    @pytest.mark.parametrize("name", ["decode", "ours-null"])
    def test_fewer_frames_are_found_out_where_nothing_is_written(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        with pytest.raises(Unavailable, match=r"^delivered 8 of 9 frames$"):
            arena.run(contestant, clip, 9)

    @pytest.mark.parametrize("name", ["onnx-selfie", "rvm"])
    def test_loops_with_networks_of_others_do(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path, shared: Path
    ) -> None:
        everybody = contestants(shared / "peers", tmp_path)
        (contestant,) = (c for c in everybody if c.name == name)
        assert arena.run(contestant, clip, 3).frames == 3
        # Nobody is in the clip, so that the background shows.
        (_, luma), *_ = decode(arena.out / f"{name}.mp4")
        assert luma.mean() > 150

    @pytest.mark.parametrize("name", [FLOOR, "ours", "ours-null"])
    def test_modules_of_the_users_folder_are_not_taken_for_ours(
        self, name: str, arena: Arena, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "user"
        folder.mkdir()
        for module in ("av", "realtime", "benchmarks"):
            (folder / f"{module}.py").write_text("raise SystemExit('not this one')")
        monkeypatch.chdir(folder)
        # An empty entry is that folder.
        monkeypatch.setenv("PYTHONPATH", os.pathsep)
        (contestant,) = (c for c in contestants(None, tmp_path) if c.name == name)
        assert arena.run(contestant, clip, 5).frames == 5

    def test_those_in_an_environment_of_their_own_see_nothing_of_ours(
        self, arena: Arena, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = "import json, sys; print(json.dumps({'frames': sys.flags.isolated}))"
        loop = script(tmp_path / "loop.py", code)
        here = sys.executable
        monkeypatch.setattr(arena.environments, "python", lambda requirements, pythons: here)
        apart = Contestant("apart", "apart", loop, ("x==1",), writes=False)
        assert arena.run(apart, clip, 1).frames == 1

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            ("open(sys.argv[2], 'w').write('hello')", "Invalid data found when processing input"),
            (WRITE_SOUND, "there is no video in it"),
        ],
    )
    def test_a_broken_file_is_found_out(
        self, code: str, why: str, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        broken = Contestant("broken", "broken", script(tmp_path / "loop.py", code))
        with pytest.raises(Unavailable, match=f"^wrote a file that cannot be read: {why}$"):
            arena.run(broken, clip, 5)

    def test_one_that_delivers_less_is_found_out(
        self, arena: Arena, clip: Path, tmp_path: Path
    ) -> None:
        (floor,) = (c for c in contestants(None, tmp_path) if c.name == FLOOR)
        with pytest.raises(Unavailable, match="delivered 8 of 9 frames"):
            arena.run(floor, clip, 9)


def test_a_clip_that_is_none_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=8)
    assert describe(clip) == {"width": 64, "height": 48, "codec": "h264", "frames": 8}
    with pytest.raises(ModelsError, match=r"nope.mp4: is no video; name one with --clip"):
        describe(tmp_path / "nope.mp4")


def test_a_clip_without_frames_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "none.avi"), "w") as container:
        container.add_stream("libx264", rate=30, width=64, height=48)
        container.start_encoding()
    with pytest.raises(ModelsError, match=r"none.avi: has no frames; name another with --clip"):
        describe(tmp_path / "none.avi")


@pytest.mark.parametrize("size", [(65, 48), (64, 49)])
def test_a_clip_of_an_odd_size_is_refused(size: tuple[int, int], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "odd.mkv", frames=2, size=size, codec="ffv1", pixels="yuv444p")
    fault = f"odd.mkv: is {size[0]}×{size[1]}, .* ffmpeg -i odd.mkv -vf crop=64:48 OUT, .* --clip$"
    with pytest.raises(ModelsError, match=fault):
        describe(clip)


def test_clips_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/one.mp4", "b/one.mp4", "a/two.mp4")]
    for number, path in enumerate(paths, 1):
        path.parent.mkdir(exist_ok=True)
        write_clip(path, frames=number)
    found = describe_all([*paths, paths[0]])
    assert list(found) == [str(paths[0]), str(paths[1]), "two.mp4"]
    assert [size["frames"] for _, size in found.values()] == [1, 2, 3]
    assert [path for path, _ in found.values()] == paths
