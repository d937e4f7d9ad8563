"""What people's own networks have that ours have not: odd layouts, logits, others' metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.errors import ModelError
from realtime.inference.layout import channels_in, planes_of
from realtime.inference.model import Model
from tests.inference.networks import brightness_network, laid_out_network

LAYOUTS = ("nchw", "nhwc")
NOISE = np.random.default_rng(0).integers(0, 256, (144, 256, 3), np.uint8)
WHITE = np.full((144, 256, 3), 255, np.uint8)


def _model(folder: Path, content: bytes, sidecar: dict[str, Any] | None = None) -> Model:
    path = folder / "m.onnx"
    path.write_bytes(content)
    if sidecar:
        path.with_suffix(".json").write_text(json.dumps(sidecar))
    return Model(path, "cpu")


class TestLayout:
    @pytest.mark.parametrize("taken", LAYOUTS)
    @pytest.mark.parametrize("given", LAYOUTS)
    @pytest.mark.parametrize("sides", [("height", "width"), (144, 256)])
    @pytest.mark.parametrize("outputs", [1, 2])
    @pytest.mark.parametrize("smaller", [1, 2, 4])
    def test_an_alpha_is_read_in_either_layout_and_may_be_smaller(
        self,
        tmp_path: Path,
        taken: str,
        given: str,
        sides: tuple[str, str] | tuple[int, int],
        outputs: int,
        smaller: int,
    ) -> None:
        content = laid_out_network(
            layouts=(taken, given), sides=sides, outputs=outputs, shrunk=(smaller, smaller)
        )
        alpha = _model(tmp_path, content)(NOISE)
        rows, columns = 144 // smaller, 256 // smaller
        blocks = NOISE.reshape(rows, smaller, columns, smaller, 3).mean((1, 3, 4)) / 255
        np.testing.assert_allclose(alpha, blocks, atol=1e-6)

    @pytest.mark.parametrize("layouts", [(t, g) for t in LAYOUTS for g in LAYOUTS])
    @pytest.mark.parametrize("shrunk", [(1, 4), (2, 1), (144, 256), (48, 48)])
    def test_what_cannot_be_the_picture_is_refused(
        self, tmp_path: Path, layouts: tuple[str, str], shrunk: tuple[int, int]
    ) -> None:
        model = _model(tmp_path, laid_out_network(layouts=layouts, shrunk=shrunk))
        with pytest.raises(
            ModelError, match=r"no alpha of a picture of 256×144; .*output"
        ) as caught:
            model(NOISE)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("channels_first", [True, False])
    def test_it_may_lack_its_batch_or_its_channel(self, channels_first: bool) -> None:
        alpha = np.random.default_rng(0).random((9, 16), np.float32)
        for planes in (alpha[None], alpha[..., None]):
            for output in (planes[None], planes, alpha):
                (read,) = planes_of(output, (16, 9), channels_first)
                np.testing.assert_array_equal(read, alpha)

    @pytest.mark.parametrize(
        ("shape", "size"),
        [
            ((1, 1, 224, 400), (398, 224)),  # padded to a stride and not cut
            ((1, 1, 57, 100), (398, 225)),  # halved twice, rounded up
            ((1, 1, 288, 512), (256, 144)),  # larger
            ((1, 1, 5, 8), (256, 144)),  # of deep layers: 4.5 rows
            ((1, 21, 16, 16), (512, 512)),  # so coarse that channels are more than rows
        ],
    )
    def test_roundings_are_no_reason_to_refuse(
        self, shape: tuple[int, ...], size: tuple[int, int]
    ) -> None:
        assert planes_of(np.zeros(shape, np.float32), size, True).shape == shape[1:]

    @pytest.mark.parametrize(
        "shape",
        [
            (1, 1, 256, 144),  # on its side
            (1, 1, 192, 256),  # of another aspect
            (2, 1, 144, 256),  # two pictures
            (0, 1, 144, 256),
            (1, 1, 1, 144, 256),
            (1, 1000),  # classes
            (),
        ],
    )
    def test_other_shapes_are_refused(self, shape: tuple[int, ...]) -> None:
        for channels_first in (True, False):
            with pytest.raises(ValueError, match="no alpha of a picture of 256×144"):
                planes_of(np.zeros(shape, np.float32), (256, 144), channels_first)

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_a_sidecar_says_the_layout_where_the_file_does_not(
        self, tmp_path: Path, layout: str
    ) -> None:
        content = laid_out_network(layouts=(layout, "nchw"), channels="c")
        with pytest.raises(ModelError, match=r'write {"layout": "nchw"} or {"layout": "nhwc"}'):
            _model(tmp_path, content)
        alpha = _model(tmp_path, content, {"layout": layout})(NOISE)
        np.testing.assert_allclose(alpha, NOISE.mean(2) / 255, atol=1e-6)

    @pytest.mark.parametrize(
        ("axes", "channels"),
        [
            (("n", 2, "h", "w"), 2),
            ((1, 144, 256, 1), 1),
            ((1, "h", "w", 21), 21),
            (("n", "c", "h", "w"), None),
            ((1, 144, 256), 1),
            ((144, 256), 1),
            ((), None),
        ],
    )
    def test_a_file_says_how_many_channels_come(
        self, axes: tuple[int | str, ...], channels: int | None
    ) -> None:
        assert channels_in(axes) == channels


class TestPicture:
    def test_blue_may_come_first(self, tmp_path: Path) -> None:
        convention = {"mean": [0.1, 0.2, 0.3], "order": "bgr"}
        model = _model(tmp_path, brightness_network(), convention)
        fed = model.signature.feed(NOISE)["image"][0]
        for plane, channel, mean in zip(fed, (2, 1, 0), (0.3, 0.2, 0.1), strict=True):
            np.testing.assert_allclose(plane, NOISE[..., channel] / 255 - mean, atol=1e-6)

    def test_white_may_be_255(self, tmp_path: Path) -> None:
        convention = {"mean": [100, 110, 120], "std": [50, 51, 52], "scale": 255}
        model = _model(tmp_path, brightness_network(), convention)
        fed = model.signature.feed(NOISE)["image"][0].transpose(1, 2, 0)
        np.testing.assert_allclose(fed, (NOISE - [100.0, 110, 120]) / [50, 51, 52], atol=1e-5)


class TestActivation:
    @pytest.mark.parametrize(("outputs", "wanted"), [(1, "sigmoid"), (2, "softmax")])
    def test_logits_get_the_advice_that_suits_their_channels(
        self, tmp_path: Path, outputs: int, wanted: str
    ) -> None:
        model = _model(tmp_path, brightness_network(scale=9, outputs=outputs))
        with pytest.raises(ModelError, match=f'write {{"activation": "{wanted}"}}'):
            model(WHITE)

    def test_no_activation_is_advised_where_it_cannot_help(self, tmp_path: Path) -> None:
        content = brightness_network(scale=float("nan"))
        for sidecar in (None, {"activation": "sigmoid"}):
            with pytest.raises(ModelError, match=r"not an alpha in 0\.\.1; choose another model"):
                _model(tmp_path, content, sidecar)(WHITE)

    def test_a_softmax_over_one_channel_would_show_the_room(self, tmp_path: Path) -> None:
        model = _model(tmp_path, brightness_network(), {"activation": "softmax"})
        with pytest.raises(ModelError, match=r'write {"activation": "sigmoid"}') as caught:
            model(WHITE)
        assert "\n" not in str(caught.value)

    def test_a_softmax_goes_over_channels(self, tmp_path: Path) -> None:
        content = brightness_network(outputs=2, last=3.0)
        alpha = _model(tmp_path, content, {"activation": "softmax"})(WHITE)
        np.testing.assert_allclose(alpha, 1 / (1 + np.exp(1 - 3)), rtol=1e-5)


class TestMetadata:
    @pytest.mark.parametrize(
        "properties",
        [
            {"mean": "[123.675, 116.28, 103.53]", "std": "[58.395, 57.12, 57.375]"},
            {"mean": "[123.675, 116.28, 103.53]", "std": "[0.5, 0.5, 0.5]"},
            {"mean": "[0.5, 0.5, 0.5]", "std": "[255, 255, 255]"},
            {"mean": "0.5", "std": "[0.5, 0.5, 0.5]"},
            {"mean": "[NaN, 0, 0]"},
            {"std": "[0, 0, 0]"},
            {"output": "segmentation mask"},
            {"channel": "3"},
            {"channel": "RGB"},
            {"stride": "none"},
            {"stride": "4096"},
            {"native_size": "large"},
            {"activation": "relu"},
            {"layout": "nhwc"},
            {"order": "bgr"},
            {"scale": "255"},
        ],
        ids=str,
    )
    def test_what_others_mean_by_our_names_is_left_alone(
        self, tmp_path: Path, properties: dict[str, str]
    ) -> None:
        alpha = _model(tmp_path, brightness_network(metadata=properties))(NOISE)
        np.testing.assert_allclose(alpha, NOISE.mean(2) / 255, atol=1e-6)

    def test_a_sidecar_has_the_last_word(self, tmp_path: Path) -> None:
        content = brightness_network(outputs=2, last=0.5, metadata={"channel": "0"})
        np.testing.assert_allclose(_model(tmp_path, content)(WHITE), 1)
        np.testing.assert_allclose(_model(tmp_path, content, {"channel": 1})(WHITE), 0.5)

    def test_its_scale_is_the_one_that_metadata_are_judged_by(self, tmp_path: Path) -> None:
        metadata = {"mean": "[127.5, 127.5, 127.5]", "std": "[127.5, 127.5, 127.5]"}
        model = _model(tmp_path, brightness_network(metadata=metadata), {"scale": 255})
        np.testing.assert_allclose(model(WHITE), 1)
        assert model.signature.feed(NOISE)["image"].min() == pytest.approx(-1, abs=0.01)

    @pytest.mark.parametrize("key", ["licence", "license"])
    def test_the_licence_is_read_in_either_spelling(self, tmp_path: Path, key: str) -> None:
        assert _model(tmp_path, brightness_network(metadata={key: "MIT"})).licence == "MIT"


def test_other_steps_than_ours_are_a_matter_of_the_sidecar(tmp_path: Path) -> None:
    content = laid_out_network(steps=32)
    with pytest.raises(ModelError, match=r'write {"stride": 32, "native_size": ') as caught:
        _model(tmp_path, content)
    assert "\n" not in str(caught.value)
    model = _model(tmp_path, content, {"stride": 32, "native_size": "512x288"})
    assert model.signature.size_for(16, 9) == (512, 288)


def test_a_network_of_fixed_size_has_no_steps_to_write(tmp_path: Path) -> None:
    content = laid_out_network(steps=32, sides=(144, 256))
    with pytest.raises(ModelError, match="cannot run it") as caught:
        _model(tmp_path, content)
    assert "stride" not in str(caught.value)
