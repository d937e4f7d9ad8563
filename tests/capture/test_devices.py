"""Finding a camera, and saying what is wrong with one."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.device import DeviceInfo

from realtime.capture.modes import Mode
from realtime.errors import SourceError

if sys.platform != "linux":
    pytest.skip("device files are Linux's", allow_module_level=True)

from realtime.capture import devices, v4l2
from realtime.capture.devices import Camera, find_again, find_camera, list_cameras

MODE = Mode("YUYV", 640, 480, (Fraction(30),))


class Desk:
    """A computer with video devices; each is its capabilities, or what opening it raises."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self._devices: dict[str, v4l2.Capabilities | OSError] = {}
        monkeypatch.setattr(devices, "_DEVICES", folder)
        monkeypatch.setattr(v4l2, "open_device", self._open)
        monkeypatch.setattr(v4l2, "capabilities", lambda fd: self._able(self._open_files[fd]))
        monkeypatch.setattr(v4l2, "modes", lambda _fd, _wanted=None: iter([MODE]))
        self._open_files: dict[int, str] = {}

    def plug(
        self,
        number: int,
        name: str = "Webcam",
        *,
        driver: str = "uvcvideo",
        bus: str = "usb-1",
        captures: bool = True,
    ) -> str:
        return self._put(number, v4l2.Capabilities(driver, name, bus, captures, not captures))

    def plug_broken(self, number: int, error: int) -> str:
        return self._put(number, OSError(error, os.strerror(error)))

    def _put(self, number: int, device: v4l2.Capabilities | OSError) -> str:
        path = self.folder / f"video{number}"
        path.touch()
        self._devices[str(path)] = device
        return str(path)

    def unplug(self, number: int) -> None:
        path = self.folder / f"video{number}"
        path.unlink()
        del self._devices[str(path)]

    def _open(self, path: str) -> int:
        device = self._devices.get(path, OSError(errno.ENOENT, "No such file or directory"))
        if isinstance(device, OSError):
            raise device
        fd = os.open(os.devnull, os.O_RDONLY)
        self._open_files[fd] = path
        return fd

    def _able(self, path: str) -> v4l2.Capabilities:
        device = self._devices[path]
        assert isinstance(device, v4l2.Capabilities)
        if not device.name:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        return device


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def _complaint(call: Callable[[], object]) -> str:
    with pytest.raises(SourceError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_cameras_are_listed_in_order_and_other_devices_are_not(desk: Desk) -> None:
    desk.plug(10, "Phone", driver="v4l2 loopback")
    desk.plug(1, "HD Webcam", captures=False)  # its node for metadata
    desk.plug(0, "HD Webcam")
    desk.plug_broken(3, errno.ENXIO)
    (desk.folder / "video_decoder").touch()
    assert [(camera.id, camera.name, camera.virtual) for camera in list_cameras()] == [
        ("0", "HD Webcam", False),
        ("10", "Phone", True),
    ]
    assert {camera.modes for camera in list_cameras()} == {(MODE,)}


def test_listing_leaves_no_device_open(desk: Desk) -> None:
    desk.plug(0)
    desk.plug(1, captures=False)
    desk.plug(2, name="")
    before = len(os.listdir("/proc/self/fd"))
    list_cameras()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_camera_that_may_not_be_opened_is_listed_with_the_remedy(desk: Desk) -> None:
    desk.plug_broken(0, errno.EACCES)
    (camera,) = list_cameras()
    assert camera.modes == ()
    assert camera.problem is not None
    assert "usermod -aG" in camera.problem


@pytest.mark.parametrize("when", ["opened", "asked"])
def test_a_camera_that_fails_is_listed_with_what_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def fail(_fd: int, _wanted: tuple[int, int] | None = None) -> list[Mode]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    if when == "opened":
        path = desk.plug_broken(0, errno.EIO)
    else:
        path = desk.plug(0)
        monkeypatch.setattr(v4l2, "modes", fail)
    (camera,) = list_cameras()
    assert camera.problem == f"camera 0: {path} fails: Input/output error; plug it in anew"


@pytest.mark.parametrize("error", [errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTTY])
def test_what_is_gone_or_no_camera_is_not_listed(desk: Desk, error: int) -> None:
    desk.plug_broken(0, error)
    assert list_cameras() == ()


def test_a_camera_has_many_names(desk: Desk) -> None:
    path = desk.plug(2, "Logitech BRIO")
    for name in ("2", path, "brio", "Logitech BRIO"):
        assert find_camera(name).path == path


def test_a_missing_camera_names_those_that_exist(desk: Desk) -> None:
    desk.plug(2, "HD Webcam")
    for name in ("0", "/dev/video0", "logitech"):
        complaint = _complaint(lambda name=name: find_camera(name))  # type: ignore[misc]
        assert complaint.startswith(f"camera {name}: there is no ")
        assert complaint.endswith("; choose --camera 2 (HD Webcam)")


def test_without_any_camera_there_is_the_demo(desk: Desk) -> None:
    assert _complaint(lambda: find_camera("0")).endswith(
        "use --camera demo: no other camera is plugged in"
    )


def test_a_camera_in_use_names_who_has_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.plug_broken(0, errno.EBUSY)
    desk.plug(1, "Other")
    monkeypatch.setattr(devices, "holders", lambda asked: ["zoom (process 42)"] * (asked == path))
    complaint = _complaint(lambda: find_camera("0"))
    assert "is in use by zoom (process 42); close it, or choose --camera 1 (Other)" in complaint
    monkeypatch.setattr(devices, "holders", lambda _path: [])
    assert "in use; close the program that uses it" in _complaint(lambda: find_camera("0"))


def test_no_permission_names_the_group(desk: Desk) -> None:
    path = desk.plug_broken(0, errno.EACCES)
    assert f"no permission for {path}; run 'sudo usermod -aG " in _complaint(
        lambda: find_camera("0")
    )


@pytest.mark.parametrize("number", [errno.ENODEV, errno.ENXIO])
def test_a_dead_node_is_an_unplugged_camera(desk: Desk, number: int) -> None:
    desk.plug_broken(0, number)
    assert "is unplugged; plug it in again" in _complaint(lambda: find_camera("0"))


def test_what_is_no_camera_says_so(desk: Desk) -> None:
    desk.plug(0, name="")
    assert "is no camera" in _complaint(lambda: find_camera("0"))
    desk.plug(1, "Webcam", captures=False)
    assert "(Webcam) does not capture" in _complaint(lambda: find_camera("1"))


def test_an_idle_virtual_camera_says_what_it_waits_for(desk: Desk) -> None:
    desk.plug(0, "OBS", driver="v4l2 loopback", captures=False)
    assert "(OBS) is a virtual camera that no program sends to; start" in _complaint(
        lambda: find_camera("0")
    )


def test_a_replugged_camera_is_found_at_its_place_or_by_its_port(desk: Desk) -> None:
    desk.plug(0, "HD Webcam", bus="usb-1")
    camera = find_camera("0")
    desk.unplug(0)
    assert "waiting for it to return" in _complaint(lambda: find_again(camera))
    moved = desk.plug(3, "HD Webcam", bus="usb-1")
    assert find_again(camera).path == moved
    desk.unplug(3)
    back = desk.plug(0, "HD Webcam", bus="usb-2")
    assert find_again(camera).path == back


def test_another_camera_is_not_the_one_that_went(desk: Desk) -> None:
    """A second one of the same make shows another room."""
    desk.plug(0, "HD Webcam", bus="usb-1")
    camera = find_camera("0")
    desk.unplug(0)
    desk.plug(1, "HD Webcam", bus="usb-2")
    assert "waiting" in _complaint(lambda: find_again(camera))
    desk.plug(0, "Other Webcam", bus="usb-1")
    assert "waiting" in _complaint(lambda: find_again(camera))


def test_holders_are_found_by_their_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_PROCESSES", tmp_path)
    for process, name, opened in (
        (7001, "zoom", "/dev/null"),
        (7002, "bash", "/dev/zero"),
        (7003, "editor", "/etc/hostname"),
        (os.getpid(), "ourselves", "/dev/null"),
    ):
        handles = tmp_path / str(process) / "fd"
        handles.mkdir(parents=True)
        (handles.parent / "comm").write_text(f"{name}\n")
        (handles / "0").symlink_to(opened)
        (handles / "1").symlink_to("socket:[12345]")
    (tmp_path / "meminfo").touch()
    (tmp_path / "7004").mkdir()  # somebody else's: may not be looked into
    assert devices.holders("/dev/null") == ["zoom (process 7001)"]
    assert devices.holders("/dev/gone") == []


def test_errors_that_another_reader_may_not_have_are_told_apart(desk: Desk) -> None:
    camera = Camera("0", "Webcam", desk.plug(0))
    for number in (errno.EBUSY, errno.EACCES, errno.ENODEV):
        error = devices.cannot_open(camera, OSError(number, os.strerror(number)))
        assert not isinstance(error, devices.OddCameraError)
    odd = devices.cannot_open(camera, OSError(errno.EIO, "Input/output error"))
    assert isinstance(odd, devices.OddCameraError)
    assert "Input/output error" in str(odd)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.capture.devices.sys.platform", "darwin")


@pytest.mark.usefixtures("elsewhere")
def test_elsewhere_ffmpeg_knows_the_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        DeviceInfo("0", "FaceTime HD Camera", True, ["video"]),
        DeviceInfo("0", "Microphone", True, ["audio"]),
        DeviceInfo("1", "BRIO", False, []),
    ]
    monkeypatch.setattr(av.device, "enumerate_input_devices", lambda _system: found)
    assert [(camera.id, camera.name, camera.path) for camera in list_cameras()] == [
        ("0", "FaceTime HD Camera", "0"),
        ("1", "BRIO", "1"),
    ]
    assert find_camera("1") == find_camera("brio")
    assert find_again(find_camera("1")) == find_camera("1")
    assert "choose --camera 0 (FaceTime HD Camera) or 1 (BRIO)" in _complaint(
        lambda: find_camera("2")
    )
    refused = devices.cannot_open(find_camera("1"), OSError(errno.EIO, "Input/output error"))
    assert "privacy settings" in str(refused)
    assert isinstance(refused, devices.OddCameraError)


@pytest.mark.usefixtures("elsewhere")
def test_elsewhere_there_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_system: str) -> list[DeviceInfo]:
        raise av.error.ExternalError(1, "Generic error in an external library")

    monkeypatch.setattr(av.device, "enumerate_input_devices", refuse)
    assert list_cameras() == ()
    monkeypatch.setattr("realtime.capture.devices.sys.platform", "plan9")
    assert list_cameras() == ()
