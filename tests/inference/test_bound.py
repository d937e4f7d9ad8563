"""Runs in memory that stays."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from realtime.frame import Float32
from realtime.inference.bound import BoundRun
from realtime.inference.model import Model
from tests.inference.networks import brightness_network


def _tensor(level: float, size: tuple[int, int] = (4, 6)) -> Float32:
    return np.full((1, 3, *size), level, np.float32)


@pytest.fixture
def run() -> BoundRun:
    session = ort.InferenceSession(brightness_network(), providers=["CPUExecutionProvider"])
    return BoundRun(session, "image", "alpha")


def test_a_picture_written_into_the_same_memory_is_seen(run: BoundRun) -> None:
    tensor = _tensor(0.25)
    first = run(tensor)
    assert first.shape == (1, 1, 4, 6)
    assert first == pytest.approx(0.25)
    tensor.fill(0.75)
    second = run(tensor)
    assert second == pytest.approx(0.75)
    assert second is first


def test_other_memory_and_other_sizes_are_bound_anew(run: BoundRun) -> None:
    small = _tensor(0.5)
    assert run(small) == pytest.approx(0.5)
    large = run(_tensor(0.125, (8, 6)))
    assert large.shape == (1, 1, 8, 6)
    assert large == pytest.approx(0.125)
    small.fill(1)
    assert run(small) == pytest.approx(1)
    assert run(small).shape == (1, 1, 4, 6)


def test_an_alpha_that_somebody_holds_is_not_written_to() -> None:
    model = Model("fast", "cpu")
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(3)]
    held = [model(picture) for picture in pictures]
    assert not any(np.shares_memory(held[0], other) for other in held[1:])
    # And they are what an unbound network says.
    for picture, alpha in zip(pictures, held, strict=True):
        assert np.array_equal(Model("fast", "cpu")(picture), alpha)
