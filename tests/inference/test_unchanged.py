"""When a network runs, and when its last answer will do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.frame import Float32, UInt8
from realtime.inference.model import Model
from realtime.inference.unchanged import LastAnswer
from tests.inference.networks import brightness_network, recurrent_network


class _Counted(Model):
    """Counts how often it runs."""

    runs = 0

    def __call__(self, picture: UInt8) -> Float32:
        self.runs += 1
        return super().__call__(picture)


@pytest.fixture
def model(tmp_path: Path) -> _Counted:
    path = tmp_path / "brightness.onnx"
    path.write_bytes(brightness_network())
    return _Counted(path, "cpu")


def _picture(level: int = 100) -> UInt8:
    return np.full((32, 48, 3), level, np.uint8)


def test_the_same_picture_needs_no_network(model: _Counted) -> None:
    answer = LastAnswer()
    first = answer(model, _picture())
    np.testing.assert_array_equal(answer(model, _picture()), first)
    assert model.runs == 1


def test_it_tells_whether_the_network_was_spared(model: _Counted) -> None:
    answer = LastAnswer()
    told = []
    for level in (1, 1, 2):
        answer(model, _picture(level))
        told.append(answer.again)
    answer(model, _picture(2))
    answer.forget()
    answer(model, _picture(2))
    assert [*told, answer.again] == [False, True, False, False]


def test_a_single_level_of_a_single_pixel_does(model: _Counted) -> None:
    answer = LastAnswer()
    answer(model, _picture())
    changed = _picture()
    changed[20, 30, 1] += 1
    assert answer(model, changed)[20, 30] > answer(model, _picture())[20, 30]
    assert model.runs == 3


def test_another_size_or_network_does(model: _Counted, tmp_path: Path) -> None:
    answer = LastAnswer()
    answer(model, _picture())
    assert answer(model, _picture()[:16]).shape == (16, 48)
    path = tmp_path / "half.onnx"
    path.write_bytes(brightness_network(scale=0.5))
    other = answer(Model(path, "cpu"), _picture()[:16])
    np.testing.assert_allclose(other, 50 / 255, atol=1e-6)


def test_a_network_that_remembers_always_runs(tmp_path: Path) -> None:
    path = tmp_path / "recurrent.onnx"
    path.write_bytes(recurrent_network())
    model, answer = Model(path, "cpu"), LastAnswer()
    first, second = (float(answer(model, _picture()).mean()) for _ in range(2))
    assert second > 1.5 * first
