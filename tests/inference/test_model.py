"""Which networks are accepted, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from realtime.capture.file import FileSource
from realtime.errors import DeviceError, ModelError
from realtime.inference import catalogue, session
from realtime.inference.catalogue import checksum, inspect
from realtime.inference.matting import Matting
from realtime.inference.model import EMBEDDED, Model, open_beside, read_model
from realtime.inference.session import CUDA, Device, open_session
from tests.inference.networks import Side, brightness_network, recurrent_network


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("sides", [("height", "width"), (32, 48)])
def test_both_layouts_and_free_or_fixed_sides_work(
    tmp_path: Path, channels_first: bool, sides: tuple[Side, Side]
) -> None:
    content = brightness_network(channels_first=channels_first, sides=sides)
    model = Model(_write(tmp_path / "m.onnx", content), "cpu")
    width, height = model.signature.size_for(1920, 1080)
    assert (width, height) == ((48, 32) if sides == (32, 48) else (256, 144))
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    alpha = model(picture)
    assert alpha.dtype == np.float32
    np.testing.assert_allclose(alpha, picture.mean(2) / 255, atol=1e-6)
    assert np.unique(alpha).size > 100, "alpha must stay soft"


def test_a_size_that_a_network_cannot_take_is_one_line(tmp_path: Path) -> None:
    model = Model(_write(tmp_path / "m.onnx", brightness_network(sides=(32, 48))), "cpu")
    with pytest.raises(
        ModelError, match=r"m.onnx: onnxruntime cannot run it at 64×32 \(.*; choose"
    ):
        model(np.zeros((32, 64, 3), np.uint8))


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ((1920, 1080), (256, 144)),
        ((1080, 1920), (144, 256)),
        ((640, 480), (224, 160)),
        ((500, 500), (192, 192)),
        ((10_000, 10), (336, 112)),  # squashed: no network saw anything that long
    ],
)
def test_free_sides_follow_the_aspect_of_the_frame(
    tmp_path: Path, frame: tuple[int, int], expected: tuple[int, int]
) -> None:
    model = Model(_write(tmp_path / "m.onnx", brightness_network()), "cpu")
    assert model.signature.size_for(*frame) == expected


def test_metadata_say_how_large_and_in_which_steps(tmp_path: Path) -> None:
    content = brightness_network(metadata={"native_size": "512x288", "stride": "32"})
    model = Model(_write(tmp_path / "m.onnx", content), "cpu")
    assert model.signature.size_for(1920, 1080) == (512, 288)
    assert model.signature.size_for(640, 480) == (448, 320)


@pytest.mark.parametrize(("scale", "offset"), [(20.0, -10.0), (1.0, 0.5), (float("nan"), 0.0)])
def test_what_is_not_an_alpha_is_refused(tmp_path: Path, scale: float, offset: float) -> None:
    content = brightness_network(scale=scale, offset=offset)
    model = Model(_write(tmp_path / "m.onnx", content), "cpu")
    width, height = model.signature.size_for(16, 9)
    with pytest.raises(ModelError, match="not an alpha"):
        model(np.full((height, width, 3), 255, np.uint8))


def test_rounding_outside_of_0_and_1_is_clipped(tmp_path: Path) -> None:
    model = Model(_write(tmp_path / "m.onnx", brightness_network(scale=1.008)), "cpu")
    width, height = model.signature.size_for(16, 9)
    assert model(np.full((height, width, 3), 255, np.uint8)).max() == 1.0


def test_the_person_is_the_last_channel_unless_said_otherwise(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.onnx", brightness_network(offset=0.25, outputs=2, last=0.5))
    black = np.zeros((144, 256, 3), np.uint8)
    np.testing.assert_allclose(Model(path, "cpu")(black), 0.125)
    path.with_suffix(".json").write_text('{"channel": 0}')
    np.testing.assert_allclose(Model(path, "cpu")(black), 0.25)
    path.with_suffix(".json").write_text('{"channel": 2}')
    with pytest.raises(ModelError, match="channel"):
        Model(path, "cpu")(black)


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        # Brightness 0.6 of a grey picture, by hand.
        ({}, 0.6),
        ({"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, 0.2),
        ({"activation": "sigmoid"}, 1 / (1 + np.exp(-0.6))),
    ],
)
@pytest.mark.parametrize("where", ["sidecar", "metadata"])
def test_a_convention_says_what_the_file_does_not(
    tmp_path: Path, convention: dict[str, Any], expected: float, where: str
) -> None:
    metadata = {k: v if isinstance(v, str) else json.dumps(v) for k, v in convention.items()}
    content = brightness_network(metadata=metadata if where == "metadata" else {"author": "us"})
    path = _write(tmp_path / "m.onnx", content)
    if where == "sidecar":
        path.with_suffix(".json").write_text(json.dumps(convention))
    alpha = Model(path, "cpu")(np.full((144, 256, 3), 153, np.uint8))
    np.testing.assert_allclose(alpha, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ("{", "not JSON"),
        ("[]", "may only have the keys"),
        ('{"colour": "red"}', "may only have the keys native_size"),
        ('{"mean": [1, 2]}', r"mean is \[1, 2\]: write three numbers"),
        ('{"mean": "x"}', "mean is 'x': write three numbers"),
        ('{"mean": [123, 116, 103]}', r'mean is \[123, 116, 103\]: .*0..1, or "scale": 255'),
        ('{"mean": [256, 0, 0], "scale": 255}', "numbers in 0..255$"),
        ('{"mean": [NaN, 0, 0]}', "numbers in 0..1"),
        ('{"std": [1, 0, 1]}', "numbers in 0.0039..1"),
        ('{"std": [58, 57, 57]}', "numbers in 0.0039..1"),
        ('{"std": [0.2, 0.2, 0.2], "scale": 255}', "numbers in 1..255"),
        ('{"native_size": "0x10"}', "such as 256x144"),
        ('{"stride": 0}', "a whole number in 1..256"),
        ('{"stride": 1000}', "a whole number in 1..256"),
        ('{"channel": 1e999}', "channel is inf"),
        ('{"activation": "relu"}', "choose none, sigmoid, softmax"),
        ('{"output": "mask"}', "output is 'mask': choose one of alpha"),
        ('{"layout": "NCHW"}', "choose nchw, nhwc"),
        ('{"layout": "nhwc"}', r'takes image .*do without "layout": "nhwc"'),
        ('{"order": "gbr"}', "choose rgb, bgr"),
        ('{"scale": 256}', "choose 1, 255"),
    ],
)
def test_a_wrong_sidecar_is_refused(tmp_path: Path, sidecar: str, message: str) -> None:
    path = _write(tmp_path / "m.onnx", brightness_network())
    path.with_suffix(".json").write_text(sidecar)
    with pytest.raises(ModelError, match=message):
        Model(path, "cpu")


def test_a_sidecar_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.onnx", brightness_network())
    path.with_suffix(".json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="not UTF-8"):
        Model(path, "cpu")


def test_weights_may_lie_in_a_file_beside(tmp_path: Path) -> None:
    model = onnx.load_from_string(brightness_network(scale=0.5))
    path = tmp_path / "m.onnx"
    (scale,) = (tensor for tensor in model.graph.initializer if tensor.name == "scale")
    onnx.external_data_helper.set_external_data(scale, "m.data")
    onnx.save(model, path)
    assert (tmp_path / "m.data").is_file()
    alpha = Model(path, "cpu")(np.full((144, 256, 3), 255, np.uint8))
    np.testing.assert_allclose(alpha, 0.5)


def test_a_recurrent_network_is_fed_its_own_memory_until_reset(tmp_path: Path) -> None:
    """Alpha is the mean of this picture's brightness and the last one's."""
    model = Model(_write(tmp_path / "m.onnx", recurrent_network()), "cpu")
    bright, dark = (np.full((144, 256, 3), value, np.uint8) for value in (255, 0))
    assert model(bright).mean() == pytest.approx(0.5), "memory begins empty"
    assert model(bright).mean() == pytest.approx(1.0)
    assert model(dark).mean() == pytest.approx(0.5)
    model.reset()
    assert model(dark).mean() == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("peer", "sidecar"),
    [
        ("selfie_segmentation", None),
        ("rvm_mobilenetv3_nhwc", {"native_size": "512x288"}),
        ("pp_humanseg_v1_lite", {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
    ],
)
def test_networks_of_others_find_the_person_too(
    shared: Path, tmp_path: Path, peer: str, sidecar: dict[str, Any] | None
) -> None:
    path = _write(tmp_path / "m.onnx", (shared / "peers" / f"{peer}.onnx").read_bytes())
    if sidecar:
        path.with_suffix(".json").write_text(json.dumps(sidecar))
    with FileSource(shared / "clips" / "office_720p.mp4") as source, Matting(path, "cpu") as ours:
        frames = [source.read() for _ in range(5)]
        alphas = [ours.matte(frame).alpha for frame in frames if frame is not None]
    height, width = alphas[-1].shape
    assert alphas[-1][height // 3 : height // 2, int(0.62 * width)].mean() > 0.9, "her face"
    assert alphas[-1][:, : int(0.2 * width)].mean() < 0.1, "the shelves"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes"),
        (b"not a network at all", "cannot run it"),
        (brightness_network()[:100], "cannot run it"),
    ],
)
def test_files_that_are_no_networks_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = _write(tmp_path / "m.onnx", content)
    with pytest.raises(ModelError, match=message) as caught:
        Model(path, "cpu")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_choices() -> None:
    with pytest.raises(ModelError, match=r"no such model; choose .*fast"):
        Model("no_such_model", "cpu")


def test_a_file_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read: .*; name an ONNX file") as caught:
        read_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_it_is_told_of_the_file_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    class OnCuda(Model):
        def __init__(self, name: str, device: Device) -> None:
            super().__init__(name, "cpu")
            self.provider = CUDA

    on_cpu = inspect("fast", "cpu")
    monkeypatch.setattr(catalogue, "Model", OnCuda)
    on_cuda = inspect("fast")
    weights = files("realtime.inference") / "weights"
    for info, name in ((on_cpu, "fast.onnx"), (on_cuda, "fast_cuda.onnx")):
        content = weights.joinpath(name).read_bytes()
        assert (info.bytes, info.sha256) == (len(content), checksum(content))


@pytest.mark.parametrize("name", sorted(EMBEDDED))
def test_every_embedded_model_gives_an_alpha(name: str) -> None:
    model = Model(name, "cpu")
    for frame in ((1280, 720), (720, 1280), (640, 480)):
        width, height = model.signature.size_for(*frame)
        alpha = model(np.zeros((height, width, 3), np.uint8))
        assert alpha.shape == (height, width)


def test_balanced_is_quality_that_sees_less() -> None:
    assert read_model("balanced") == read_model("quality")
    model = Model("balanced", "cpu")
    assert model.name == "balanced"
    assert model.signature.size_for(16, 9) == (512, 288)


def test_networks_of_the_same_files_share_a_session_and_nothing_else() -> None:
    quality = Model("quality", "cpu")
    alone, beside = Model("balanced", "cpu"), open_beside([quality], "balanced", "cpu")
    assert beside._session is quality._session
    assert (beside.name, beside.signature) == (alone.name, alone.signature)
    picture = np.random.default_rng(0).integers(0, 256, (288, 512, 3), np.uint8)
    expected = alone(picture)
    quality(np.zeros((352, 640, 3), np.uint8))
    np.testing.assert_array_equal(beside(picture), expected)
    assert open_beside([beside], "quality", "cpu").signature == quality.signature
    assert open_beside([quality], "fast", "cpu")._session is not quality._session


class TestDevice:
    def test_auto_says_what_computes_and_why(self) -> None:
        model = Model("fast", "auto")
        assert model.provider in ("CPUExecutionProvider", "CUDAExecutionProvider")
        assert model.provider_reason
        if model.graph is None:
            assert model.provider == model._session.get_providers()[0]

    def test_cpu_is_the_cpu(self) -> None:
        model = Model("fast", "cpu")
        assert (model.provider, model.provider_reason) == ("CPUExecutionProvider", "asked for")

    def test_auto_falls_back_and_cuda_fails_when_cuda_breaks(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The driver answers but the provider does not work: never a silent switch."""
        monkeypatch.setattr("realtime.inference.session.cuda_obstacle", lambda: None)

        def broken(model: bytes, providers: Sequence[session.Provider]) -> object:
            if providers != [session.CPU]:
                raise RuntimeError("CUDA error 999: unknown\nsecond line")
            return create(model, providers)

        create = session._create
        monkeypatch.setattr(session, "_create", broken)
        model = Model("fast", "auto")
        assert model.provider == "CPUExecutionProvider"
        assert model.provider_reason == "CUDA failed: CUDA error 999: unknown"
        with pytest.raises(DeviceError, match="CUDA error 999"):
            Model("fast", "cuda")

    def test_a_session_that_quietly_lacks_cuda_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Onnxruntime gives a CPU session when the CUDA libraries do not load."""
        create = session._create
        monkeypatch.setattr(session, "cuda_obstacle", lambda: None)
        monkeypatch.setattr(
            session, "_create", lambda model, providers: create(model, ["CPUExecutionProvider"])
        )
        assert "could not load its CUDA libraries" in Model("fast", "auto").provider_reason

    @pytest.mark.parametrize(
        ("operations", "provider", "reason"),
        [
            ({"Conv": CUDA, "Relu": CUDA}, CUDA, "CUDA works"),
            (
                {"Conv": CUDA, "NonZero": session.CPU, "Where": session.CPU},
                CUDA,
                "CUDA works, but the CPU does 2 of 3 operations (NonZero, Where)",
            ),
            (
                {"Conv": CUDA} | dict.fromkeys(("A", "B", "C", "D"), session.CPU),
                CUDA,
                "CUDA works, but the CPU does 4 of 5 operations (A, B, C, …)",
            ),
            (
                {"Conv": session.CPU},
                session.CPU,
                "CUDA can do none of the network's operations",
            ),
        ],
    )
    def test_what_cuda_leaves_to_the_cpu_is_told(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        operations: dict[str, str],
        provider: str,
        reason: str,
    ) -> None:
        create = session._create

        class OnCuda:
            """A session on the CPU that tells of another."""

            def __init__(self, real: Any) -> None:
                self._real = real

            def __getattr__(self, name: str) -> Any:
                return getattr(self._real, name)

            def get_providers(self) -> list[str]:
                return [CUDA, session.CPU]

            def get_provider_graph_assignment_info(self) -> list[Any]:
                return [
                    SimpleNamespace(
                        ep_name=provider,
                        get_nodes=lambda kind=kind: [SimpleNamespace(op_type=kind)],
                    )
                    for kind, provider in operations.items()
                ]

        def open_anywhere(model: bytes, providers: Sequence[session.Provider]) -> Any:
            opened = create(model, [session.CPU])
            return opened if providers == [session.CPU] else OnCuda(opened)

        monkeypatch.setattr(session, "cuda_obstacle", lambda: None)
        monkeypatch.setattr(session, "_create", open_anywhere)
        model = Model(_write(tmp_path / "m.onnx", brightness_network()), "auto")
        assert (model.provider, model.provider_reason) == (provider, reason)

    @pytest.mark.parametrize(
        ("answer", "obstacle"),
        [(100, "no NVIDIA device"), (999, "the NVIDIA driver does not answer"), (0, None)],
    )
    def test_what_a_driver_answers(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        answer: int,
        obstacle: str | None,
    ) -> None:
        def count(number: Any) -> int:
            number._obj.value = 1
            return 0

        driver = SimpleNamespace(cuInit=lambda _: answer, cuDeviceGetCount=count)
        monkeypatch.setattr("ctypes.CDLL", lambda _: driver)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, session.CPU])
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print("no libcublas"))
        session._load_libraries.cache_clear()
        try:
            assert session.cuda_obstacle() == obstacle
        finally:
            session._load_libraries.cache_clear()
        assert capsys.readouterr().out == ""

    @pytest.mark.skipif(
        not hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info"),
        reason="onnxruntime before 1.24 does not tell",
    )
    def test_onnxruntime_tells_where_it_puts_operations(self) -> None:
        on_cpu = session.create_on_cpu(brightness_network())
        with pytest.raises(DeviceError, match="none of the network's operations"):
            session._left_to_the_cpu(on_cpu)

    def test_an_unknown_device_names_the_choices(self) -> None:
        with pytest.raises(DeviceError, match="auto, cpu or cuda"):
            open_session(b"", "m", "tpu", lambda session: {})  # type: ignore[arg-type]
