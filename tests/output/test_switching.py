"""Backgrounds that change while frames go on, and slideshows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.errors import BackgroundError
from realtime.frame import ColorTags, Matte, Planes
from realtime.output.backgrounds import (
    Background,
    Blur,
    Color,
    Fit,
    Image,
    Slideshow,
    Switcher,
    Transparent,
    parse,
)
from realtime.output.backgrounds.background import Still
from tests.media import gray_frame, matte_of

Until = Callable[[Callable[[], bool]], None]


def at(time: float, size: tuple[int, int] = (64, 48)) -> Matte:
    """A matte of a frame of this time, in seconds."""
    frame = gray_frame(100, size=size)
    return matte_of(replace(frame, pts=round(time * 1e6), time_base=Fraction(1, 1_000_000)), 0.0)


class Flat(Background):
    """One luma; breaks when told to, waits when told to, and knows what became of it."""

    def __init__(self, luma: int, gate: threading.Event | None = None) -> None:
        self.luma = luma
        self.gate = gate
        self.broken: bool | Exception = False
        self.closed = False

    def behind(self, matte: Matte) -> Planes | None:
        if self.gate is not None:
            assert self.gate.wait(30)
        if isinstance(self.broken, Exception):
            raise self.broken
        if self.broken:
            raise BackgroundError(f"{self.luma}: broke")
        return gray_frame(
            self.luma, size=(matte.frame.planes.width, len(matte.frame.planes.y))
        ).planes

    def close(self) -> None:
        self.closed = True


class Shelf:
    """Opens backgrounds by name, and keeps them to look at."""

    def __init__(self) -> None:
        self.made: dict[str, list[Flat]] = {}
        self.gates: dict[str, threading.Event] = {}
        self.errors: dict[str, Exception] = {}
        self.reports: list[str] = []

    def open(self, text: str, fit: Fit) -> Background:
        if text == "nothing":
            return Transparent()
        if text in self.errors:
            raise self.errors[text]
        if not text.isdigit():
            raise BackgroundError(f"background {text}: no such file; choose another")
        background = Flat(int(text), self.gates.get(text))
        self.made.setdefault(text, []).append(background)
        return background

    def switcher(self, first: str = "50") -> Switcher:
        return Switcher(first, "cover", self.open, self.reports.append)


def luma(background: Background, time: float) -> int:
    behind = background.behind(at(time))
    assert behind is not None
    assert behind.y.min() == behind.y.max()
    return int(behind.y[0, 0])


def ready(switcher: Switcher, until: Until) -> None:
    """Waits until the helper is done; the next frame takes what it made."""
    until(lambda: switcher._next is None or switcher._next.done())


class TestSwitcher:
    def test_the_new_one_fades_in(self, until: Until) -> None:
        shelf = Shelf()
        with shelf.switcher() as switcher:
            assert luma(switcher, 10.0) == 50
            switcher.request("150", crossfade=1.0)
            ready(switcher, until)
            assert [luma(switcher, 10 + t) for t in (0.5, 0.75, 1.0, 1.25, 1.5, 2)] == [
                50, 75, 100, 125, 150, 150,
            ]  # fmt: skip
            until(lambda: shelf.made["50"][0].closed)
            assert not shelf.made["150"][0].closed
        assert shelf.made["150"][0].closed

    def test_without_a_crossfade_it_is_there_at_once(self, until: Until) -> None:
        shelf = Shelf()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            switcher.request("150")
            ready(switcher, until)
            assert luma(switcher, 0.1) == 150
            until(lambda: shelf.made["50"][0].closed)

    def test_frames_go_on_with_the_old_one_until_the_new_one_is_ready(self, until: Until) -> None:
        shelf = Shelf()
        shelf.gates["150"] = threading.Event()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            switcher.request("150")
            # The helper hangs in the middle of drawing, and nobody waits for it.
            until(lambda: "150" in shelf.made)
            assert [luma(switcher, index / 30) for index in range(100)] == [50] * 100
            assert switcher.pending
            shelf.gates["150"].set()
            ready(switcher, until)
            assert luma(switcher, 4.0) == 150
            assert not switcher.pending

    def test_the_helper_draws_the_first_picture_at_the_frames_size(self, until: Until) -> None:
        drawn: list[tuple[str, tuple[int, ...]]] = []

        class Slow(Flat):
            def behind(self, matte: Matte) -> Planes | None:
                drawn.append((threading.current_thread().name, matte.frame.planes.y.shape))
                return super().behind(matte)

        with Switcher("1", "cover", lambda text, fit: Slow(int(text))) as switcher:
            switcher.behind(at(0.0, (128, 96)))
            switcher.request("2")
            ready(switcher, until)
            assert drawn[-1] == ("realtime-background_0", (96, 128))

    @pytest.mark.parametrize("wrong", ["gone.jpg", "nothing"])
    def test_a_wrong_one_is_reported_once_and_the_old_one_stays(
        self, wrong: str, until: Until
    ) -> None:
        shelf = Shelf()
        with shelf.switcher() as switcher:
            for index in range(50):
                switcher.request(wrong, crossfade=0.3)
                ready(switcher, until)
                assert luma(switcher, index / 30) == 50
            assert len(shelf.reports) == 1
            assert wrong in shelf.reports[0]
            assert "choose" in shelf.reports[0]
            switcher.request("150")
            ready(switcher, until)
            assert luma(switcher, 5.0) == 150

    @pytest.mark.parametrize("error", [MemoryError(), ValueError("two\n  lines")])
    def test_a_defect_while_one_opens_is_reported_in_one_line_and_the_old_one_stays(
        self, error: Exception, until: Until
    ) -> None:
        shelf = Shelf()
        shelf.errors["odd.jpg"] = error
        with shelf.switcher() as switcher:
            for index in range(3):
                switcher.request("odd.jpg")
                ready(switcher, until)
                assert luma(switcher, index / 30) == 50
            assert not switcher.pending
            what = "ValueError: two lines" if str(error) else "MemoryError"
            assert shelf.reports == [
                f"background odd.jpg: cannot be shown ({what}); choose another one; 50 stays"
            ]
            switcher.request("150")
            ready(switcher, until)
            assert luma(switcher, 5.0) == 150

    def test_the_newest_wish_counts_and_the_others_are_closed(self, until: Until) -> None:
        shelf = Shelf()
        shelf.gates["100"] = threading.Event()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            switcher.request("100")
            until(lambda: "100" in shelf.made)
            switcher.request("110")
            switcher.request("120")
            shelf.gates["100"].set()
            ready(switcher, until)
            assert luma(switcher, 1.0) == 120
            assert shelf.made["100"][0].closed
            assert all(background.closed for background in shelf.made.get("110", []))

    def test_going_back_while_the_new_one_is_prepared_changes_nothing(self, until: Until) -> None:
        shelf = Shelf()
        shelf.gates["100"] = threading.Event()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            switcher.request("100")
            until(lambda: "100" in shelf.made)
            switcher.request("50")
            shelf.gates["100"].set()
            assert luma(switcher, 1.0) == 50
            assert len(shelf.made["50"]) == 1
        assert shelf.made["100"][0].closed

    def test_a_switch_in_the_middle_of_a_fade_begins_with_what_was_coming(
        self, until: Until
    ) -> None:
        shelf = Shelf()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            switcher.request("150", crossfade=1.0)
            ready(switcher, until)
            luma(switcher, 1.0)
            assert luma(switcher, 1.5) == 100
            switcher.request("250", crossfade=1.0)
            ready(switcher, until)
            assert luma(switcher, 1.6) == 150
            assert luma(switcher, 2.1) == 200
            until(lambda: shelf.made["50"][0].closed)

    def test_one_that_breaks_leaves_its_last_picture(self) -> None:
        shelf = Shelf()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            shelf.made["50"][0].broken = True
            assert [luma(switcher, 1.0), luma(switcher, 2.0)] == [50, 50]
            assert len(shelf.reports) == 1
            assert "broke" in shelf.reports[0]
            # At another size there is none: black, and not the room.
            behind = switcher.behind(at(3.0, (32, 16)))
            assert behind is not None
            assert behind.y.shape == (16, 32)
            assert set(behind.y.ravel()) == {16}
            # Nor in other colours: its levels would mean others.
            matte = at(4.0)
            full = replace(matte, frame=replace(matte.frame, color=ColorTags(full_range=True)))
            behind = switcher.behind(full)
            assert behind is not None
            assert set(behind.y.ravel()) == {0}
        assert shelf.made["50"][0].closed

    def test_an_unforeseen_defect_may_pass(self) -> None:
        shelf = Shelf()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            for time in (1.0, 2.0):
                shelf.made["50"][0].broken = MemoryError()
                for _ in range(4):
                    with pytest.raises(MemoryError):
                        switcher.behind(at(time))
                shelf.made["50"][0].broken = False
                assert luma(switcher, time) == 50
            assert shelf.reports == []

    def test_an_unforeseen_defect_that_stays_leaves_its_last_picture(self, until: Until) -> None:
        shelf = Shelf()
        with shelf.switcher() as switcher:
            luma(switcher, 0.0)
            shelf.made["50"][0].broken = ValueError("odd\nsize")
            for _ in range(4):
                with pytest.raises(ValueError, match="odd"):
                    switcher.behind(at(1.0))
            assert [luma(switcher, 1.0), luma(switcher, 2.0)] == [50, 50]
            assert shelf.reports == [
                "background 50: cannot be shown (ValueError: odd size); choose another one; its "
                "last picture stays"
            ]
            # By way of another one that cannot be opened, it can be had again.
            switcher.request("gone.jpg")
            ready(switcher, until)
            luma(switcher, 3.0)
            switcher.request("50")
            ready(switcher, until)
            luma(switcher, 4.0)
            assert [background.closed for background in shelf.made["50"]] == [True, False]

    def test_a_first_one_that_is_wrong_is_an_error(self) -> None:
        for wrong in ("gone.jpg", "nothing"):
            with pytest.raises(BackgroundError, match="choose"):
                Shelf().switcher(wrong)

    def test_only_what_was_made_for_one_frame_may_be_written_to(self, until: Until) -> None:
        def open_background(text: str, fit: Fit) -> Background:
            return Blur() if text == "blur" else Color((int(text), 0, 0))

        with Switcher("10", "cover", open_background) as switcher:
            switcher.behind(at(0.0))
            assert not switcher.fresh
            switcher.request("blur", crossfade=1.0)
            ready(switcher, until)
            fresh = []
            for time in (1.0, 1.5, 2.5):
                switcher.behind(at(time))
                fresh.append(switcher.fresh)
            assert fresh == [True, True, True]
            switcher.request("20", crossfade=1.0)
            ready(switcher, until)
            fresh = []
            for time in (3.0, 3.5, 4.5):
                switcher.behind(at(time))
                fresh.append(switcher.fresh)
            assert fresh == [True, True, False]

    def test_closing_does_not_wait_for_frames_and_leaves_no_thread(self) -> None:
        shelf = Shelf()
        switcher = shelf.switcher()
        luma(switcher, 0.0)
        switcher.request("150")
        switcher.close()
        switcher.close()
        assert all(b.closed for backgrounds in shelf.made.values() for b in backgrounds)


def write_pictures(folder: Path, lumas: dict[str, int]) -> None:
    folder.mkdir()
    for name, value in lumas.items():
        content = cv2.imencode(".png", np.full((48, 64, 3), value, np.uint8))[1]
        (folder / name).write_bytes(content.tobytes())


def gray(background: Background, time: float) -> int:
    """The gray level, 0..255, that a background shows; its own range is 16..235."""
    return round((luma(background, time) - 16) * 255 / 219)


class TestSlideshow:
    def test_pictures_come_in_order_fade_and_begin_again(self, tmp_path: Path) -> None:
        write_pictures(tmp_path / "p", {"b.png": 100, "a.png": 0, "c.png": 200})
        with Slideshow(str(tmp_path / "p"), 10.0, crossfade=2.0) as show:
            times = (100, 109, 110, 111, 112, 120, 121, 122, 130, 131, 132)
            levels = [gray(show, time) for time in times]
        assert levels == [0, 0, 0, 50, 100, 100, 150, 200, 200, 100, 0]

    def test_live_does_not_wait_for_a_picture(self, tmp_path: Path, until: Until) -> None:
        write_pictures(tmp_path / "p", {"a.png": 0, "b.png": 100})
        with Slideshow(str(tmp_path / "p"), 1.0, crossfade=0.0, patient=False) as show:
            assert gray(show, 0.0) == 0
            assert show._next is not None
            show._next.result()
            assert gray(show, 1.5) == 100
            gate = threading.Event()
            show._helper.submit(gate.wait, 30)
            gray(show, 2.0)  # asks for the third, which now waits in line
            assert gray(show, 9.0) == 100
            gate.set()
            until(lambda: show._next is not None and show._next.done())
            assert gray(show, 9.1) == 0

    def test_what_is_no_picture_is_left_out(self, tmp_path: Path) -> None:
        write_pictures(tmp_path / "p", {"b.png": 100})
        (tmp_path / "p" / "a.txt").write_text("words")
        (tmp_path / "p" / "c.png").write_bytes(b"")
        (tmp_path / "p" / "d").mkdir()
        with Slideshow(str(tmp_path / "p"), 1.0) as show:
            assert [gray(show, time) for time in (0, 5, 10, 15)] == [100] * 4

    def test_pictures_that_vanish_are_left_out(self, tmp_path: Path) -> None:
        write_pictures(tmp_path / "p", {"a.png": 0, "b.png": 100, "c.png": 200})
        with Slideshow(str(tmp_path / "p"), 1.0, crossfade=0.0) as show:
            (tmp_path / "p" / "b.png").unlink()
            assert [gray(show, time) for time in (0.0, 1.1, 2.2, 3.3)] == [0, 200, 0, 200]
            for path in (tmp_path / "p").iterdir():
                path.unlink()
            assert gray(show, 9.0) in (0, 200)
            assert gray(show, 19.0) in (0, 200)

    def test_pictures_that_cannot_be_drawn_are_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def behind(image: Image, matte: Matte) -> Planes | None:
            if image._rgb.max() == 100:
                raise MemoryError
            return Still.behind(image, matte)

        monkeypatch.setattr(Image, "behind", behind)
        write_pictures(tmp_path / "p", {"a.png": 0, "b.png": 100, "c.png": 200})
        with Slideshow(str(tmp_path / "p"), 1.0, crossfade=0.0) as show:
            assert [gray(show, time) for time in (0.0, 1.1, 2.2, 3.3)] == [0, 200, 0, 200]

    def test_the_same_video_gives_the_same_pictures(self, tmp_path: Path) -> None:
        write_pictures(tmp_path / "p", {"a.png": 0, "b.png": 100, "c.png": 200})

        def play() -> list[int]:
            with parse(f"{tmp_path / 'p'}@0.5") as show:
                return [gray(show, index / 30) for index in range(90)]

        assert play() == play()

    @pytest.mark.parametrize("seconds", ["", "0", "-1", "soon", "nan", "1e9"])
    def test_wrong_seconds_give_one_line(self, seconds: str, tmp_path: Path) -> None:
        write_pictures(tmp_path / "p", {"a.png": 0})
        with pytest.raises(BackgroundError, match="such as FOLDER@10") as caught:
            parse(f"{tmp_path / 'p'}@{seconds}")
        assert "\n" not in str(caught.value)


def test_green_is_the_green_that_is_keyed_out() -> None:
    green, named = parse("green").behind(at(0)), parse("#00b140").behind(at(0))
    assert green is not None
    assert named is not None
    for plane, other in zip(green, named, strict=True):
        np.testing.assert_array_equal(plane, other)
