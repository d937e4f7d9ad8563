"""What only a GPU can show; elsewhere these are skipped, and say why."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from realtime.frame import Float32
from realtime.inference import session
from realtime.inference.adaptive import AdaptiveMatting
from realtime.inference.device_graph import DeviceGraph
from realtime.inference.matting import Matting
from realtime.inference.model import Model, Shape, _embedded_file, open_beside
from realtime.inference.preprocess import network_picture
from realtime.inference.thumbnail import Thumbnail
from tests.media import portrait_frame

_OBSTACLE = session.cuda_obstacle()

pytestmark = pytest.mark.skipif(_OBSTACLE is not None, reason=f"no CUDA: {_OBSTACLE}")

# As many as are kept: what was captured of each is called again.
_SIZES = [(1920, 1080), (1280, 720), (1080, 1920), (640, 480)]


def _apart(alpha: Float32, expected: Float32) -> float:
    """Mean difference in levels of 255."""
    assert alpha.shape == expected.shape
    return 255 * float(np.abs(alpha - expected).mean())


@pytest.fixture(scope="module", params=["fast", "quality"])
def opened(request: pytest.FixtureRequest) -> Model:
    return Model(request.param, "cuda", Shape(*_SIZES[0]))


def test_it_computes_and_captures_each_frame_as_a_graph(opened: Model) -> None:
    assert opened.provider == session.CUDA
    assert opened.graph is not None
    assert opened.graph.way == "captured", opened.provider_reason
    assert opened.provider_reason == "CUDA works, a frame is one captured graph"


def test_alphas_and_thumbnails_are_those_of_the_cpu(opened: Model) -> None:
    """In the sizes of several videos, in turn, and each of them twice."""
    cpu = Model(f"{opened.name}-float", "cpu")
    for index, size in enumerate([*_SIZES, *_SIZES]):
        frame = portrait_frame(size, index)
        shown = opened.size_for(*size)
        assert opened.ready_for(frame.planes, shown) == (index == 0 or index >= len(_SIZES))
        alpha = opened.of_planes(frame.planes, frame.color, shown)
        picture = network_picture(frame, shown)
        assert _apart(alpha, cpu(picture)) < 2
        for plane, same in zip(opened.thumbnail(), Thumbnail.of_rgb(picture), strict=True):
            apart = np.abs(plane.astype(int) - same)
            assert apart.mean() < 0.6
            assert apart.max() <= 3
    assert opened.provider_reason.endswith("captured graph")


def test_pictures_are_matted_as_on_the_cpu(opened: Model) -> None:
    cpu = Model(f"{opened.name}-float", "cpu")
    picture = network_picture(portrait_frame((1280, 720)), opened.size_for(1280, 720))
    assert _apart(opened(picture), cpu(picture)) < 2


@pytest.mark.parametrize("way", ["captured", "bound", "plain"])
def test_every_way_gives_the_same(way: str) -> None:
    frame, size = portrait_frame((1280, 720)), (288, 192)
    matrix = np.eye(3, 4)
    expected = DeviceGraph(_embedded_file("fast_cuda.onnx"), "cpu")(frame.planes, matrix, size)
    graph = DeviceGraph(_embedded_file("fast_cuda.onnx"), "cuda", [way])  # type: ignore[list-item]
    for _ in range(3):
        assert _apart(graph(frame.planes, matrix, size), expected) < 2


def test_video_is_matted_as_on_the_cpu() -> None:
    with Matting("quality", "cuda") as ours, Matting("quality", "cpu") as cpu:
        ours.warm_up(1280, 720)
        for index in range(4):
            frame = portrait_frame((1280, 720), index)
            assert _apart(ours.matte(frame).alpha, cpu.matte(frame).alpha) < 2


def test_live_video_is_matted() -> None:
    with AdaptiveMatting("default", "cuda", frame_rate=30, frame_size=(1280, 720)) as matting:
        matting.warm_up(1280, 720)
        matting.governed = False
        for index in range(3):
            frame = portrait_frame((1280, 720), index)
            alpha = matting.matte(replace(frame, pts=frame.index)).alpha
            assert 0.02 < alpha.mean() < 0.9
        assert matting.provider_reason.endswith("captured graph")


def test_twins_take_turns() -> None:
    quality = Model("quality", "cuda")
    beside, alone = open_beside([quality], "balanced", "cuda"), Model("balanced", "cuda")
    assert beside._session is quality._session
    frame = portrait_frame((1280, 720))
    for _ in range(2):
        for model in (quality, beside):
            alpha = model.of_planes(frame.planes, frame.color, model.signature.size_for(16, 9))
        assert _apart(alpha, alone.of_planes(frame.planes, frame.color, (512, 288))) < 0.1


def test_two_at_once_in_threads_of_their_own() -> None:
    """While one captures, the other copies and runs."""

    def run(name: str) -> list[Float32]:
        with Matting(name, "cuda", smoothing=False) as matting:
            alphas = [
                matting.matte(portrait_frame(_SIZES[index % 3], index)).alpha for index in range(30)
            ]
            assert matting.provider_reason.endswith("captured graph"), matting.provider_reason
        return alphas

    portrait_frame()  # so that it is decoded once
    names = ["fast", "quality"]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(run, names))
    for name, alphas in zip(names, together, strict=True):
        for alpha, expected in zip(alphas, run(name), strict=True):
            assert _apart(alpha, expected) < 0.1


def test_another_thread_may_go_on() -> None:
    """A run warms up in one thread and mattes in another."""
    frame = portrait_frame((1280, 720))
    with Matting("fast", "cuda", smoothing=False) as matting, ThreadPoolExecutor(1) as pool:
        expected = matting.matte(frame).alpha
        for _ in range(2):
            assert _apart(pool.submit(matting.matte, frame).result().alpha, expected) < 0.1
        assert matting.provider_reason.endswith("captured graph")


def test_closing_frees_the_device() -> None:
    def used() -> int:
        query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        try:
            return int(subprocess.check_output(query, text=True).splitlines()[0])
        except (OSError, ValueError, subprocess.CalledProcessError):
            pytest.skip("nvidia-smi does not tell how much memory is used")

    def once() -> None:
        with Matting("quality", "cuda") as matting:
            matting.matte(portrait_frame((1920, 1080)))

    once()
    before = used()
    for _ in range(4):
        once()
    assert used() - before < 100, "in MiB; one session takes that much"
