"""Counting the readers of a virtual camera on a system that does not say."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from realtime.errors import OutputError
from realtime.output import readers
from realtime.output.readers import Holders, UsageEvents, holders

PATH = "/dev/video10"


def test_without_a_list_of_processes_it_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "holders", partial(holders, proc=tmp_path / "gone"))
    with Holders(PATH) as count, pytest.raises(OutputError) as refused:
        count()
    assert str(refused.value) == (
        f"{PATH}: cannot tell who watches it (No such file or directory); leave --on-demand out"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the driver is Linux's")
class TestUsageEvents:
    @pytest.fixture
    def count(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[UsageEvents]:
        """Of a driver that let itself be subscribed to, and has something to say."""
        monkeypatch.setattr(
            "realtime.output.readers.v4l2.open_device", lambda _: os.open(os.devnull, os.O_RDONLY)
        )
        monkeypatch.setattr("realtime.output.readers.fcntl.ioctl", lambda *_: 0)
        with UsageEvents(PATH) as made:
            made._poll = SimpleNamespace(poll=lambda _: [(0, 0)])  # type: ignore[assignment]
            yield made

    def _failing(self, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
        def fail(*_: object) -> None:
            raise OSError(error, os.strerror(error))

        monkeypatch.setattr("realtime.output.readers.fcntl.ioctl", fail)

    @pytest.mark.parametrize("error", [errno.ENODEV, errno.ENXIO])
    def test_nobody_watches_a_device_that_is_gone(
        self, count: UsageEvents, monkeypatch: pytest.MonkeyPatch, error: int
    ) -> None:
        count._count = 2
        self._failing(monkeypatch, error)
        assert count() == 0

    def test_any_other_failure_is_told_with_what_to_do(
        self, count: UsageEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._failing(monkeypatch, errno.EIO)
        with pytest.raises(OutputError, match=rf"^{PATH}: .*Input/output error.*; leave "):
            count()

    def test_an_empty_queue_changes_nothing(
        self, count: UsageEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        count._count = 2
        self._failing(monkeypatch, errno.ENOENT)
        assert count() == 2
