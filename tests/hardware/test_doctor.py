"""What the doctor says of real devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.capture.devices import Camera
from realtime.doctor import Check, diagnose
from tests.hardware.conftest import Cable

_EXCLUSIVE_CAPS = Path("/sys/module/v4l2loopback/parameters/exclusive_caps")


def _named(name: str) -> Check:
    (check,) = [check for check in diagnose() if check.name == name]
    return check


def test_a_webcam_and_what_it_is_opened_with(webcam: Camera) -> None:
    check = _named(f"camera {webcam.id}")
    assert check.status == "ok"
    assert check.found.startswith(f"{webcam.name}: ")
    assert " fps as " in check.found


def test_a_webcam_that_was_unplugged(cable: Cable) -> None:
    cable.unplug()
    assert _named("camera").status == "warning"
    cable.plug()


def test_a_virtual_camera_and_its_flags(loopback: str) -> None:
    if not _EXCLUSIVE_CAPS.read_text().startswith("Y"):
        pytest.skip("this one was made without exclusive_caps=1")
    check = _named("virtual camera")
    assert check.status == "ok"
    assert check.found.startswith(f"{loopback} (")
    assert "exclusive_caps=Y" in check.found
