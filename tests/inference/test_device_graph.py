"""Planes in, alpha out: what runs on a device, run here on the CPU."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx.compose import add_prefix

from models.planes import take_planes
from realtime.capture.demo import DemoSource
from realtime.color import planes_to_rgb, rgb_to_planes, yuv_to_rgb_matrix
from realtime.errors import DeviceError, ModelError
from realtime.frame import ColorTags, Float32, Frame, Planes, UInt8
from realtime.inference import choice, device_graph, session
from realtime.inference.adaptive import AdaptiveMatting
from realtime.inference.device_graph import AS_THEY_ARE, DeviceGraph
from realtime.inference.matting import Matting
from realtime.inference.model import Model, Shape, open_beside
from realtime.inference.preprocess import network_picture
from realtime.inference.thumbnail import Thumbnail
from realtime.jobs import open_run
from realtime.live_matting import LiveMatting
from realtime.output.file import FileSink
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats
from tests.inference.networks import break_device, brightness_network, run_cuda_here
from tests.media import BT709, portrait_frame

FULL_601 = ColorTags(True, 5, 5, 5)

_Graphs = Callable[..., None]


def _brightness(**options: Any) -> bytes:
    network = onnx.load_from_string(brightness_network(**options))
    # Its scale and offset are others than those of the colours.
    network = add_prefix(network, "network.", rename_inputs=False, rename_outputs=False)
    content: bytes = take_planes(network).SerializeToString()
    return content


def _embedded(name: str) -> bytes:
    return files("realtime.inference").joinpath("weights", f"{name}_cuda.onnx").read_bytes()


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> _Graphs:
    """See `run_cuda_here`."""
    return partial(run_cuda_here, monkeypatch)


@pytest.mark.parametrize("color", [BT709, FULL_601, ColorTags()])
@pytest.mark.parametrize(
    ("frame", "size"),
    [
        ((1920, 1080), (608, 352)),
        ((1280, 720), (288, 192)),
        ((722, 406), (288, 192)),
        ((606, 1078), (192, 288)),
        ((1200, 300), (384, 128)),
        ((160, 90), (288, 192)),
    ],
)
def test_the_picture_is_that_of_the_cpu(
    frame: tuple[int, int], size: tuple[int, int], color: ColorTags
) -> None:
    graph = DeviceGraph(_brightness(), "cpu")
    shown = portrait_frame(frame, color=color)
    matrix = yuv_to_rgb_matrix(shown.color, shown.planes.height)
    alpha = graph(shown.planes, matrix, size)
    expected = network_picture(shown, size)
    # There, levels are rounded after every halving.
    apart = np.abs(255 * alpha[0, 0] - expected.mean(2))
    assert apart.mean() < 0.6
    assert np.percentile(apart, 99.9) <= 2
    for plane, same in zip(graph.thumbnail(), Thumbnail.of_rgb(expected), strict=True):
        apart = np.abs(plane.astype(int) - same)
        assert apart.mean() < 0.6
        assert apart.max() <= 3


def test_pictures_pass_unchanged() -> None:
    graph = DeviceGraph(_brightness(), "cpu")
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    planes = [np.ascontiguousarray(picture[..., i]) for i in range(3)]
    alpha = graph(planes, AS_THEY_ARE, (96, 64))
    np.testing.assert_allclose(alpha[0, 0], picture.mean(2) / 255, atol=1e-3)
    for plane, same in zip(graph.thumbnail(), Thumbnail.of_rgb(picture), strict=True):
        assert cv2.norm(plane, same, cv2.NORM_INF) <= 1


def test_rows_may_be_padded() -> None:
    graph = DeviceGraph(_brightness(), "cpu")
    planes = portrait_frame((640, 360)).planes
    padded = [np.pad(plane, ((0, 0), (0, 32)))[:, :-32] for plane in planes]
    matrix, size = yuv_to_rgb_matrix(BT709, 360), (288, 192)
    expected = graph(planes, matrix, size).copy()
    np.testing.assert_array_equal(graph(padded, matrix, size), expected)


@pytest.mark.parametrize("way", ["bound", "plain"])
def test_sizes_and_colours_may_change(way: device_graph.Way) -> None:
    graph = DeviceGraph(_brightness(), "cpu", [way])
    sizes = [(640, 360), (320, 240), (640, 360)]
    for frame, color in zip(sizes, [BT709, FULL_601, FULL_601], strict=True):
        for size in ((288, 192), (192, 128)):
            shown = portrait_frame(frame, color=color)
            alpha = graph(shown.planes, yuv_to_rgb_matrix(color, frame[1]), size)
            expected = network_picture(shown, size).mean(2) / 255
            assert np.abs(alpha[0, 0] - expected).mean() < 1 / 255


def test_what_crosses_is_the_planes_and_the_alpha() -> None:
    graph = DeviceGraph(_brightness(), "cpu")
    planes = portrait_frame((640, 360)).planes
    for _ in range(2):
        graph(planes, yuv_to_rgb_matrix(BT709, 360), (288, 192))
    pixels = 640 * 360
    assert graph.moved == {
        "y": pixels,
        "u": pixels // 4,
        "v": pixels // 4,
        "alpha": 4 * 288 * 192,
    }
    thumbnail = graph.thumbnail()
    assert graph.moved["thumbnail"] == 3 * thumbnail.y.size


def test_no_more_sizes_are_kept_than_need_be(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[Any]] = []

    class Session:
        """One that can be watched."""

        def __init__(self, content: bytes) -> None:
            self._session = session.create_on_cpu(content)
            alive.append(weakref.ref(self))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._session, name)

    def living() -> int:
        return sum(one() is not None for one in alive)

    monkeypatch.setattr(device_graph, "create_on_cpu", Session)
    graph = DeviceGraph(_brightness(), "cpu")
    for rows in range(2, 20, 2):
        planes = [np.zeros((rows, 32), np.uint8)] * 3
        graph(planes, AS_THEY_ARE, (32, 32))
        assert graph.ready_for(planes, (32, 32))
    assert not graph.ready_for([np.zeros((2, 32), np.uint8)] * 3, (32, 32))
    assert (len(alive), living()) == (9, device_graph._MOST_SIZES)
    graph(planes, AS_THEY_ARE, (32, 32))
    assert len(alive) == 9
    graph.close()
    assert living() == 0


def test_a_thumbnail_stays_as_it_was() -> None:
    graph = DeviceGraph(_brightness(), "cpu")
    found = []
    for level in (10, 240):
        graph([np.full((32, 32), level, np.uint8)] * 3, AS_THEY_ARE, (32, 32))
        found.append(graph.thumbnail())
    assert [thumbnail.y[0, 0] for thumbnail in found] == [10, 240]


class TestFallingBack:
    def test_a_device_that_captures_nothing_still_runs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[dict[str, str] | None] = []

        def create(content: bytes, options: dict[str, str] | None = None) -> Any:
            tried.append(options)
            if options and "enable_cuda_graph" in options:
                raise RuntimeError("cannot use the graph capture feature\nand so on")
            return session.create_on_cpu(content)

        monkeypatch.setattr(device_graph, "create_on_cuda", create)
        graph = DeviceGraph(_brightness(), "cuda", ["captured", "plain"])
        assert (len(tried), graph.way) == (2, "plain")
        assert graph.reason.endswith("on the device: cannot use the graph capture feature")

    def test_it_falls_back_later_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        graph = DeviceGraph(_brightness(), "cpu")
        shown, matrix = portrait_frame(), yuv_to_rgb_matrix(BT709, 360)
        expected = graph(shown.planes, matrix, (288, 192)).copy()

        def fails(*_: object) -> None:
            raise RuntimeError("out of memory")

        monkeypatch.setattr(device_graph._Bound, "alpha", fails)
        np.testing.assert_array_equal(graph(shown.planes, matrix, (288, 192)), expected)
        assert graph.way == "plain"
        assert "out of memory" in graph.reason

    def test_short_of_memory_it_lets_go_of_other_sizes_first(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        graph = DeviceGraph(_brightness(), "cpu")
        small, large = ([np.zeros((side, side), np.uint8)] * 3 for side in (32, 64))
        graph(small, AS_THEY_ARE, (32, 32))
        create = session.create_on_cpu

        def short(content: bytes) -> Any:
            if graph.ready_for(small, (32, 32)):
                raise RuntimeError("out of memory")
            return create(content)

        monkeypatch.setattr(device_graph, "create_on_cpu", short)
        graph(large, AS_THEY_ARE, (32, 32))
        assert graph.way == "bound"
        assert "out of memory" not in graph.reason
        assert not graph.ready_for(small, (32, 32))

    def test_what_fails_in_the_last_way_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may work the next time, and opening it anew would take seconds."""
        opened: list[bytes] = []

        def create(content: bytes) -> Any:
            opened.append(content)
            return session.create_on_cpu(content)

        monkeypatch.setattr(device_graph, "create_on_cpu", create)
        graph = DeviceGraph(_brightness(), "cpu", ["plain"])
        plane = [np.zeros((32, 32), np.uint8)] * 3
        with monkeypatch.context() as patch:
            patch.setattr(device_graph._Plain, "alpha", lambda *_: 1 / 0)
            for _ in range(3):
                with pytest.raises(ZeroDivisionError):
                    graph(plane, AS_THEY_ARE, (32, 32))
        graph(plane, AS_THEY_ARE, (32, 32))
        assert len(opened) == 1

    def test_where_nothing_works_that_is_what_is_told(self) -> None:
        with pytest.raises(Exception, match="INVALID_PROTOBUF"):
            DeviceGraph(b"no network", "cpu")

    def test_without_cuda_nothing_else_is_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[int] = []

        def create(*_: object) -> None:
            tried.append(1)
            raise DeviceError("no libraries")

        monkeypatch.setattr(device_graph, "create_on_cuda", create)
        with pytest.raises(DeviceError, match="no libraries"):
            DeviceGraph(_brightness())
        assert tried == [1]


class TestMatting:
    @pytest.mark.parametrize("name", ["fast", "quality", "balanced"])
    def test_its_alphas_are_those_of_the_cpu(self, on_device: _Graphs, name: str) -> None:
        on_device()
        with Matting(name, smoothing=False) as ours, Matting(name, "cpu", smoothing=False) as cpu:
            assert ours.provider == session.CUDA
            for size in ((640, 360), (480, 640)):
                shown = portrait_frame(size)
                alpha, expected = ours.matte(shown).alpha, cpu.matte(shown).alpha
                assert alpha.shape == expected.shape
                assert np.abs(alpha - expected).mean() < 2 / 255

    def test_images_go_the_same_way(self, on_device: _Graphs) -> None:
        on_device(_brightness(metadata={"native_size": "288x192", "stride": "32"}))
        ramp = np.linspace(0, 255, 640).astype(np.uint8)
        image: UInt8 = np.repeat(np.tile(ramp, (360, 1))[..., None], 3, 2)
        with Matting("fast") as matting:
            np.testing.assert_allclose(matting(image), image[..., 0] / 255, atol=0.01)

    def test_it_smooths_over_time_and_warms_up(self, on_device: _Graphs) -> None:
        on_device()
        with Matting("fast") as ours, Matting("fast", "cpu") as cpu:
            ours.warm_up(640, 360)
            for index in range(3):
                shown = portrait_frame(index=index)
                alpha, expected = ours.matte(shown).alpha, cpu.matte(shown).alpha
            assert np.abs(alpha - expected).mean() < 2 / 255

    @pytest.mark.parametrize("scale", [2.0, float("nan")])
    def test_what_is_not_an_alpha_is_refused(
        self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch, scale: float
    ) -> None:
        on_device(_brightness())
        bright = rgb_to_planes(np.full((360, 640, 3), 255, np.uint8), BT709)
        frame = Frame(bright, 0, 0, Fraction(1, 30), BT709)
        with Matting("fast", frame_size=(640, 360)) as matting:
            alpha = device_graph._Bound.alpha
            monkeypatch.setattr(
                device_graph._Bound, "alpha", lambda *given: alpha(*given) * np.float32(scale)
            )
            with pytest.raises(ModelError, match=r"not an alpha in 0..1; choose --device cpu"):
                matting.matte(frame)

    @pytest.mark.parametrize("images", [False, True])
    def test_where_a_device_fails_in_mid_run_the_cpu_goes_on(
        self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch, images: bool
    ) -> None:
        on_device()

        def alpha(matting: Matting, index: int) -> Float32:
            shown = portrait_frame(index=index)
            if images:
                return matting(planes_to_rgb(shown.planes, shown.color), timestamp=shown.time)
            return matting.matte(shown).alpha

        with Matting("fast") as ours, Matting("fast", "cpu") as cpu:
            alpha(ours, 0)
            break_device(monkeypatch)
            for index in (1, 2):
                np.testing.assert_array_equal(alpha(ours, index), alpha(cpu, index))
            assert ours.provider == session.CPU
            assert ours.provider_reason == "CUDA failed: CUDA failure 719"

    def test_live_likewise(self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch) -> None:
        on_device()
        settings = SettingsStore(Settings(width=640, height=360, model="fast"))
        with LiveMatting(settings, Stats(), lambda line: None) as matting:
            matting.matte(portrait_frame((640, 360)))
            assert matting.provider == session.CUDA
            break_device(monkeypatch)
            found = matting.matte(portrait_frame((640, 360), index=1))
            assert found.alpha.mean() > 0.1
            assert matting.provider == session.CPU
            assert matting.provider_reason == "CUDA failed: CUDA failure 719"

    @pytest.mark.parametrize("live", [False, True])
    def test_before_the_first_frame_likewise(
        self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch, live: bool
    ) -> None:
        on_device()
        settings = SettingsStore(Settings(width=640, height=360, model="fast"))
        with LiveMatting(settings, Stats(), lambda line: None) if live else Matting("fast") as ours:
            break_device(monkeypatch)
            ours.warm_up(640, 360)
            assert ours.computes == (session.CPU, "CUDA failed: CUDA failure 719")

    def test_what_cannot_be_opened_for_another_size_is_told(
        self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_device()

        def fail(*_: object) -> None:
            raise DeviceError("no libraries")

        with Matting("fast") as matting:
            monkeypatch.setattr(DeviceGraph, "_run_of", fail)
            matting.matte(portrait_frame((480, 640)))
            assert matting.computes == (session.CPU, "no libraries")

    @pytest.mark.parametrize("live", [False, True])
    def test_where_a_device_was_asked_for_its_failure_is_one_line(
        self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch, live: bool
    ) -> None:
        on_device()
        told = r"^CUDA failed: CUDA failure 719; choose --device cpu$"
        with ExitStack() as stack:
            settings = Settings(width=640, height=360, model="fast", device="cuda")
            matting: Matting | LiveMatting = (
                LiveMatting(SettingsStore(settings), Stats(), lambda line: None)
                if live
                else Matting("fast", "cuda")
            )
            stack.enter_context(matting)
            matting.matte(portrait_frame((640, 360)))
            break_device(monkeypatch)
            with pytest.raises(DeviceError, match=told):
                matting.matte(portrait_frame((640, 360), index=1))

    def test_a_device_that_computes_nonsense_is_not_taken(self, on_device: _Graphs) -> None:
        on_device(_brightness(scale=float("nan")))
        model = Model("fast")
        assert model.provider == session.CPU
        assert model.provider_reason == "CUDA failed: what it computes are no alphas"
        with pytest.raises(DeviceError, match="no alphas"):
            Model("fast", "cuda")

    def test_it_gets_ready_once_for_frames_that_are_known(self, on_device: _Graphs) -> None:
        """Also where their pixels are not square."""
        on_device()
        shown = portrait_frame((480, 360))
        with Matting("fast", frame_size=(480, 360), pixel_aspect=4 / 3) as matting:
            graph = matting._opened().graph
            assert graph is not None
            assert graph.ready_for(shown.planes, (288, 192))
            matting.warm_up(480, 360)
            assert matting.matte(shown).alpha.shape == (192, 288)
            assert len(graph._kept) == 1

    @pytest.mark.parametrize("live", [False, True])
    def test_closing_lets_go_of_the_device(self, on_device: _Graphs, live: bool) -> None:
        on_device()
        shown = portrait_frame((640, 360))
        matting = AdaptiveMatting("fast", frame_rate=30) if live else Matting("fast")
        matting.matte(shown)
        if isinstance(matting, Matting):
            graph = matting._opened().graph
        else:
            graph = matting._network().model.graph
        assert graph is not None
        assert graph._kept
        matting.close()
        assert graph._kept == {}
        assert graph._run is graph._unused is None
        matting.close()

    def test_a_network_that_is_not_chosen_is_let_go_of(
        self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_device()
        opened: list[Model] = []

        def judged(model: Model, *_: object, **__: object) -> float:
            opened.append(model)
            return 1.0

        monkeypatch.setattr(choice, "duration", judged)
        chosen = choice.open_model("default", "auto", 30, Shape(640, 360))
        assert chosen.name == "fast"
        assert chosen.graph is not None
        assert chosen.graph._kept
        assert [model.graph._kept for model in opened if model.graph is not None] == [{}, {}]

    def test_a_file_is_known(self, on_device: _Graphs, tmp_path: Path) -> None:
        on_device()
        with ExitStack() as stack:
            source = stack.enter_context(DemoSource(640, 360, seconds=0.1))
            sink = FileSink(tmp_path / "out.mp4")
            pipeline = open_run(stack, source, sink, "#ffffff", model="fast")
            assert isinstance(pipeline._estimator, Matting)
            graph = pipeline._estimator._opened().graph
            assert graph is not None
            assert [key[0] for key in graph._kept] == [(360, 640)]

    def test_a_live_one_does_likewise(self, on_device: _Graphs) -> None:
        on_device()
        with (
            AdaptiveMatting("fast", frame_rate=30) as ours,
            AdaptiveMatting("fast", "cpu", frame_rate=30) as cpu,
        ):
            ours.governed = cpu.governed = False
            ours.warm_up(640, 360)
            for index in range(3):
                shown = portrait_frame(index=index)
                alpha, expected = ours.matte(shown).alpha, cpu.matte(shown).alpha
            assert np.abs(alpha - expected).mean() < 2 / 255

    def test_a_live_one_opens_no_more_than_it_needs(self, on_device: _Graphs) -> None:
        on_device()
        said: list[str] = []
        fast_enough = {("quality", session.CUDA): True}
        with AdaptiveMatting(
            frame_rate=30, frame_size=(640, 360), holds=fast_enough, announce=said.append
        ) as matting:
            assert {(level.model, level.scale) for level in matting.levels} == {("quality", 1.0)}
            assert len(matting.levels) > 1
            assert list(matting._networks) == ["quality"]
            matting.governed = False
            matting.warm_up(640, 360)
            matting.matte(portrait_frame((640, 360)))
            assert said == []
            matting.matte(portrait_frame((320, 180), 1))
            assert said == ["getting ready for pictures of 320×180"]

    def test_what_is_known_to_be_too_slow_is_followed_by_others(self, on_device: _Graphs) -> None:
        on_device()
        known = {("quality", session.CUDA): False, ("balanced", session.CUDA): True}
        with AdaptiveMatting(frame_rate=30, frame_size=(640, 360), holds=known) as matting:
            assert {level.model for level in matting.levels} == {"quality", "balanced"}
            assert matting.level.model == "balanced"

    def test_twins_share_a_session(self, on_device: _Graphs) -> None:
        on_device()
        quality = Model("quality")
        beside = open_beside([quality], "balanced", "auto")
        assert beside._session is quality._session
        shown = portrait_frame()
        for one in (quality, beside, quality):
            size = one.signature.size_for(640, 360)
            alpha = one.of_planes(shown.planes, shown.color, size)
            assert alpha.shape == size[::-1]
        assert quality.signature.size_for(640, 360) != beside.signature.size_for(640, 360)

    def test_what_is_timed_is_what_will_run(
        self, on_device: _Graphs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_device()
        fast = Model("fast", shape=Shape(640, 360))
        seen: list[Planes] = []
        run = Model.of_planes

        def spied(self: Model, planes: Planes, *rest: Any) -> Any:
            seen.append(planes)
            return run(self, planes, *rest)

        monkeypatch.setattr(Model, "of_planes", spied)
        assert choice.duration(fast, enough=60) > 0
        assert (seen[0].width, seen[0].height) == (640, 360)


def test_the_embedded_files_say_what_the_float_ones_do() -> None:
    for name in ("fast", "quality"):
        graph = DeviceGraph(_embedded(name), "cpu")
        said = graph.metadata
        source = Model(f"{name}-float", "cpu")
        assert said == source._session.get_modelmeta().custom_metadata_map
