"""A live run between real devices. Run with -s to see the figures.

REALTIME_TIMES is how often a camera is unplugged, 3 by default.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest

# isort: split
import av

from benchmarks.placing import kept_to
from realtime.capture.devices import Camera
from realtime.frame import UInt8
from realtime.output import loopback as loopbacks
from tests.hardware.conftest import Cable

TIMES = int(os.environ.get("REALTIME_TIMES", "3"))
_HANGS = 30.0

# Luma of the card's ground, and of the green that is put behind people here.
_CARD = 44
_GREEN = ("--background", "#00b140")


class Run:
    """`realtime live` in a process of its own."""

    def __init__(self, *arguments: object) -> None:
        python = [sys.executable, "-X", "faulthandler", "-m"]
        command = [*python, "realtime", "live", "--json", *map(str, arguments)]
        self.process = subprocess.Popen(kept_to(0, command), stdout=subprocess.PIPE, text=True)

    def end(self, by: signal.Signals = signal.SIGINT) -> tuple[dict[str, object], float]:
        """Its summary, and how many seconds it took to end."""
        start = time.monotonic()
        self.process.send_signal(by)
        try:
            out, _ = self.process.communicate(timeout=_HANGS)
        except subprocess.TimeoutExpired as error:
            # It then says where each of its threads is.
            self.process.send_signal(signal.SIGABRT)
            out, _ = self.process.communicate(timeout=_HANGS)
            pytest.fail(f"{error}; it said: {out[-2000:]}")
        assert self.process.returncode == 130
        return json.loads(out.splitlines()[-1]), time.monotonic() - start

    def held(self) -> tuple[int, int, int]:
        """Its threads, file handles and resident KiB."""
        proc = Path(f"/proc/{self.process.pid}")
        pages = int((proc / "statm").read_text().split()[1])
        resident = pages * os.sysconf("SC_PAGE_SIZE") // 1024
        return len(list((proc / "task").iterdir())), len(list((proc / "fd").iterdir())), resident

    def holds(self, path: str) -> bool:
        """Whether it has a file open."""
        for handle in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                if os.readlink(handle) == path:
                    return True
            except OSError:
                continue
        return False


@contextmanager
def _live(*arguments: object) -> Iterator[Run]:
    run = Run(*arguments)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
        run.process.communicate()


class Watcher:
    """Reads the virtual camera from a thread; keeps when its picture became what it is.

    It has to end before whoever sends does: nothing wakes a reader up whom nobody sends anything.

    Attributes:
        card: whether the newest picture is the placeholder; None before the first.
        since: when that began.
        pictures: how many came.
    """

    def __init__(self, device: str) -> None:
        self.card: bool | None = None
        self.since = 0.0
        self.pictures = 0
        self._ended = threading.Event()
        self._device = device
        self._thread = threading.Thread(target=self._watch, name="realtime-test-watcher")

    def _watch(self) -> None:
        with av.open(self._device, format="v4l2") as container:
            for frame in container.decode(video=0):
                now = time.monotonic()
                luma: UInt8 = frame.to_ndarray()[: frame.height]  # type: ignore[assignment]
                card = abs(int(luma[4, 4]) - _CARD) <= 1
                self.pictures += 1
                if card != self.card:
                    self.since = now
                    self.card = card
                if self._ended.is_set():
                    return

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def _wait(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + _HANGS
    while not condition():
        assert time.monotonic() < until, f"{what} does not happen"
        time.sleep(0.005)


def _sends(device: str) -> bool:
    return loopbacks.query(device).captures


def test_unplugged_it_shows_the_card_and_goes_on_when_plugged_in(
    test_picture: Camera, loopback: str, cable: Cable
) -> None:
    # The sizes of others are not asked for, so that only the card can be late.
    options = ("--camera", test_picture.path, "--output", loopback, "--max-staleness", "0.4")
    card_after, back_after = [], []
    with _live(*options, *_GREEN, "--size", "640x480") as run:
        _wait(lambda: _sends(loopback), "sending")
        with Watcher(loopback) as watcher:
            _wait(lambda: watcher.card is False, "a picture")
            before = None
            for turn in range(TIMES):
                unplugged = time.monotonic()
                cable.unplug()
                _wait(lambda: watcher.card, "the card")
                card_after.append(watcher.since - unplugged)
                plugged = time.monotonic()
                cable.plug()
                _wait(lambda: not watcher.card, "the picture's return")
                back_after.append(watcher.since - plugged)
                if turn == 0:
                    before = run.held()
            after = run.held()
        summary, ending = run.end()
    print(
        f"{TIMES} times: card after at most {max(card_after):.3f} s, picture back after at most "
        f"{max(back_after):.1f} s; threads, handles, KiB: after the first {before}, after the "
        f"last {after}; ended in {ending:.2f} s; {summary['notes']}"
    )
    assert max(card_after) < 2, "it is to be half a second, on a machine that is not busy"
    assert before is not None
    assert after[:2] == before[:2]


def test_a_panic_shows_readers_the_card_and_nothing_else_until_it_is_over(
    test_picture: Camera, loopback: str, tmp_path: Path
) -> None:
    whereabouts = tmp_path / "control.json"
    options = ("--camera", test_picture.path, "--output", loopback, "--size", "640x480", *_GREEN)
    control = ("--control-port", "0", "--control-token-file", str(whereabouts))
    with _live(*options, *control) as run:
        _wait(lambda: _sends(loopback), "sending")
        address = json.loads(whereabouts.read_text())

        def press(key: str) -> float:
            headers = {"Authorization": f"Bearer {address['token']}"}
            request = urllib.request.Request(f"{address['url']}/{key}", b"", headers)
            pressed = time.monotonic()
            urllib.request.urlopen(request, timeout=_HANGS).close()
            return pressed

        with Watcher(loopback) as watcher:
            _wait(lambda: watcher.card is False, "a picture")
            pressed = press("panic")
            _wait(lambda: watcher.card, "the card")
            since, pictures = watcher.since, watcher.pictures
            _wait(lambda: watcher.pictures >= pictures + 30, "more of it")
            assert watcher.card
            assert watcher.since == since, "the card was interrupted"
            press("resume")
            _wait(lambda: not watcher.card, "the picture's return")
        run.end()
    print(f"card {since - pressed:.3f} s after the panic")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_soon_also_while_the_camera_is_away(
    test_picture: Camera, loopback: str, cable: Cable, by: signal.Signals
) -> None:
    options = ("--camera", test_picture.path, "--output", loopback, "--size", "640x480")
    for away in (False, True):
        with _live(*options, *_GREEN) as run:
            _wait(lambda: _sends(loopback), "sending")
            if away:
                cable.unplug()
                with Watcher(loopback) as watcher:
                    _wait(lambda: watcher.card, "the card")
            _, ending = run.end(by)
        if away:
            cable.plug()
        print(f"{by.name}, camera {'away' if away else 'there'}: ended in {ending:.2f} s")
        assert ending < 3, "it is to be one second, on a machine that is not busy"


def test_on_demand_the_camera_is_open_only_while_somebody_reads(
    webcam: Camera, loopback: str
) -> None:
    options = ("--camera", webcam.path, "--output", loopback, "--size", "640x480", "--on-demand")
    with _live(*options, *_GREEN) as run:
        _wait(lambda: _sends(loopback), "sending")
        assert not run.holds(webcam.path)
        for _ in range(2):
            start = time.monotonic()
            capture = cv2.VideoCapture(loopback, cv2.CAP_V4L2)
            good, picture = capture.read()
            assert good
            assert abs(int(picture[4, 4].mean()) - 33) <= 3, "the card is seen first"
            while abs(int(picture[4, 4].mean()) - 33) <= 3:
                _, picture = capture.read()
                assert time.monotonic() - start < _HANGS
            print(f"picture {time.monotonic() - start:.2f} s after a reader came")
            assert run.holds(webcam.path)
            capture.release()
            left = time.monotonic()
            _wait(lambda: not run.holds(webcam.path), "letting go")
            print(f"camera let go {time.monotonic() - left:.2f} s after the reader left")
        _, ending = run.end()
    print(f"ended in {ending:.2f} s while nobody read")
