"""What is sent to a virtual camera, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import OutputError
from realtime.frame import ColorTags, Frame, VideoFormat
from realtime.output import loopback
from realtime.output.loopback import VideoNode
from realtime.output.virtual import VirtualCameraSink
from tests.media import gray_frame
from tests.output.virtual_cameras import FakePyvirtualcam, PixelFormat

WEBCAM = ColorTags(full_range=False, matrix=6)
FORMAT = VideoFormat(64, 48, Fraction(30), Fraction(1, 30), WEBCAM)
DEVICE = VideoNode("/dev/video10", "v4l2 loopback", "Dummy", captures=False, outputs=True)


@pytest.fixture(autouse=True)
def _devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """One virtual camera that can be used, whatever this machine has."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(loopback, "nodes", lambda: [DEVICE])
    monkeypatch.setattr(loopback, "query", lambda path: replace(DEVICE, path=path))


def _opened(module: FakePyvirtualcam, video: VideoFormat = FORMAT) -> VirtualCameraSink:
    sink = VirtualCameraSink(module=module)
    sink.open(video, transparent=False)
    return sink


def _frame(value: int, index: int = 0, rate: int = 30) -> Frame:
    return gray_frame(value, index, color=WEBCAM, time_base=Fraction(1, rate))


def test_the_planes_are_sent_as_they_are() -> None:
    module = FakePyvirtualcam()
    sink = _opened(module)
    frame = _frame(0)
    random = np.random.default_rng(1)
    for plane in frame.planes:
        plane[...] = random.integers(0, 256, plane.shape)
    sink.write(frame)
    sink.close()
    (camera,) = module.cameras
    assert (camera.size, camera.fps, camera.fmt) == ((64, 48), 30.0, PixelFormat.I420)
    assert (camera.device, camera.backend) == ("/dev/video10", "v4l2loopback")
    expected = np.concatenate([plane.reshape(-1) for plane in frame.planes])
    np.testing.assert_array_equal(camera.frames[0], expected)


def test_full_range_becomes_what_programs_take_a_webcam_for() -> None:
    module = FakePyvirtualcam()
    sink = _opened(module)
    for value in (0, 255):
        sink.write(replace(_frame(value, value), color=ColorTags(full_range=True, matrix=5)))
    sink.close()
    assert [frame[0] for frame in module.cameras[0].frames] == [16, 235]


def test_it_is_closed_once_and_the_device_left_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    healed: list[str] = []
    module = FakePyvirtualcam()
    sink = _opened(module)
    assert sink.device == "/dev/video10"
    assert sink.notes() == ("virtual camera /dev/video10: 64×48 at 30 fps",)
    monkeypatch.setattr(loopback, "heal", healed.append)
    sink.close()
    sink.abort()
    assert module.cameras[0].closed == 1
    assert healed == ["/dev/video10"]
    assert sink.device is None


def test_a_named_device_is_the_one_that_is_used() -> None:
    module = FakePyvirtualcam()
    sink = VirtualCameraSink("/dev/video7", module=module)
    sink.open(FORMAT, transparent=False)
    sink.close()
    assert module.cameras[0].device == "/dev/video7"


def test_elsewhere_pyvirtualcam_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    module = FakePyvirtualcam()
    sink = _opened(module)
    sink.close()
    assert module.cameras[0].backend is None


@pytest.mark.parametrize(
    ("system", "error", "message"),
    [
        ("Darwin", RuntimeError("'obs' backend: not found"), "install OBS Studio"),
        ("Windows", RuntimeError("'obs' backend: not found"), "install OBS Studio"),
        ("Linux", RuntimeError("Unexpected output format"), "choose its --size"),
        ("Linux", RuntimeError("broken"), "/dev/video10: cannot be opened .broken."),
    ],
)
def test_a_camera_that_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, system: str, error: Exception, message: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    sink = VirtualCameraSink(module=FakePyvirtualcam(error))
    with pytest.raises(OutputError, match=message) as caught:
        sink.open(FORMAT, transparent=False)
    assert "\n" not in str(caught.value)
    sink.abort()


def test_a_virtual_camera_cannot_be_transparent() -> None:
    sink = VirtualCameraSink(module=FakePyvirtualcam())
    with pytest.raises(OutputError, match="--background"):
        sink.open(FORMAT, transparent=True)


def test_without_exclusive_caps_it_says_what_will_not_list_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = replace(DEVICE, captures=True)
    monkeypatch.setattr(loopback, "query", lambda path: both)
    sink = _opened(FakePyvirtualcam())
    assert "exclusive_caps=1" in sink.notes()[0]
    sink.close()


class TestDevices:
    @pytest.fixture
    def node(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Makes the device be of some kind, or fail to open."""

        def become(answer: VideoNode | OSError) -> None:
            def query(path: str) -> VideoNode:
                if isinstance(answer, OSError):
                    raise answer
                return answer

            monkeypatch.setattr(loopback, "query", query)

        return become

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (replace(DEVICE, captures=True, outputs=False), "another program is sending"),
            (replace(DEVICE, driver="uvcvideo", card="Webcam"), "is Webcam .uvcvideo. and not a"),
            (PermissionError(13, "Permission denied"), "usermod -aG video"),
            (OSError(16, "Device or resource busy"), "another program is sending"),
            (OSError(25, "Inappropriate ioctl for device"), "not a video device"),
            (FileNotFoundError(2, "No such file"), "no such device; choose /dev/video10"),
        ],
    )
    def test_what_keeps_one_from_being_used(
        self, node: Callable[..., None], answer: VideoNode | OSError, message: str
    ) -> None:
        node(answer)
        with pytest.raises(OutputError, match=message):
            loopback.usable("/dev/video3")

    def test_the_first_that_can_be_used_is_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        webcam = replace(DEVICE, path="/dev/video0", driver="uvcvideo")
        busy = replace(DEVICE, path="/dev/video1", captures=True, outputs=False)
        known = {node.path: node for node in (webcam, busy, DEVICE)}
        monkeypatch.setattr(loopback, "query", lambda path: known[path])
        assert loopback.first_usable([webcam, busy, DEVICE]) == DEVICE
        with pytest.raises(OutputError, match="/dev/video1: another program"):
            loopback.first_usable([webcam, busy])

    def test_where_there_is_none_it_says_how_to_get_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loopback, "_forbidden", lambda: None)
        with pytest.raises(OutputError, match=r"no virtual camera here; .* with '"):
            loopback.first_usable([])

    def test_only_a_useless_device_is_healed(
        self, monkeypatch: pytest.MonkeyPatch, node: Callable[..., None], tmp_path: Path
    ) -> None:
        opened: list[str] = []

        def open_device(path: str) -> int:
            opened.append(path)
            raise OSError

        monkeypatch.setattr("realtime.capture.v4l2.open_device", open_device)
        for captures, outputs in [(True, False), (False, True), (True, True)]:
            node(replace(DEVICE, captures=captures, outputs=outputs))
            loopback.heal("/dev/video10")
        node(replace(DEVICE, captures=False, outputs=False, driver="uvcvideo"))
        loopback.heal("/dev/video10")
        assert opened == []
        node(replace(DEVICE, captures=False, outputs=False))
        loopback.heal("/dev/video10")
        assert opened == ["/dev/video10"]

    @pytest.mark.parametrize(
        ("release", "command"),
        [
            ("ID=debian\n", "sudo apt install v4l2loopback-dkms"),
            ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt install v4l2loopback-dkms"),
            ("ID=fedora\n", "dnf install akmod-v4l2loopback"),
            ('ID=manjaro\nID_LIKE="arch"\n', "pacman -S v4l2loopback-dkms"),
            ("", "package manager"),
        ],
    )
    def test_how_to_get_one_on_this_system(
        self, tmp_path: Path, release: str, command: str
    ) -> None:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/os-release").write_text(release)
        told = loopback.how_to_get_one(tmp_path)
        assert command in told
        assert "modprobe v4l2loopback exclusive_caps=1 card_label=" in told

    def test_a_module_that_is_there_needs_no_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("platform.release", lambda: "6.1.0")
        folder = tmp_path / "lib/modules/6.1.0"
        folder.mkdir(parents=True)
        (folder / "modules.dep").write_text("updates/dkms/v4l2loopback.ko.xz: kernel/x.ko\n")
        assert loopback.how_to_get_one(tmp_path).startswith("load it with 'sudo modprobe")
