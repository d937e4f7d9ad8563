"""What is measured."""

from __future__ import annotations

import pytest

from realtime.bench.case import Case
from realtime.bench.material import write_demo


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A second of a small demo."""
    path = tmp_path_factory.mktemp("bench") / "small.mp4"
    write_demo(path, 320, 180, 0.5)
    return Case(str(path), "fast", "cpu", None, 0.5, (30.0,))
