"""Cameras that know when their pictures were due."""

from __future__ import annotations

import pytest

from realtime.bench import timecode
from realtime.bench.material import ClockedCamera, RawCamera
from realtime.errors import SourceError
from tests.media import gray_frame


class _Clock:
    """Stands still but for whoever sleeps; counts nanoseconds."""

    def __init__(self) -> None:
        self.now = 5_000_000_000

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


@pytest.mark.parametrize("kind", [ClockedCamera, RawCamera], ids=["MJPEG", "raw"])
class TestClockedCamera:
    @pytest.fixture(autouse=True)
    def _kind(self, kind: type[ClockedCamera]) -> None:
        self._opens = kind

    def _camera(self, clock: _Clock, fps: float = 10.0) -> ClockedCamera:
        frames = [gray_frame(level, size=(320, 180)) for level in (60, 120, 180)]
        return self._opens(frames, fps, clock, clock.sleep)

    def test_pictures_come_by_the_clock_with_their_time_on_them(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            for index in range(5):
                frame = camera.read()
                assert frame is not None
                assert frame.index == index
                assert frame.time == pytest.approx(5 + index / 10)
                assert timecode.age(frame.planes.y, clock.now / 1e9) == pytest.approx(0, abs=1e-6)
            assert clock.now == 5_400_000_000
            assert camera.dropped == 0

    def test_they_go_back_and_forth(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            levels = []
            for _ in range(6):
                frame = camera.read()
                assert frame is not None
                levels.append(int(frame.planes.y[100, 100]))
        # MJPEG is full range; what matters is the order.
        dark, middle, light = levels[:3]
        assert dark < middle < light
        assert levels == pytest.approx([dark, middle, light, middle, dark, middle], abs=2)

    def test_what_nobody_came_for_is_dropped_and_counted(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            camera.read()
            clock.sleep(0.35)
            frame = camera.read()
            assert frame is not None
            assert (frame.index, camera.dropped) == (3, 2)
            # Taken late, and dated as the camera had it.
            assert timecode.age(frame.planes.y, clock.now / 1e9) == pytest.approx(0.05, abs=1e-6)

    def test_it_knows_how_many_were_due(self) -> None:
        clock = _Clock()
        with self._camera(clock) as camera:
            assert camera.due(0, 100) == 0
            camera.read()  # at 5.0, and then every tenth
            assert camera.due(5.0, 6.0) == 10
            assert camera.due(5.05, 6.05) == 10
            assert camera.due(5.1, 5.2) == 1
            assert camera.due(4.0, 5.0) == 0
            assert camera.due(4.0, 5.35) == 4

    def test_pictures_that_have_no_room_for_a_time_are_refused(self) -> None:
        with pytest.raises(SourceError, match=r"64×48 is too small .* measure pictures of 160×32"):
            self._opens([gray_frame(1)], 30)

    def test_pictures_that_no_live_run_takes_are_refused(self) -> None:
        with pytest.raises(SourceError, match=r"8194×64 is too large .* of 8192×8192 at most"):
            self._opens([gray_frame(1, size=(8194, 64))], 30)
