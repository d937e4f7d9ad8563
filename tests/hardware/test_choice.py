"""Which webcam the tests here may open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from realtime.capture.devices import Camera
from tests.hardware.conftest import choose_webcam

VIVID = Camera("1", "vivid", "/dev/video1")
REAL = Camera("0", "Webcam", "/dev/video0")


@pytest.mark.parametrize("real", [False, True])
def test_the_test_driver_comes_first(real: bool) -> None:
    assert choose_webcam([REAL, VIVID], real=real) is VIVID


def test_a_real_one_is_opened_only_where_that_was_allowed() -> None:
    assert choose_webcam([REAL], real=True) is REAL
    with pytest.raises(pytest.skip.Exception, match="REALTIME_WEBCAM=1"):
        choose_webcam([REAL], real=False)


@pytest.mark.parametrize("camera", [replace(REAL, virtual=True), replace(REAL, problem="busy")])
def test_what_is_no_webcam_is_left_alone(camera: Camera) -> None:
    with pytest.raises(pytest.skip.Exception, match="no webcam here"):
        choose_webcam([camera], real=True)
