"""Frames into a file and back."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from realtime.capture.file import FileSource
from realtime.color import planes_to_rgb, rgb_to_planes
from realtime.errors import OutputError
from realtime.frame import ColorTags, Frame, Planes, UInt8, VideoFormat
from realtime.media import plane_view
from realtime.output.buffers import Pool
from realtime.output.detached import DetachedSink
from realtime.output.fanout import FanoutSink
from realtime.output.file import FileSink
from realtime.output.sink import NullSink
from tests.media import decode, drain, gray_frame, luma_of_index

ENDINGS = [".mp4", ".m4v", ".mov", ".mkv", ".webm"]
TRANSPARENT = [".mov", ".mkv", ".webm"]
COLOR = gray_frame(0).color
FORMAT = VideoFormat(64, 48, Fraction(30), Fraction(1, 30), COLOR)


def write(
    path: Path,
    frames: Iterable[Frame],
    video: VideoFormat = FORMAT,
    *,
    transparent: bool = False,
    overwrite: bool = False,
    from_first: bool = False,
) -> FileSink:
    sink = FileSink(path, overwrite=overwrite, from_first=from_first)
    sink.open(video, transparent=transparent)
    for frame in frames:
        sink.write(frame)
    sink.close()
    return sink


def frames_at(pts: list[int], time_base: Fraction) -> list[Frame]:
    """Frames that show their number."""
    return [
        replace(gray_frame(luma_of_index(index), index), pts=at, time_base=time_base)
        for index, at in enumerate(pts)
    ]


def precision(path: Path) -> Fraction:
    """Matroska knows milliseconds, the others what they are told."""
    return Fraction(1, 2000) if path.suffix in {".mkv", ".webm"} else Fraction(0)


@pytest.mark.parametrize("height", [48, 50, 52, 54])
@pytest.mark.parametrize("packed", [False, True])
def test_pictures_arrive_whole_however_they_lie_in_memory(
    tmp_path: Path, packed: bool, height: int
) -> None:
    """Each is an encoder's to read for as long as it likes, and another one's memory afterwards."""
    width, count = 66, 40
    pool = Pool()
    kept: list[Planes] = []

    def frame(index: int) -> Frame:
        planes = pool.planes(height, width) if packed else Planes.empty(height, width * 2)
        if not packed:
            planes = Planes(*(plane[:, : plane.shape[1] // 2] for plane in planes))
        assert (planes.packed is not None) is packed
        rows = np.arange(height)[:, None] * 4 % 160
        planes.y[:] = 20 + rows + np.arange(width) % 16 + index % 30
        planes.u.fill(100 + index)
        planes.v.fill(180 - index)
        kept.append(Planes(*(plane.copy() for plane in planes)))
        return Frame(planes, index, index, Fraction(1, 30), COLOR)

    path = tmp_path / "out.mp4"
    write(
        path, (frame(index) for index in range(count)), replace(FORMAT, width=width, height=height)
    )
    with FileSource(path) as source:
        seen = drain(source)
    assert len(seen) == count
    for written, read in zip(kept, seen, strict=True):
        for plane, expected in zip(read.planes, written, strict=True):
            assert plane.shape == expected.shape
            assert np.abs(plane.astype(int) - expected).max() <= 12


def test_a_picture_that_the_encoder_reads_is_nobody_elses(tmp_path: Path) -> None:
    sink, pool = FileSink(tmp_path / "out.mp4"), Pool()
    sink.open(FORMAT, transparent=False)
    planes = pool.planes(48, 64)
    at = planes.y.ctypes.data
    picture = sink._to_av(Frame(planes, 0, 0, Fraction(1, 30), COLOR))
    assert picture.planes[0].buffer_ptr == at  # not a copy
    del planes
    assert pool.planes(48, 64).y.ctypes.data != at
    del picture
    assert pool.planes(48, 64).y.ctypes.data == at
    sink.abort()


@pytest.mark.parametrize("name", ["n" * 251 + ".mp4", "é" * 120 + ".mp4"])
def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, frames_at([0, 1, 2], Fraction(1, 30)))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(decode(tmp_path / name)) == 3


@pytest.mark.parametrize("ending", ENDINGS)
class TestEveryKind:
    def test_frames_come_in_order_and_none_is_lost(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        write(path, frames_at(list(range(37)), Fraction(1, 30)))
        seen = decode(path)
        assert len(seen) == 37
        for index, (time, luma) in enumerate(seen):
            assert abs(float(luma.mean()) - luma_of_index(index)) <= 3
            assert abs(time - Fraction(index, 30)) <= precision(path)

    def test_varying_times_are_kept(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        pts = [0, 1, 40, 41, 77, 200, 1001, 1002, 3003, 3017]
        unit = Fraction(1, 1000)
        write(path, frames_at(pts, unit), replace(FORMAT, time_base=unit))
        assert [time for time, _ in decode(path)] == [at * unit for at in pts]

    def test_ntsc_times_are_kept(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        rate = Fraction(30000, 1001)
        video = replace(FORMAT, frame_rate=rate, time_base=1 / rate)
        write(path, frames_at(list(range(40)), 1 / rate), video)
        for index, (time, _) in enumerate(decode(path)):
            assert abs(time - index / rate) <= precision(path)
        with av.open(str(path)) as container:
            assert container.duration is not None
            assert container.duration / 1e6 == pytest.approx(40 * 1001 / 30000, abs=0.002)
            assert float(container.streams.video[0].average_rate or 0) == pytest.approx(
                float(rate), rel=1e-3
            )

    def test_a_late_beginning_stays_late(self, tmp_path: Path, ending: str) -> None:
        """The first frame of a file may come after its sound."""
        path = tmp_path / f"out{ending}"
        write(path, frames_at([15, 16, 17], Fraction(1, 30)))
        assert [time for time, _ in decode(path)] == pytest.approx(
            [0.5, 16 / 30, 17 / 30], abs=1e-3
        )

    @pytest.mark.parametrize("unit", [Fraction(1, 90_000), Fraction(1, 1_000_000)])
    def test_a_file_that_begins_late_stays_late(
        self, tmp_path: Path, ending: str, unit: Fraction
    ) -> None:
        """Its sound may begin earlier."""
        path = tmp_path / f"out{ending}"
        frames = frames_at([round(t / unit) for t in (0.6, 0.7, 0.8)], unit)
        write(path, frames, replace(FORMAT, time_base=unit))
        assert [float(time) for time, _ in decode(path)] == pytest.approx([0.6, 0.7, 0.8], abs=1e-3)

    def test_a_live_clock_begins_at_zero(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        unit = Fraction(1, 1_000_000_000)
        boot = 987_654_321_987_654_321
        times = [0.0, 0.0331, 0.0669, 0.1502, 0.1502004, 0.2]
        frames = frames_at([boot + round(time * 1e9) for time in times], unit)
        write(path, frames, replace(FORMAT, time_base=unit), from_first=True)
        seen = [float(time) for time, _ in decode(path)]
        assert len(seen) == len(times)
        assert seen == pytest.approx(times, abs=1e-3)
        assert seen == sorted(set(seen)), "no two at the same time"

    @pytest.mark.parametrize("full", [False, True])
    @pytest.mark.parametrize("matrix", [1, 6])
    def test_colors_and_tags_are_kept(
        self, tmp_path: Path, ending: str, full: bool, matrix: int
    ) -> None:
        path = tmp_path / f"out{ending}"
        color = ColorTags(full_range=full, matrix=matrix, primaries=matrix, transfer=matrix)
        rgb = np.full((48, 64, 3), (200, 60, 30), np.uint8)
        planes = rgb_to_planes(rgb, color)
        frames = [Frame(planes, n, n, Fraction(1, 30), color) for n in range(3)]
        write(path, frames, replace(FORMAT, color=color))
        with FileSource(path) as source:
            assert source.format.color == color
            frame = drain(source)[-1]
        shown = planes_to_rgb(frame.planes, frame.color).astype(int)
        assert np.abs(shown - (200, 60, 30)).max() <= 6

    def test_the_aspect_of_pixels_is_kept_or_its_loss_is_noted(
        self, tmp_path: Path, ending: str
    ) -> None:
        path = tmp_path / f"out{ending}"
        video = replace(FORMAT, sample_aspect_ratio=Fraction(4, 3))
        sink = write(path, frames_at([0, 1, 2], Fraction(1, 30)), video)
        with FileSource(path) as source:
            if ending == ".webm":
                assert any("too narrow" in note for note in sink.notes())
            else:
                assert source.format.sample_aspect_ratio == Fraction(4, 3)
                assert sink.notes() == ()

    def test_the_file_appears_when_it_is_whole(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        sink = FileSink(path)
        sink.open(FORMAT, transparent=False)
        for frame in frames_at(list(range(5)), Fraction(1, 30)):
            sink.write(frame)
            (part,) = tmp_path.iterdir()
            assert part.match(f"out{ending}.*.part")
        sink.close()
        assert list(tmp_path.iterdir()) == [path]

    def test_a_full_disk_is_one_error_and_leaves_nothing(
        self, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not os.path.exists("/dev/full"):
            pytest.skip("this system has no /dev/full")
        path = tmp_path / f"out{ending}"
        part = tmp_path / "part"
        part.symlink_to("/dev/full")
        monkeypatch.setattr("realtime.output.file.part_beside", lambda path: part)
        random = np.random.default_rng(0)
        frames = frames_at(list(range(20)), Fraction(1, 30))
        for frame in frames:
            frame.planes.y[...] = random.integers(0, 256, frame.planes.y.shape)
        sink = FileSink(path)
        with pytest.raises(OutputError, match="No space left") as caught:
            write_all(sink, frames)
        sink.abort()
        assert "\n" not in str(caught.value)
        assert list(tmp_path.iterdir()) == []


# Writes a take of noise, 400 frames at 30 Hz, where no file may be longer than so many bytes.
_ON_A_FULL_DISK = """
import resource, sys
from fractions import Fraction
import numpy as np
from realtime.errors import OutputError
from realtime.output.file import FileSink
from tests.output.test_file_sink import FORMAT, frames_at

path, kind, size = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
sink = FileSink(path, from_first=kind == "live")
sink.open(FORMAT, transparent=False)
random = np.random.default_rng(0)
try:
    for frame in frames_at(list(range(400)), Fraction(1, 30)):
        frame.planes.y[...] = random.integers(0, 256, frame.planes.y.shape)
        sink.write(frame)
    sink.close()
except OutputError as error:
    print(error)
sink.abort()
"""


def _on_a_full_disk(path: Path, kind: str, size: int) -> str:
    """What a take says of it."""
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(path), kind, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def _playable(path: Path) -> int:
    """How many pictures there are up to where a file breaks off."""
    pictures = 0
    with av.open(str(path)) as container, suppress(av.error.InvalidDataError):
        for _ in container.decode(video=0):
            pictures += 1
    return pictures


_needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")


@_needs_limits
@pytest.mark.parametrize("ending", ENDINGS)
def test_where_the_disk_is_full_a_live_take_is_kept_up_to_there(
    tmp_path: Path, ending: str
) -> None:
    whole = tmp_path / f"whole{ending}"
    assert _on_a_full_disk(whole, "live", 10**8) == ""
    assert _playable(whole) == 400
    path = tmp_path / f"out{ending}"
    half = whole.stat().st_size // 2
    told = _on_a_full_disk(path, "live", half)
    assert told.startswith(f"{path}: ends early")
    assert "; see that its disk has room" in told
    assert sorted(tmp_path.iterdir()) == sorted([whole, path])
    assert _playable(path) > 120


@_needs_limits
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("file", 300_000),  # it can be made again
        ("live", 600),  # before the first picture
    ],
)
def test_where_the_disk_is_full_what_is_worth_nothing_is_not_kept(
    tmp_path: Path, ending: str, kind: str, size: int
) -> None:
    path = tmp_path / f"out{ending}"
    told = _on_a_full_disk(path, kind, size)
    assert told.startswith(f"{path}: cannot be written")
    assert "; see that its disk has room" in told
    assert list(tmp_path.iterdir()) == []


def test_a_live_take_that_cannot_be_looked_at_is_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    sink = FileSink(tmp_path / "out.mkv", from_first=True)
    sink.open(FORMAT, transparent=False)
    sink.write(gray_frame(50))
    (part,) = tmp_path.iterdir()
    monkeypatch.setattr("realtime.output.file._plays", broken)
    close = sink._container.close  # type: ignore[union-attr]
    sink._container = SimpleNamespace(mux=broken, close=close)  # type: ignore[assignment]
    with pytest.raises(OutputError, match=rf"{part.name}: ends early"):
        sink.close()
    sink.abort()
    assert list(tmp_path.iterdir()) == [part]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_live_take_of_a_program_that_is_killed_can_be_played(tmp_path: Path, ending: str) -> None:
    sink = FileSink(tmp_path / f"out{ending}", from_first=True)
    sink.open(FORMAT, transparent=False)
    random = np.random.default_rng(0)
    for frame in frames_at(list(range(400)), Fraction(1, 30)):
        frame.planes.y[...] = random.integers(0, 256, frame.planes.y.shape)
        sink.write(frame)
    (part,) = tmp_path.iterdir()
    cut = tmp_path / f"cut{ending}"
    cut.write_bytes(part.read_bytes())
    sink.abort()
    # Two seconds, and what the encoder and the muxer hold back.
    assert _playable(cut) > 400 - 120


class TestLiveTakeOfARunThatFails:
    def _opened(self, path: Path, *, overwrite: bool = False) -> FileSink:
        sink = FileSink(path, overwrite=overwrite, from_first=True)
        sink.open(FORMAT, transparent=False)
        return sink

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_it_is_kept_to_its_last_picture_and_told_of(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        sink = self._opened(path)
        for frame in frames_at(list(range(40)), Fraction(1, 30)):
            sink.write(frame)
        for _ in range(2):
            sink.abort()
            sink.close()
        assert list(tmp_path.iterdir()) == [path]
        assert len(decode(path)) == 40
        assert sink.notes() == (f"{path}: ends early, where the run ended",)

    def test_it_is_kept_where_finishing_was_interrupted(self, tmp_path: Path) -> None:
        def interrupted() -> None:
            raise KeyboardInterrupt

        path = tmp_path / "out.mp4"
        sink = self._opened(path)
        sink.write(gray_frame(50))
        container = sink._container
        assert container is not None
        sink._container = SimpleNamespace(mux=container.mux, close=interrupted)  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            sink.close()
        sink._container = container
        sink.abort()
        assert len(decode(path)) == 1

    def test_it_is_kept_through_other_outputs(self, tmp_path: Path) -> None:
        path = tmp_path / "out.mkv"
        file = FileSink(path, from_first=True)
        sink = FanoutSink([NullSink(), DetachedSink(file)])
        sink.open(FORMAT, transparent=False)
        for frame in frames_at(list(range(5)), Fraction(1, 30)):
            sink.write(frame)
        sink.abort()
        assert len(decode(path)) == 5
        assert sink.notes() == (f"{path}: ends early, where the run ended",)

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_an_older_file_is_left_alone(self, tmp_path: Path, overwrite: bool) -> None:
        path = tmp_path / "out.mp4"
        sink = self._opened(path, overwrite=overwrite)
        sink.write(gray_frame(50))
        path.write_bytes(b"precious")
        sink.abort()
        assert path.read_bytes() == b"precious"
        (part,) = tmp_path.glob("*.part")
        assert len(decode(part)) == 1
        assert sink.notes() == (
            f"{part}: ends early, where the run ended; {path} was left as it was",
        )

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_few_bits_are_on_the_disk_as_soon(self, tmp_path: Path, ending: str) -> None:
        """The card, or a room in which nothing moves: nobody may wait for a full buffer."""
        sink = self._opened(tmp_path / f"out{ending}")
        for index in range(240):
            sink.write(gray_frame(50, index))
        (part,) = tmp_path.glob("*.part")
        killed = tmp_path / f"killed{ending}"
        killed.write_bytes(part.read_bytes())
        sink.abort()
        assert len(decode(killed)) >= 100

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_without_a_picture_nothing_is_left(self, tmp_path: Path, ending: str) -> None:
        sink = self._opened(tmp_path / f"out{ending}")
        sink.abort()
        assert list(tmp_path.iterdir()) == []
        assert sink.notes() == ()


def write_all(sink: FileSink, frames: list[Frame]) -> None:
    sink.open(FORMAT, transparent=False)
    for frame in frames:
        sink.write(frame)
    sink.close()


class TestExistingFile:
    CONTENT = b"precious"

    @pytest.fixture
    def existing(self, tmp_path: Path) -> Path:
        path = tmp_path / "out.mp4"
        path.write_bytes(self.CONTENT)
        return path

    def test_it_is_refused_and_untouched(self, existing: Path) -> None:
        with pytest.raises(OutputError, match="-y"):
            FileSink(existing)
        assert existing.read_bytes() == self.CONTENT

    def test_a_run_that_fails_leaves_it_untouched(self, existing: Path) -> None:
        sink = FileSink(existing, overwrite=True)
        sink.open(FORMAT, transparent=False)
        sink.write(gray_frame(50))
        assert existing.read_bytes() == self.CONTENT
        sink.abort()
        assert existing.read_bytes() == self.CONTENT
        assert list(existing.parent.iterdir()) == [existing]

    def test_a_run_that_succeeds_replaces_it(self, existing: Path) -> None:
        write(existing, [gray_frame(50)], overwrite=True)
        assert len(decode(existing)) == 1

    def test_a_link_stays_one_and_what_it_leads_to_is_replaced(
        self, existing: Path, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        link = elsewhere / "link.mp4"
        link.symlink_to(existing)
        with pytest.raises(OutputError, match="-y"):
            FileSink(link)
        write(link, [gray_frame(50)], overwrite=True)
        assert link.is_symlink()
        assert len(decode(existing)) == 1
        assert list(elsewhere.iterdir()) == [link]

    def test_two_runs_to_one_file_do_not_mix(self, tmp_path: Path) -> None:
        """And a file that appears meanwhile is not overwritten: the later result is kept aside."""
        path = tmp_path / "out.mp4"
        sinks = [FileSink(path), FileSink(path)]
        for sink in sinks:
            sink.open(FORMAT, transparent=False)
        for sink, luma in zip(sinks, (50, 150), strict=True):
            sink.write(gray_frame(luma))
        sinks[0].close()
        with pytest.raises(OutputError, match=r"another program meanwhile; .*\.part"):
            sinks[1].close()
        (kept,) = tmp_path.glob("*.part")
        for file, luma in ((path, 50), (kept, 150)):
            ((_, picture),) = decode(file)
            assert abs(int(picture[0, 0]) - luma) <= 2

    def test_what_somebody_deleted_is_not_said_to_be_kept(self, tmp_path: Path) -> None:
        sink = FileSink(tmp_path / "out.mp4")
        sink.open(FORMAT, transparent=False)
        sink.write(gray_frame(50))
        for part in tmp_path.iterdir():
            part.unlink()
        with pytest.raises(OutputError, match=r"what was written is gone"):
            sink.close()

    @pytest.mark.parametrize("from_first", [False, True])
    def test_a_result_that_cannot_be_put_in_its_place_is_kept(
        self, existing: Path, from_first: bool
    ) -> None:
        sink = FileSink(existing, overwrite=True, from_first=from_first)
        sink.open(FORMAT, transparent=False)
        sink.write(gray_frame(50))
        existing.unlink()
        existing.mkdir()
        with pytest.raises(OutputError, match=r"cannot be put in place: .*; .*\.part$"):
            sink.close()
        sink.abort()
        (kept,) = existing.parent.glob("*.part")
        assert len(decode(kept)) == 1


class TestRefused:
    def refused(self, path: Path, fix: str) -> None:
        with pytest.raises(OutputError) as caught:
            FileSink(path, overwrite=True)
        assert fix in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", ["out", "out.gif", "out.mp4.txt", "mp4"])
    def test_an_unknown_ending(self, tmp_path: Path, name: str) -> None:
        self.refused(tmp_path / name, ".mp4")

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "out.mp4").mkdir()
        self.refused(tmp_path / "out.mp4", "name a file in it")

    def test_a_folder_that_is_missing(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "nowhere" / "out.mp4", "create")

    def test_a_folder_that_is_read_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Not by chmod, which does not hinder root.
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        self.refused(tmp_path / "out.mp4", "choose another")

    def test_a_file_in_place_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        self.refused(tmp_path / "file" / "out.mp4", "create")

    def test_a_name_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="too long; choose one of 255 bytes at most"):
            FileSink(tmp_path / ("é" * 126 + ".mp4"))

    @pytest.mark.parametrize("ending", [".mp4", ".m4v"])
    def test_transparency_where_it_cannot_be(self, tmp_path: Path, ending: str) -> None:
        sink = FileSink(tmp_path / f"out{ending}")
        with pytest.raises(OutputError, match=r"\.webm"):
            sink.open(FORMAT, transparent=True)
        sink.abort()
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["OUT.MP4", "12:30.mp4", "100%d.mkv", "Büro 会議.webm", "a b.mov"])
def test_any_name_is_taken_literally(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path(name), [gray_frame(50)])
    assert [file.name for file in tmp_path.iterdir()] == [name]


def decode_rgba(path: Path) -> list[UInt8]:
    """Every frame as (H, W, 4), through the decoder that knows of alpha."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name == "vp9":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            assert isinstance(decoder, av.VideoCodecContext)
            frames = [
                frame for packet in container.demux(stream) for frame in decoder.decode(packet)
            ]
        else:
            frames = list(container.decode(stream))
    return [frame.to_ndarray(format="rgba").astype(np.uint8) for frame in frames]


def test_prores_gives_every_level_of_alpha_back(tmp_path: Path) -> None:
    path = tmp_path / "out.mov"
    alpha = (np.arange(48 * 64) % 256).astype(np.uint8).reshape(48, 64)
    sink = FileSink(path)
    sink.open(FORMAT, transparent=True)
    sink.write(replace(gray_frame(50), alpha=alpha))
    sink.close()
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        most = 2 ** picture.format.components[3].bits - 1
        seen = plane_view(picture.planes[3], 48, 2 * 64).view("<u2")
    np.testing.assert_array_equal(np.rint(seen * (255 / most)), alpha)


@pytest.mark.parametrize("ending", TRANSPARENT)
class TestTransparency:
    @pytest.mark.parametrize("full", [False, True])
    def test_alpha_survives_and_so_does_the_person(
        self, tmp_path: Path, ending: str, full: bool
    ) -> None:
        path = tmp_path / f"out{ending}"
        color = replace(COLOR, full_range=full)
        alpha = np.zeros((48, 64), np.uint8)
        alpha[:, 24:40] = 128
        alpha[:, 40:] = 255
        planes = rgb_to_planes(np.full((48, 64, 3), (200, 60, 30), np.uint8), color)
        frames = [Frame(planes, n, n, Fraction(1, 30), color, alpha) for n in range(4)]
        write(path, frames, replace(FORMAT, color=color), transparent=True)
        seen = decode_rgba(path)
        assert len(seen) == 4
        for rgba in seen:
            np.testing.assert_allclose(rgba[:, 4:20, 3], 0, atol=2)
            np.testing.assert_allclose(rgba[:, 28:36, 3], 128, atol=4)
            np.testing.assert_allclose(rgba[:, 46:60, 3], 255, atol=2)
        with FileSource(path) as source:
            frame = drain(source)[-1]
        shown = planes_to_rgb(frame.planes, frame.color).astype(int)
        assert np.abs(shown[:, 46:60] - (200, 60, 30)).max() <= 6

    def test_times_and_order_are_kept(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        alpha = np.full((48, 64), 255, np.uint8)
        pts = [0, 33, 70, 71, 150]
        unit = Fraction(1, 1000)
        frames = [replace(frame, alpha=alpha) for frame in frames_at(pts, unit)]
        write(path, frames, replace(FORMAT, time_base=unit), transparent=True)
        with FileSource(path) as source:
            seen = drain(source)
        assert [frame.pts * frame.time_base for frame in seen] == [at * unit for at in pts]
        for frame in seen:
            assert abs(float(frame.planes.y.mean()) - luma_of_index(frame.index)) <= 3
