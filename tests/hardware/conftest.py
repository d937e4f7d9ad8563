"""Devices for the tests here: a webcam and a virtual camera of Linux's.

The webcam is the kernel's test driver (`modprobe vivid`), which alone can be unplugged by program,
or a real one where REALTIME_WEBCAM=1 says that these tests may open it; the virtual camera is
v4l2loopback's (`modprobe v4l2loopback exclusive_caps=1`). What a machine lacks is skipped, with the
reason.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from realtime.capture.devices import Camera, list_cameras
from realtime.output import loopback as loopbacks

_VIVID = Path("/sys/bus/platform/drivers/vivid")
_VIVID_DEVICE = "vivid.0"
_VIVID_NAME = "vivid"


@pytest.fixture
def webcam() -> Camera:
    """A camera that shows what is before it."""
    if sys.platform != "linux":
        pytest.skip("these tests know the ways of Linux")
    return choose_webcam(list_cameras(), real=os.environ.get("REALTIME_WEBCAM") == "1")


def choose_webcam(cameras: Sequence[Camera], *, real: bool) -> Camera:
    """The test driver's camera; where there is none, a real one if these tests may open it."""
    there = [c for c in cameras if not c.virtual and c.problem is None]
    for camera in sorted(there, key=lambda camera: camera.name != _VIVID_NAME):
        if real or camera.name == _VIVID_NAME:
            return camera
    if there:
        # Nobody's room is to be filmed because they run the tests.
        pytest.skip("set REALTIME_WEBCAM=1 to have a real webcam opened; or 'modprobe vivid'")
    pytest.skip("no webcam here; 'modprobe vivid' makes one")


@pytest.fixture
def test_picture(webcam: Camera) -> Camera:
    """A camera that shows a still picture of colour bars, but for some writing in it."""
    if webcam.name != _VIVID_NAME:
        pytest.skip("a real webcam's picture cannot be foretold; 'modprobe vivid' makes one")
    return webcam


@pytest.fixture
def loopback() -> str:
    """The path of a virtual camera that nothing sends to."""
    for node in loopbacks.nodes():
        if node.is_loopback:
            loopbacks.heal(node.path)
            return node.path
    pytest.skip("no virtual camera here; 'modprobe v4l2loopback exclusive_caps=1' makes one")


class Cable:
    """Unplugs the webcam and plugs it in again, as far as its driver can tell."""

    def unplug(self) -> None:
        (_VIVID / "unbind").write_text(_VIVID_DEVICE)

    def plug(self) -> None:
        (_VIVID / "bind").write_text(_VIVID_DEVICE)


@pytest.fixture
def cable(test_picture: Camera) -> Iterator[Cable]:
    if not os.access(_VIVID / "unbind", os.W_OK):
        pytest.skip("only root can unplug a webcam by program")
    yield Cable()
    if not (_VIVID / _VIVID_DEVICE).exists():
        Cable().plug()
