"""Lent memory: used again, and never while somebody looks into it."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.frame import Planes
from realtime.output.buffers import Pool
from realtime.output.detached import _CAPACITY


def address(planes: Planes) -> int:
    return int(planes.y.__array_interface__["data"][0])


def test_planes_are_of_the_size_and_do_not_overlap() -> None:
    planes = Pool().planes(48, 64)
    assert [plane.shape for plane in planes] == [(48, 64), (24, 32), (24, 32)]
    for value, plane in enumerate(planes):
        plane.fill(value)
    assert [int(plane.min()) for plane in planes] == [0, 1, 2]
    assert [int(plane.max()) for plane in planes] == [0, 1, 2]


def test_steady_use_allocates_nothing() -> None:
    """A sink that holds the last two frames: three memories go round."""
    pool, seen = Pool(), set()
    held = [pool.planes(48, 64), pool.planes(48, 64)]
    for _ in range(50):
        held = [held[-1], pool.planes(48, 64)]
        seen.add(address(held[-1]))
    assert len(seen) == 3


def test_while_frames_wait_for_a_slow_file_nothing_is_allocated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that wait, the one being written, that of a window and that of the guard."""

    def fail(*_: object) -> None:
        raise AssertionError("allocated")

    pool = Pool()
    held = [pool.planes(48, 64) for _ in range(_CAPACITY + 3)]
    held.append(pool.planes(48, 64))
    del held[0]
    monkeypatch.setattr("numpy.empty", fail)
    for _ in range(50):
        held.append(pool.planes(48, 64))
        del held[0]


@pytest.mark.parametrize(
    "keep",
    [
        lambda planes: planes,
        lambda planes: planes.v,
        lambda planes: planes.y[3:5, ::2],
        lambda planes: memoryview(planes.u),
        lambda planes: np.asarray(planes.y).reshape(-1)[7:8],
    ],
    ids=["planes", "one plane", "a view", "a memoryview", "a view of a view"],
)
def test_memory_that_somebody_looks_into_is_not_lent(keep: object) -> None:
    pool = Pool()
    assert callable(keep)
    first = pool.planes(48, 64)
    where, kept = address(first), keep(first)
    del first
    # No more than a pool keeps, which would give up the first one.
    others = [pool.planes(48, 64) for _ in range(12)]
    assert where not in map(address, others)
    del kept, others
    assert where in [address(planes) for planes in [pool.planes(48, 64) for _ in range(13)]]


def test_another_size_is_another_memory() -> None:
    pool = Pool()
    large = address(pool.planes(96, 64))
    assert pool.plane(48, 64).shape == (48, 64)
    assert address(pool.planes(96, 64)) == large


NOTE = np.ones((2, 3), bool)


def test_a_note_is_read_once_by_whom_the_memory_is_lent_to_next() -> None:
    pool = Pool()
    planes, note = pool.planes_with_note(48, 64)
    assert note is None
    pool.leave_note(planes, NOTE)
    another = pool.planes_with_note(48, 64)
    assert another[1] is None
    at = address(planes)
    del planes
    planes, note = pool.planes_with_note(48, 64)
    assert address(planes) == at
    assert note is NOTE
    # Something was drawn, and nothing said of it.
    del planes
    assert pool.planes_with_note(48, 64)[1] is None


def test_lent_for_anything_else_memory_loses_its_note() -> None:
    pool = Pool()
    pool.leave_note(pool.planes(48, 64), NOTE)
    pool.planes(48, 64)
    assert pool.planes_with_note(48, 64)[1] is None


def test_notes_can_be_forgotten() -> None:
    pool = Pool()
    pool.leave_note(pool.planes(48, 64), NOTE)
    pool.forget_notes()
    assert pool.planes_with_note(48, 64)[1] is None
