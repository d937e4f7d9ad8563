"""What every test may use, and what every test must leave behind: nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2  # noqa: F401 - before PyAV, see realtime.media
import pytest

from tests.media import write_clip

# Seconds in which a daemon ends by itself: a reader that its driver held as its camera was closed.
_LET_GO = 10.0

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("realtime-")]
    for thread in left:
        if thread.daemon:
            thread.join(_LET_GO)
    running = [thread.name for thread in left if not thread.daemon or thread.is_alive()]
    assert not running, f"threads left running: {running}"


@pytest.fixture(autouse=True)
def _no_memory_of_this_machine(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test knows what another has measured, and none changes what the user's programs know."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A short H.264 clip with AAC sound."""
    return write_clip(tmp_path / "clip.mp4", audio="aac")


@pytest.fixture
def hanging(tmp_path: Path) -> str:
    """A program that takes any arguments, says nothing, and does not end."""
    path = tmp_path / "hanging"
    path.write_text("#!/bin/sh\nexec sleep 600\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and pictures beside the checkout."""
    if not _SHARED.is_dir():
        pytest.skip("no folder of real clips beside the checkout")
    return _SHARED


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Waits until something another thread does has come true; generously, not for long."""

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.01)

    return wait
