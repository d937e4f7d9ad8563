"""`realtime cameras`."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from click.testing import CliRunner

from realtime.capture.devices import Camera
from realtime.capture.modes import Mode
from realtime.commands.cameras import cameras

WEBCAM = Camera(
    "0",
    "HD Webcam",
    "/dev/video0",
    modes=(
        Mode("YUYV", 640, 480, (Fraction(30), Fraction(15))),
        Mode("YUYV", 1280, 720, (Fraction(10),)),
        Mode("MJPG", 1280, 720, (Fraction(30000, 1001),)),
    ),
)
PHONE = Camera("10", "Phone", "/dev/video10", modes=(Mode("YU12", 640, 480),), virtual=True)
LOCKED = Camera("2", "Locked", "/dev/video2", problem="no permission for /dev/video2")


def _run(monkeypatch: pytest.MonkeyPatch, found: tuple[Camera, ...], *arguments: str) -> str:
    monkeypatch.setattr("realtime.capture.devices.list_cameras", lambda: found)
    result = CliRunner().invoke(cameras, arguments)
    assert result.exit_code == 0
    return result.output


def test_cameras_are_told_with_what_they_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, (WEBCAM, LOCKED, PHONE)).splitlines() == [
        "0  HD Webcam (/dev/video0)",
        "   YUYV  640×480 at 30, 1280×720 at 10",
        "   MJPG  1280×720 at 29.97",
        "2  Locked (/dev/video2)",
        "   no permission for /dev/video2",
        "10  Phone (/dev/video10), a virtual camera",
        "   YU12  640×480",
    ]


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ("linux", "   does not tell its formats; its driver chooses one when it is opened"),
        (
            "win32",
            "   formats cannot be asked for on this system; --size and --fps choose one when it is "
            "opened",
        ),
    ],
)
def test_a_camera_without_formats_says_why(
    monkeypatch: pytest.MonkeyPatch, system: str, told: str
) -> None:
    monkeypatch.setattr("realtime.capture.devices.sys.platform", system)
    lines = _run(monkeypatch, (replace(WEBCAM, modes=()), LOCKED)).splitlines()
    assert lines[1] == told
    assert lines[2:] == ["2  Locked (/dev/video2)", "   no permission for /dev/video2"]


def test_json_has_a_line_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _run(monkeypatch, (WEBCAM, LOCKED), "--json").splitlines()
    webcam, locked = (json.loads(line) for line in lines)
    assert webcam["id"] == "0"
    assert webcam["modes"][0] == {
        "pixels": "YUYV",
        "width": 640,
        "height": 480,
        "rates": [30.0, 15.0],
    }
    assert webcam["modes"][2]["rates"] == [29.97]
    assert locked["problem"] == "no permission for /dev/video2"
    assert locked["modes"] == []


def test_without_a_camera_there_is_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--camera demo" in _run(monkeypatch, ())
    assert _run(monkeypatch, (), "--json") == ""
