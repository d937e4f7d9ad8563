"""The camera is open only while somebody watches."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from realtime.demand import Demand, DemandWatcher
from realtime.errors import SettingsError
from realtime.live import run_live
from realtime.output.readers import holders


class Camera:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def pause(self) -> None:
        self.events.append("pause")

    def resume(self) -> None:
        self.events.append("resume")


@pytest.fixture
def camera() -> Camera:
    return Camera()


def test_it_is_opened_for_the_first_reader_and_let_go_after_the_last(camera: Camera) -> None:
    demand = Demand(camera)  # type: ignore[arg-type] # pausing is all that is asked of it
    for now, readers in enumerate([0, 0, 1, 2, 1, 0, 0, 0, 0, 0]):
        demand.tell(readers, float(now))
        expected = [] if now < 2 else ["resume"] if now < 7 else ["resume", "pause"]
        assert camera.events == expected
    demand.tell(1, 20.0)
    assert camera.events == ["resume", "pause", "resume"]


def test_a_reader_who_only_opens_it_anew_does_not_switch_the_light(camera: Camera) -> None:
    demand = Demand(camera)  # type: ignore[arg-type]
    for now in range(20):
        demand.tell(now % 2, float(now))
    assert camera.events == ["resume"]


def test_whoever_has_it_open_is_counted(tmp_path: Path) -> None:
    device = tmp_path / "video10"
    for process, targets in {
        "100": [device],
        "101": [tmp_path / "other"],
        "102": [tmp_path / "other", device, device],
        str(os.getpid()): [device],
        "self": [device],
    }.items():
        handles = tmp_path / "proc" / process / "fd"
        handles.mkdir(parents=True)
        for number, target in enumerate(targets):
            (handles / str(number)).symlink_to(target)
    (tmp_path / "proc" / "103").mkdir()
    assert holders(str(device), tmp_path / "proc") == 2


def test_looking_that_fails_ends_the_run_and_is_told(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: str) -> None:
        raise OSError("no such device")

    monkeypatch.setattr("realtime.demand.readers_of", broken)
    monkeypatch.setattr("realtime.demand._INTERVAL", 0.001)
    stopped: list[bool] = []
    watcher = DemandWatcher(
        lambda: ["/dev/video10"],
        camera,  # type: ignore[arg-type]
        lambda: stopped.append(True),
    )
    watcher.start()
    watcher._worker.wait(10)
    with pytest.raises(OSError, match="no such device"):
        watcher.close()
    watcher.close()
    assert stopped == [True]


def test_a_reader_of_any_of_several_outputs_wants_the_camera(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = {"/dev/video10": 0, "/dev/video11": 0}

    @contextmanager
    def readers_of(path: str) -> Iterator[Callable[[], int]]:
        yield lambda: readers[path]

    monkeypatch.setattr("realtime.demand.readers_of", readers_of)
    monkeypatch.setattr("realtime.demand._INTERVAL", 0.001)
    opened: list[str] = []
    with DemandWatcher(lambda: opened, camera, lambda: None) as watcher:  # type: ignore[arg-type]
        watcher.start()
        opened += readers
        readers["/dev/video11"] = 1
        deadline = time.monotonic() + 10
        while not camera.events:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert camera.events == ["resume"]


def test_without_a_virtual_camera_there_is_nobody_to_wait_for() -> None:
    options = {"camera": "demo", "outputs": ["null"], "on_demand": True, "seconds": 0.1}
    with pytest.raises(SettingsError, match="--output virtual"):
        run_live(options)
