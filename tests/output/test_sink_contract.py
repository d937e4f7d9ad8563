"""What every sink promises, held against every sink."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from realtime.errors import OutputError
from realtime.frame import UInt8, VideoFormat
from realtime.output import loopback
from realtime.output.detached import DetachedSink
from realtime.output.fanout import FanoutSink
from realtime.output.file import FileSink
from realtime.output.loopback import VideoNode
from realtime.output.sink import NullSink, Sink
from realtime.output.virtual import VirtualCameraSink
from realtime.output.window import WindowSink
from tests.media import gray_frame
from tests.output.virtual_cameras import FakePyvirtualcam

FORMAT = VideoFormat(
    width=64,
    height=48,
    frame_rate=Fraction(30),
    time_base=Fraction(1, 30),
    color=gray_frame(0).color,
)
FILES = ["out.mp4", "out.m4v", "out.mov", "out.mkv", "out.webm"]


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """An X server without a screen."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed, and a window needs an X server")
    ready, announce = os.pipe()
    with subprocess.Popen(
        [server, "-displayfd", str(announce), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=[announce],
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(announce)
        with os.fdopen(ready) as number:
            display = number.readline().strip()
        if not display:
            pytest.skip("Xvfb does not start here")
        yield f":{display}"
        process.terminate()


@pytest.fixture(params=[*FILES, "null", "window", "virtual", "several"])
def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Sink]:
    if request.param == "null":
        return NullSink
    if request.param == "window":
        monkeypatch.setenv("DISPLAY", request.getfixturevalue("screen"))
        return WindowSink
    if request.param == "virtual":
        node = VideoNode("/dev/video10", "v4l2 loopback", "Dummy", captures=False, outputs=True)
        monkeypatch.setattr(loopback, "nodes", lambda: [node])
        monkeypatch.setattr(loopback, "query", lambda path: node)
        return lambda: VirtualCameraSink(module=FakePyvirtualcam())
    if request.param == "several":
        return lambda: FanoutSink([NullSink(), DetachedSink(FileSink(tmp_path / "out.mkv"))])
    return lambda: FileSink(tmp_path / request.param)


def test_open_write_close(make: Callable[[], Sink]) -> None:
    sink = make()
    sink.open(FORMAT, transparent=False)
    for index in range(5):
        sink.write(gray_frame(50 + index, index))
        assert sink.pump()
    sink.close()
    assert sink.dropped == 0
    if isinstance(sink, VirtualCameraSink):
        assert sink.notes() == ("virtual camera /dev/video10: 64×48 at 30 fps",)
    else:
        assert sink.notes() == ()


@pytest.mark.parametrize("early", [False, True])
def test_closing_twice_is_closing(make: Callable[[], Sink], early: bool) -> None:
    sink = make()
    sink.open(FORMAT, transparent=False)
    sink.write(gray_frame(50))
    sink.close(early=early)
    sink.close(early=early)


def test_aborting_leaves_nothing_and_may_be_repeated(
    make: Callable[[], Sink], tmp_path: Path
) -> None:
    sink = make()
    sink.open(FORMAT, transparent=False)
    sink.write(gray_frame(50))
    sink.abort()
    sink.abort()
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_never_opened_can_be_given_up(make: Callable[[], Sink], tmp_path: Path) -> None:
    for end in ("close", "abort"):
        getattr(make(), end)()
    assert list(tmp_path.iterdir()) == []


def test_without_a_frame_nothing_is_left(make: Callable[[], Sink], tmp_path: Path) -> None:
    sink = make()
    sink.open(FORMAT, transparent=False)
    sink.close(early=True)
    assert list(tmp_path.iterdir()) == []


def test_closing_after_aborting_does_not_bring_it_back(
    make: Callable[[], Sink], tmp_path: Path
) -> None:
    sink = make()
    sink.open(FORMAT, transparent=False)
    for index in range(3):
        sink.write(gray_frame(50, index))
    sink.abort()
    sink.close()
    assert list(tmp_path.iterdir()) == []


class TestWindow:
    @pytest.fixture(autouse=True)
    def _screen(self, screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DISPLAY", screen)

    def test_a_frame_that_was_never_shown_is_counted(self) -> None:
        sink = WindowSink()
        sink.open(FORMAT, transparent=False)
        for index in range(4):
            sink.write(gray_frame(50, index))
        assert sink.dropped == 3
        sink.pump()
        sink.write(gray_frame(50, 4))
        assert sink.dropped == 3
        sink.close()

    @pytest.fixture
    def press(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Keys that wait to be taken; whoever asks gets one at a time."""
        waiting: list[str] = []
        monkeypatch.setattr("cv2.pollKey", lambda: ord(waiting.pop(0)) if waiting else -1)
        return waiting

    def test_all_keys_that_wait_are_handed_on_and_one_may_end_the_run(
        self, press: list[str]
    ) -> None:
        keys: list[str] = []

        def on_key(code: int) -> bool:
            keys.append(chr(code))
            return chr(code) != "q"

        sink = WindowSink(on_key=on_key)
        sink.open(FORMAT, transparent=False)
        assert sink.pump()
        press += "pmf"
        assert sink.pump()
        assert keys == ["p", "m", "f"]
        press += "nqz"
        assert not sink.pump()
        assert keys[3:] == ["n", "q"]
        sink.close()

    def test_keys_that_come_while_a_picture_is_drawn_are_taken(
        self, press: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cv2.imshow", lambda *_: press.append("q"))
        sink = WindowSink()
        sink.open(FORMAT, transparent=False)
        sink.write(gray_frame(50))
        assert not sink.pump()
        sink.close()

    def test_a_key_that_is_held_down_does_not_stop_the_pictures(
        self, press: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[str] = []
        monkeypatch.setattr("cv2.imshow", lambda title, _: shown.append(title))
        press += "m" * 1000
        sink = WindowSink()
        sink.open(FORMAT, transparent=False)
        sink.write(gray_frame(50))
        assert sink.pump()
        assert len(shown) == 1
        assert press
        sink.close()

    def test_what_is_shown_is_decorated_and_what_was_written_is_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[UInt8] = []
        monkeypatch.setattr("cv2.imshow", lambda title, picture: shown.append(picture.copy()))

        def decorate(picture: UInt8) -> None:
            picture[0, 0] = (1, 2, 3)

        sink = WindowSink(decorate=decorate)
        sink.open(FORMAT, transparent=False)
        frame = gray_frame(126)
        sink.write(frame)
        sink.pump()
        sink.close()
        assert shown[0].shape == (48, 64, 3)
        assert tuple(shown[0][0, 0]) == (1, 2, 3)
        assert tuple(shown[0][1, 1]) == (128, 128, 128)
        assert (frame.planes.y == 126).all()

    def test_a_window_that_breaks_is_an_error_of_the_output(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sink = WindowSink()
        sink.open(FORMAT, transparent=False)

        def broken() -> int:
            raise cv2.error("gone")

        with monkeypatch.context() as patch:
            patch.setattr("cv2.pollKey", broken)
            with pytest.raises(OutputError, match="the window broke"):
                sink.pump()
        sink.abort()

    def test_a_window_that_its_user_closed_ends_the_run_and_stays_closed(self) -> None:
        sink = WindowSink()
        sink.open(FORMAT, transparent=False)
        sink.write(gray_frame(50))
        assert sink.pump()
        cv2.destroyAllWindows()
        sink.write(gray_frame(50, 1))
        assert not sink.pump()
        assert not sink.pump()
        sink.close()

    def test_an_opencv_without_windows_is_an_error_with_a_remedy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing(*_: object) -> None:
            raise cv2.error("The function is not implemented.\nRebuild the library")

        monkeypatch.setattr("cv2.namedWindow", missing)
        sink = WindowSink()
        with pytest.raises(OutputError, match="pip uninstall opencv-python-headless") as caught:
            sink.open(FORMAT, transparent=False)
        assert "\n" not in str(caught.value)
        sink.abort()

    def test_a_window_cannot_be_transparent(self) -> None:
        sink = WindowSink()
        with pytest.raises(OutputError, match="--background"):
            sink.open(FORMAT, transparent=True)
        sink.abort()

    def test_one_window_after_another(self) -> None:
        for _ in range(2):
            sink = WindowSink()
            sink.open(FORMAT, transparent=False)
            sink.write(gray_frame(50))
            assert sink.pump()
            sink.close()

    def test_what_was_opened_with_another_size_takes_it(self) -> None:
        sink = WindowSink()
        sink.open(replace(FORMAT, width=128), transparent=False)
        sink.write(gray_frame(50))
        assert sink.pump()
        sink.close()


@pytest.mark.skipif(os.name != "posix" or os.uname().sysname != "Linux", reason="X11 only")
@pytest.mark.parametrize("display", [None, "", ":7654321", "unix:7654321"])
def test_without_a_screen_a_window_is_one_error(
    display: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenCV's toolkit would end the whole process."""
    monkeypatch.delenv("DISPLAY", raising=False)
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    sink = WindowSink()
    with pytest.raises(OutputError, match="--output null"):
        sink.open(FORMAT, transparent=False)
    sink.abort()


@pytest.mark.parametrize(
    "module", ["realtime.media", "realtime.capture.file", "realtime.output.file", "realtime.jobs"]
)
def test_whatever_is_imported_first_opencv_is_loaded_before_pyav(module: str) -> None:
    """The other way round, a window hangs on Linux; in a fresh process, for imports are once."""
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded.index("cv2") < loaded.index("av")
