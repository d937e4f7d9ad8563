"""Times in pixels."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.bench import timecode
from realtime.bench.material import ClockedCamera
from realtime.frame import UInt8
from tests.media import gray_frame


class TestTimeCode:
    @pytest.mark.parametrize("width", [timecode.LEAST_WIDTH, 640, 1280, 1918])
    def test_a_drawn_time_is_read_at_its_age(self, width: int) -> None:
        luma = np.full((90, width), 77, np.uint8)
        timecode.draw(luma, 86_412.3456)
        assert timecode.age(luma, 86_412.3706) == pytest.approx(0.025, abs=1e-6)
        assert (luma[timecode.ROWS :] == 77).all()

    def test_the_days_after_which_it_begins_anew_do_no_harm(self) -> None:
        luma = np.zeros((32, 320), np.uint8)
        timecode.draw(luma, 2**32 * 1e-4 - 0.01)
        assert timecode.age(luma, 2**32 * 1e-4 + 0.02) == pytest.approx(0.03, abs=2e-4)

    def test_a_rounded_time_is_not_days_old(self) -> None:
        luma = np.zeros((32, 320), np.uint8)
        timecode.draw(luma, 5.00006)
        age = timecode.age(luma, 5.00003)
        assert age is not None
        assert abs(age) < 2e-4

    @pytest.mark.parametrize("level", [0, 16, 125, 255])
    def test_a_plain_picture_has_no_time(self, level: int) -> None:
        assert timecode.age(np.full((90, 640), level, np.uint8), 1.0) is None

    def test_noise_and_a_picture_that_is_too_narrow_have_none(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (90, 640), np.uint8)
        assert timecode.age(noise, 1.0) is None
        assert timecode.age(np.zeros((32, 30), np.uint8), 1.0) is None

    def test_a_damaged_time_is_not_read(self) -> None:
        luma = np.zeros((32, 320), np.uint8)
        timecode.draw(luma, 3.0)
        luma[:, :8] = 250 - luma[0, 0]
        assert timecode.age(luma, 3.0) is None


def test_a_luma_plane_from_the_camera_can_be_drawn_upon() -> None:
    """The time code goes into the decoder's own memory: it must be ours to write to."""
    with ClockedCamera([gray_frame(90, size=(320, 180))], 1000) as camera:
        frame = camera.read()
    assert frame is not None
    luma: UInt8 = frame.planes.y
    assert luma.flags.writeable
