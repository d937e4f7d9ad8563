"""What a picture is in memory."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.frame import Planes


def _filled(planes: Planes) -> Planes:
    random = np.random.default_rng(0)
    for plane in planes:
        plane[:] = random.integers(0, 256, plane.shape, np.uint8)
    return planes


@pytest.mark.parametrize("size", [(2, 2), (270, 480), (48, 66)])
def test_planes_behind_each_other_are_one_array_without_a_copy(size: tuple[int, int]) -> None:
    planes = _filled(Planes.empty(*size))
    packed = planes.packed
    assert packed is not None
    assert packed.shape == (size[0] * 3 // 2, size[1])
    assert packed.tobytes() == b"".join(plane.tobytes() for plane in planes)
    assert all(np.shares_memory(packed, plane) for plane in planes)


@pytest.mark.parametrize(
    "planes",
    [
        Planes(*(plane.copy() for plane in Planes.empty(8, 8))),
        Planes(*(plane[:, :4] for plane in Planes.empty(8, 16))),
        Planes(*(Planes.empty(8, 8)[index] for index in (0, 2, 1))),
        Planes(Planes.empty(8, 8).y, *Planes.empty(8, 8)[1:]),
        Planes(*(plane[::-1] for plane in Planes.empty(8, 8))),
        Planes(*(np.frombuffer(bytes(96), np.uint8)[:64].reshape(8, 8) for _ in range(3))),
    ],
    ids=["apart", "padded", "V first", "two pictures", "upside down", "one plane"],
)
def test_others_are_not(planes: Planes) -> None:
    assert planes.packed is None
