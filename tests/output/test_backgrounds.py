"""What is put behind: what every background promises, and what each one does."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import monotonic, sleep

import av
import cv2
import numpy as np
import pytest

from realtime.capture.file import FileSource
from realtime.color import planes_to_rgb, rgb_to_planes
from realtime.errors import BackgroundError
from realtime.frame import ColorTags, Float32, Frame, Matte, Planes, UInt8, VideoFormat
from realtime.output.backgrounds import (
    Background,
    Blur,
    Color,
    Fit,
    Image,
    Transparent,
    Video,
    parse,
)
from realtime.output.backgrounds.still import read_image
from realtime.output.file import FileSink
from tests.media import gray_frame, matte_of, nearest_index, write_clip

COLORS = [
    ColorTags(full_range=full, matrix=matrix, primaries=matrix, transfer=1)
    for full in (False, True)
    for matrix in (1, 6)
]
FITS: list[Fit] = ["cover", "fit"]
SIZES = [(64, 48), (48, 64), (2, 2), (130, 46), (320, 18)]


def matte_at(time: float, size: tuple[int, int] = (64, 48)) -> Matte:
    """A matte of a frame that is due at this many seconds."""
    frame = gray_frame(100, size=size)
    return matte_of(replace(frame, pts=round(time * 1e6), time_base=Fraction(1, 1_000_000)), 0.5)


def picture(width: int, height: int) -> UInt8:
    """Left half red, right half blue."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2] = (220, 20, 30)
    rgb[:, width // 2 :] = (20, 30, 220)
    return rgb


MAKERS: dict[str, Callable[[Path], Background]] = {
    "blur": lambda _folder: Blur(),
    "color": lambda _folder: Color((0, 177, 64)),
    "image": lambda _folder: Image(picture(70, 33)),
    "image, whole": lambda _folder: Image(picture(70, 33), "fit"),
    "video": lambda folder: Video(str(write_clip(folder / "behind.mp4"))),
    "demo": lambda _folder: parse("demo"),
    "transparent": lambda _folder: Transparent(),
}


@pytest.mark.parametrize("make", list(MAKERS.values()), ids=list(MAKERS))
class TestContract:
    @pytest.mark.parametrize("size", SIZES)
    def test_planes_are_of_the_frames_size(
        self, make: Callable[[Path], Background], size: tuple[int, int], tmp_path: Path
    ) -> None:
        with make(tmp_path) as background:
            behind = background.behind(matte_at(0, size))
        assert (behind is None) == background.transparent
        if behind is not None:
            assert behind.y.shape == (size[1], size[0])
            assert behind.u.shape == behind.v.shape == (size[1] // 2, size[0] // 2)
            assert all(plane.dtype == np.uint8 for plane in behind)

    def test_it_follows_a_frame_whose_size_or_tags_change(
        self, make: Callable[[Path], Background], tmp_path: Path
    ) -> None:
        def look(background: Background, size: tuple[int, int], color: ColorTags) -> list[UInt8]:
            behind = background.behind(matte_of(gray_frame(90, size=size, color=color), 0.5))
            return [] if behind is None else [plane.copy() for plane in behind]

        kinds = [(size, color) for size in SIZES[:2] for color in COLORS]
        with make(tmp_path) as reused:
            one_after_another = [look(reused, *kind) for kind in (*kinds, *kinds)]
        fresh = []
        for kind in kinds:
            with make(tmp_path) as background:
                fresh.append(look(background, *kind))
        for seen, expected in zip(one_after_another, (*fresh, *fresh), strict=True):
            for plane, other in zip(seen, expected, strict=True):
                np.testing.assert_array_equal(plane, other)

    def test_the_frame_is_not_written_to(
        self, make: Callable[[Path], Background], tmp_path: Path
    ) -> None:
        matte = matte_at(0)
        copies = [plane.copy() for plane in (*matte.frame.planes, matte.alpha)]
        with make(tmp_path) as background:
            background.behind(matte)
        for plane, copy in zip((*matte.frame.planes, matte.alpha), copies, strict=True):
            np.testing.assert_array_equal(plane, copy)

    def test_closing_twice_is_closing(
        self, make: Callable[[Path], Background], tmp_path: Path
    ) -> None:
        background = make(tmp_path)
        background.behind(matte_at(0))
        background.close()
        background.close()


def shown(background: Background, color: ColorTags, size: tuple[int, int] = (64, 48)) -> UInt8:
    """What a viewer sees of a background behind a frame of these tags."""
    behind = background.behind(matte_of(gray_frame(90, size=size, color=color), 0.0))
    assert behind is not None
    return planes_to_rgb(behind, color)


@pytest.mark.parametrize("color", COLORS)
class TestColorIsExact:
    @pytest.mark.parametrize(
        "rgb", [(0, 0, 0), (255, 255, 255), (0, 177, 64), (250, 10, 20), (1, 2, 250)]
    )
    def test_of_a_color(self, color: ColorTags, rgb: tuple[int, int, int]) -> None:
        assert np.abs(shown(Color(rgb), color).astype(int) - rgb).max() <= 2

    def test_of_an_image(self, color: ColorTags) -> None:
        rgb = shown(Image(picture(64, 48)), color).astype(int)
        # Away from the edge in the middle, where chroma is shared.
        assert np.abs(rgb[:, :30] - (220, 20, 30)).max() <= 2
        assert np.abs(rgb[:, 34:] - (20, 30, 220)).max() <= 2

    @pytest.mark.parametrize("other", COLORS)
    def test_of_a_video_with_tags_of_its_own(
        self, color: ColorTags, other: ColorTags, tmp_path: Path
    ) -> None:
        clip = tmp_path / "red.mkv"
        planes = rgb_to_planes(np.full((48, 64, 3), (200, 60, 30), np.uint8), other)
        write_planes(clip, [planes] * 3, other)
        with Video(str(clip)) as video:
            rgb = shown(video, color).astype(int)
        assert np.abs(rgb - (200, 60, 30)).max() <= 3


def write_planes(path: Path, pictures: list[Planes], color: ColorTags) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"qp": "0"})
        assert isinstance(stream, av.VideoStream)
        height, width = pictures[0].y.shape
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.color_range = 2 if color.full_range else 1
        stream.codec_context.colorspace = color.matrix
        for index, planes in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(
                np.concatenate([plane.ravel() for plane in planes]).reshape(-1, width),
                format="yuv420p",
            )
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


class TestImage:
    COLOR = COLORS[0]

    def test_cover_fills_the_frame_and_crops_equally(self) -> None:
        wide = shown(Image(picture(300, 48)), self.COLOR).astype(int)
        assert np.abs(wide[:, :30] - (220, 20, 30)).max() <= 4
        assert np.abs(wide[:, 34:] - (20, 30, 220)).max() <= 4

    def test_fit_shows_all_between_black_bars(self) -> None:
        # 128×48 into 64×48: 64×24 in the middle.
        rgb = shown(Image(picture(128, 48), "fit"), self.COLOR).astype(int)
        assert rgb[:11].max() <= 6
        assert rgb[37:].max() <= 6
        assert np.abs(rgb[14:34, :30] - (220, 20, 30)).max() <= 4
        assert np.abs(rgb[14:34, 34:] - (20, 30, 220)).max() <= 4

    @pytest.mark.parametrize("fit", FITS)
    def test_on_wide_pixels_a_disc_is_drawn_narrow(self, fit: Fit) -> None:
        disc = np.zeros((96, 96, 3), np.uint8)
        cv2.circle(disc, (48, 48), 30, (255, 255, 255), -1)
        # Seen, the 64×48 pixels of the frame are as wide as 128×48 square ones.
        bright = shown(Image(disc, fit, 2.0), self.COLOR)[..., 1] > 128
        rows, columns = bright.any(1).sum(), bright.any(0).sum()
        assert 2 * columns == pytest.approx(rows if fit == "fit" else 80, abs=2)

    @pytest.mark.parametrize("fit", FITS)
    def test_the_same_aspect_needs_neither(self, fit: Fit) -> None:
        rgb = shown(Image(picture(640, 480), fit), self.COLOR).astype(int)
        assert np.abs(rgb[:, :30] - (220, 20, 30)).max() <= 4

    @pytest.mark.parametrize("fit", FITS)
    @pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3000, 2)])
    def test_any_shape_is_drawn(self, fit: Fit, size: tuple[int, int]) -> None:
        image = Image(np.full((size[1], size[0], 3), 200, np.uint8), fit)
        # As "fit", it is a line one pixel wide.
        assert abs(int(shown(image, self.COLOR)[..., 1].max()) - 200) <= 2

    def test_shrinking_averages(self) -> None:
        """A fine checkerboard becomes grey and not stripes."""
        board = np.indices((481, 641)).sum(0) % 2 * 255
        rgb = shown(Image(np.dstack([board] * 3).astype(np.uint8)), self.COLOR).astype(int)
        assert np.abs(rgb - 128).max() <= 30


class TestReadImage:
    def encode(self, path: Path, pixels: object) -> Path:
        assert cv2.imwrite(str(path), pixels)
        return path

    def test_color_order(self, tmp_path: Path) -> None:
        rgb = read_image(self.encode(tmp_path / "a.png", picture(8, 4)[..., ::-1]))
        assert rgb is not None
        np.testing.assert_array_equal(rgb, picture(8, 4))

    def test_grayscale(self, tmp_path: Path) -> None:
        rgb = read_image(self.encode(tmp_path / "a.png", np.full((4, 8), 77, np.uint8)))
        assert rgb is not None
        assert rgb.shape == (4, 8, 3)
        assert set(rgb.ravel()) == {77}

    def test_sixteen_bits(self, tmp_path: Path) -> None:
        deep = np.full((4, 8, 3), 77 * 257, np.uint16)
        rgb = read_image(self.encode(tmp_path / "a.png", deep))
        assert rgb is not None
        assert rgb.dtype == np.uint8
        assert set(rgb.ravel()) == {77}

    def test_alpha_is_left_out(self, tmp_path: Path) -> None:
        bgra = np.dstack([picture(8, 4)[..., ::-1], np.full((4, 8), 255, np.uint8)])
        rgb = read_image(self.encode(tmp_path / "a.png", bgra))
        assert rgb is not None
        np.testing.assert_array_equal(rgb, picture(8, 4))

    def test_a_photograph_taken_upright_stands_upright(self, tmp_path: Path) -> None:
        path = self.encode(tmp_path / "a.jpg", picture(64, 32)[..., ::-1])
        jpeg = path.read_bytes()
        # An APP1 segment with one entry: orientation 6, to be turned clockwise.
        tiff = bytes.fromhex("4d4d002a00000008 0001 0112000300000001 00060000 00000000")
        exif = b"Exif\0\0" + tiff
        segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
        path.write_bytes(jpeg[:2] + segment + jpeg[2:])
        rgb = read_image(path)
        assert rgb is not None
        assert rgb.shape == (64, 32, 3)
        # What was left is now above.
        assert rgb[8, 16, 0] > 180
        assert rgb[-8, 16, 2] > 180

    def test_names_in_any_script(self, tmp_path: Path) -> None:
        ascii_name = self.encode(tmp_path / "a.png", picture(8, 4))
        path = ascii_name.rename(tmp_path / "Büro 会議室.png")
        assert read_image(path) is not None

    @pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"nothing"])
    def test_what_is_no_image_is_none(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(content)
        assert read_image(path) is None


def behind_luma(video: Background, time: float) -> int:
    behind = video.behind(matte_at(time))
    assert behind is not None
    return int(behind.y[24, 32])


class TestVideo:
    @pytest.mark.parametrize("color", [COLORS[0], ColorTags(full_range=True, matrix=6)])
    def test_shrinking_averages(self, tmp_path: Path, color: ColorTags) -> None:
        """Noise becomes grey, by the way of the planes and by that of RGB."""
        clip = tmp_path / "noise.mkv"
        noise = gray_frame(0, size=(640, 480)).planes
        noise.y[...] = np.random.default_rng(0).integers(16, 236, noise.y.shape)
        write_planes(clip, [noise] * 2, COLORS[0])
        with Video(str(clip)) as video:
            rgb = shown(video, color).astype(int)
        assert rgb.std() < 12

    def test_it_can_be_shown_whole_between_black_bars(self, tmp_path: Path) -> None:
        path = write_clip(tmp_path / "behind.mp4")
        with Video(str(path), "fit") as background:
            rgb = shown(background, COLORS[0], (192, 48))
        assert not rgb[:, :60].any()
        assert not rgb[:, -60:].any()
        assert (rgb[:, 66:-66] > 0).all()

    @pytest.mark.parametrize("own", [1, 2])
    @pytest.mark.parametrize("frames", [1, 2])
    @pytest.mark.parametrize("fit", ["cover", "fit"])
    def test_its_shape_is_seen_right_on_whatever_pixels(
        self, tmp_path: Path, own: int, frames: int, fit: Fit
    ) -> None:
        # Seen, a disc, 40 of 96 lines high.
        luma = np.zeros((96, 96), np.uint8)
        cv2.ellipse(luma, (48, 48), (20 // own, 20), 0, 0, 360, 255, -1)
        disc = replace(gray_frame(0, size=(96, 96)), index=0, pts=0)
        disc.planes.y[...] = 16 + luma // 2
        path = tmp_path / "disc.mp4"
        video = VideoFormat(
            96, 96, Fraction(30), Fraction(1, 30), disc.color, sample_aspect_ratio=Fraction(own)
        )
        sink = FileSink(path)
        sink.open(video, transparent=False)
        sink.write(disc)
        sink.close()
        with Video(str(path), fit, pixel_aspect=float(frames)) as background:
            bright = shown(background, COLORS[0], (96, 96))[..., 1] > 60
        rows, columns = bright.any(1).sum(), bright.any(0).sum()
        assert frames * columns == pytest.approx(rows, abs=4)

    @pytest.mark.parametrize("rate", [10, 30, 60])
    @pytest.mark.parametrize("behind_rate", [10, 30, 60])
    def test_it_plays_at_its_own_rate_and_loops(
        self, tmp_path: Path, rate: int, behind_rate: int
    ) -> None:
        clip = write_clip(tmp_path / "behind.mp4", frames=8, rate=Fraction(behind_rate))
        with Video(str(clip)) as video:
            for index in range(3 * 8 * rate // behind_rate + 2):
                # In the middle of a frame's time, where rounding does not matter.
                now = Fraction(2 * index + 1, 2 * rate)
                if index == 0:
                    behind_luma(video, 0.0)
                expected = now * behind_rate
                if expected.denominator == 1:
                    continue
                assert nearest_index(behind_luma(video, float(now))) == int(expected) % 8

    def test_it_begins_when_the_first_frame_comes(self, tmp_path: Path) -> None:
        clip = write_clip(tmp_path / "behind.mp4", frames=8, rate=Fraction(10))
        with Video(str(clip)) as video:
            indices = [nearest_index(behind_luma(video, 5000.03 + n / 10)) for n in range(8)]
        assert indices == list(range(8))

    @pytest.mark.parametrize("gap", [0.35, 8.15, 86_400.45])
    def test_a_gap_in_time_is_skipped(
        self, tmp_path: Path, gap: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also a long one, such as of a laptop that slept, and without decoding all between."""
        opened: list[str] = []

        def counted(path: str) -> FileSource:
            opened.append(path)
            return FileSource(path)

        monkeypatch.setattr("realtime.output.backgrounds.video.FileSource", counted)
        clip = write_clip(tmp_path / "behind.mp4", frames=8, rate=Fraction(10))
        with Video(str(clip)) as video:
            behind_luma(video, 0.0)
            assert nearest_index(behind_luma(video, gap)) == int(gap * 10 + 1e-6) % 8
        assert len(opened) <= 3

    def test_its_own_varying_times_are_kept(self, tmp_path: Path) -> None:
        times = [0, 100, 400, 450]
        clip = write_clip(tmp_path / "behind.mp4", frames=4, pts=times, time_base=Fraction(1, 1000))
        with Video(str(clip)) as video:
            seen = [
                nearest_index(behind_luma(video, t / 1000)) for t in (0, 90, 110, 390, 410, 460)
            ]
        assert seen == [0, 0, 1, 1, 2, 3]

    def test_a_video_behind_one_of_the_same_rate_does_not_stutter(self, tmp_path: Path) -> None:
        """Though one file rounds times to milliseconds and the other does not."""
        clip = write_clip(tmp_path / "behind.mp4", frames=30)
        with Video(str(clip)) as video:
            seen = [nearest_index(behind_luma(video, round(n / 30, 3))) for n in range(30)]
        assert seen == list(range(30))

    def test_a_still_of_one_frame_stays(self, tmp_path: Path) -> None:
        clip = write_clip(tmp_path / "behind.mp4", frames=1)
        with Video(str(clip)) as video:
            clip.unlink()  # it need not be read again
            assert {nearest_index(behind_luma(video, n / 7)) for n in range(10)} == {0}

    def test_live_it_never_waits_for_a_picture(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clip = write_clip(tmp_path / "behind.mp4", frames=8, rate=Fraction(10))
        gate = threading.Event()
        read = FileSource.read

        def held(source: FileSource) -> Frame | None:
            assert threading.current_thread() is threading.main_thread() or gate.wait(30)
            return read(source)

        monkeypatch.setattr(FileSource, "read", held)
        with parse(str(clip), live=True) as video:
            times = (0.0, 0.31, 0.41)
            assert [nearest_index(behind_luma(video, time)) for time in times] == [0, 0, 0]
            gate.set()
            deadline = monotonic() + 30
            while nearest_index(behind_luma(video, 0.51)) != 5:
                assert monotonic() < deadline
                sleep(0.001)

    def test_live_one_that_is_too_heavy_plays_slower(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Rather than ever longer at a time: here a picture takes a second to decode."""
        clip = write_clip(tmp_path / "behind.mp4", frames=8, rate=Fraction(10))
        seconds = itertools.count()
        monkeypatch.setattr(
            "realtime.output.backgrounds.video.monotonic", lambda: float(next(seconds))
        )
        with Video(str(clip), patient=False) as video:
            decoded = [video._advance(now).index for now in (0.75, 0.8, 0.86)]
        assert decoded == [1, 1, 2]

    def test_a_file_that_vanishes_is_one_error(self, tmp_path: Path) -> None:
        clip = write_clip(tmp_path / "behind.mp4", frames=3)
        with Video(str(clip)) as video:
            behind_luma(video, 0.0)
            clip.unlink()
            with pytest.raises(BackgroundError):
                behind_luma(video, 1.0)


def person_in_room(
    person: int, room: int, size: tuple[int, int] = (320, 180)
) -> tuple[Matte, UInt8]:
    """A person of one brightness in a room of another, and where the room is beyond doubt."""
    width, height = size
    frame = gray_frame(room, size=size)
    inside = np.zeros((height, width), np.uint8)
    cv2.ellipse(
        inside, (width // 2, height), (width // 5, height * 4 // 5), 0, 0, 360, 1, thickness=-1
    )
    frame.planes.y[inside == 1] = person
    alpha: Float32 = cv2.resize(inside.astype(np.float32), (96, 54), interpolation=cv2.INTER_AREA)
    return Matte(frame, alpha), inside


class TestBlur:
    @pytest.mark.parametrize(("person", "room"), [(235, 30), (30, 220)])
    @pytest.mark.parametrize("strength", [1.0, 3.0, 10.0])
    @pytest.mark.parametrize("size", [(320, 180), (1280, 720)])
    def test_no_halo_of_the_person_remains(
        self, person: int, room: int, strength: float, size: tuple[int, int]
    ) -> None:
        matte, inside = person_in_room(person, room, size)
        behind = Blur(strength).behind(matte)
        assert behind is not None
        error = np.abs(behind.y[inside == 0].astype(int) - room)
        # Where the alpha itself is half a pixel of its own off, a trace may remain.
        assert error.max() <= 0.08 * abs(person - room)
        assert error.mean() <= 1

    def test_the_room_is_blurred(self) -> None:
        frame = gray_frame(0, size=(320, 180))
        frame.planes.y[...] = np.indices((180, 320)).sum(0) // 4 % 2 * 200 + 20
        behind = Blur(3).behind(matte_of(frame, 0.0))
        assert behind is not None
        assert np.abs(behind.y.astype(int) - 120).max() <= 12

    @pytest.mark.parametrize("strength", [0.5, 1.0, 3.0, 10.0])
    def test_strength_is_a_share_of_the_height_at_any_size(self, strength: float) -> None:
        """An edge blurred with a standard deviation of s is 2·1.2816·s wide from 10 to 90 %."""
        widths = []
        for height in (360, 720, 1080):
            frame = gray_frame(20, size=(height, height))
            frame.planes.y[:, height // 2 :] = 220
            behind = Blur(strength).behind(matte_of(frame, 0.0))
            assert behind is not None
            row = behind.y[height // 2].astype(float)
            ten, ninety = np.interp([40, 200], row, np.arange(height))
            widths.append((ninety - ten) / height * 100)
        assert widths == pytest.approx([2 * 1.2816 * strength] * 3, rel=0.15, abs=0.4)

    @pytest.mark.parametrize("size", [(2, 2), (16, 16), (640, 2), (320, 180)])
    @pytest.mark.parametrize("strength", [0.01, 3.0, 50.0])
    @pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
    def test_any_frame_gives_a_picture_of_what_is_in_it(
        self, size: tuple[int, int], strength: float, alpha: float
    ) -> None:
        """Of a frame that is all person, there is no room to show: then anything will do."""
        behind = Blur(strength).behind(matte_of(gray_frame(90, size=size), alpha))
        assert behind is not None
        assert behind.y.shape == (size[1], size[0])
        if alpha < 1:
            assert np.abs(behind.y.astype(int) - 90).max() <= 1
            assert np.abs(behind.u.astype(int) - 128).max() <= 1

    def test_deep_inside_a_person_the_room_goes_on(self) -> None:
        """What is behind the middle of a wide person comes from the room, however far away."""
        matte, inside = person_in_room(235, 60)
        behind = Blur(1.0).behind(matte)
        assert behind is not None
        assert np.abs(behind.y[inside == 1].astype(int) - 60).max() <= 0.08 * (235 - 60)

    def test_noise_in_time_is_not_made(self) -> None:
        matte, _ = person_in_room(200, 50)
        once, twice = (Blur().behind(matte) for _ in range(2))
        assert once is not None
        assert twice is not None
        np.testing.assert_array_equal(once.y, twice.y)


class TestParse:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("blur", Blur),
            ("blur:5%", Blur),
            ("blur:1", Blur),
            ("blur:50%", Blur),
            ("blur:", Blur),
            ("#00b140", Color),
            ("#00B140", Color),
            ("transparent", Transparent),
            ("demo", Image),
        ],
    )
    def test_words(self, text: str, kind: type[Background]) -> None:
        with parse(text) as background:
            assert type(background) is kind

    def test_the_color_named_is_the_color_shown(self) -> None:
        rgb = shown(parse("#0a64c8"), COLORS[0]).astype(int)
        assert np.abs(rgb - (10, 100, 200)).max() <= 2

    def test_a_strength_named_is_the_strength_applied(self) -> None:
        matte, _ = person_in_room(200, 50)
        matte.frame.planes.y[...] = np.random.default_rng(0).integers(0, 256, (180, 320))
        for text, strength in (("blur:7%", 7.0), ("blur:1.5", 1.5)):
            ours, same = parse(text).behind(matte), Blur(strength).behind(matte)
            assert ours is not None
            assert same is not None
            np.testing.assert_array_equal(ours.y, same.y)

    def test_a_picture_and_a_video_are_told_apart_by_what_is_in_them(self, tmp_path: Path) -> None:
        image = tmp_path / "one.mp4"
        image.write_bytes(cv2.imencode(".png", picture(8, 8))[1].tobytes())
        assert type(parse(str(image))) is Image
        clip = write_clip(tmp_path / "two.mp4").rename(tmp_path / "two.jpg")
        with parse(str(clip)) as video:
            assert type(video) is Video

    @pytest.mark.parametrize(("pictures", "kind"), [(1, Image), (5, Video)])
    def test_a_gif_that_moves_is_a_video(
        self, tmp_path: Path, pictures: int, kind: type[Background]
    ) -> None:
        path = tmp_path / "waves"
        with av.open(str(path), "w", format="gif") as container:
            stream = container.add_stream("gif", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb8"
            for index in range(pictures):
                picture = np.full((48, 64, 3), 50 * index, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture).reformat(format="rgb8")
                frame.pts = index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with parse(str(path)) as background:
            assert isinstance(background, kind)

    def test_fit_reaches_the_image(self, tmp_path: Path) -> None:
        path = tmp_path / "wide.png"
        path.write_bytes(cv2.imencode(".png", picture(128, 24))[1].tobytes())
        assert shown(parse(str(path), "fit"), COLORS[0])[0].max() <= 6
        assert shown(parse(str(path), "cover"), COLORS[0])[0].min(0).max() > 6

    @pytest.mark.parametrize(
        ("text", "fix"),
        [
            ("blur:0", "blur:5%"),
            ("blur:0.05", "percent of the picture's height"),
            ("blur:0.99%", "from 1 to 50"),
            ("blur:-3", "blur:5%"),
            ("blur:51%", "blur:5%"),
            ("blur:nan", "blur:5%"),
            ("blur:inf", "blur:5%"),
            ("blur:much", "blur:5%"),
            ("#12345", "#rrggbb"),
            ("#1234567", "#rrggbb"),
            ("#ggg000", "#rrggbb"),
            ("#", "#rrggbb"),
            ("", "choose"),
            ("no_such_file.jpg", "choose"),
            ("blurr", "choose"),
            ("a" * 300, "choose"),
        ],
    )
    def test_a_bad_word_gives_one_line_with_the_fix(self, text: str, fix: str) -> None:
        with pytest.raises(BackgroundError) as caught:
            parse(text)
        assert fix in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"words\n" * 100, b"\x89PNG\r\n\x1a\n" + b"x" * 99])
    def test_a_file_that_is_neither_gives_one_line(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "background.png"
        path.write_bytes(content)
        with pytest.raises(BackgroundError) as caught:
            parse(str(path))
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_folder_gives_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(BackgroundError, match="choose"):
            parse(str(tmp_path))
