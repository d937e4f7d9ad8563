"""The public way from pictures to alphas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.errors import ModelError
from realtime.frame import ColorTags, UInt8
from realtime.inference.matting import Matting
from realtime.inference.preprocess import network_picture
from realtime.stats import Stats
from tests.inference.networks import brightness_network
from tests.media import gray_frame


@pytest.fixture
def brightness(tmp_path: Path) -> Path:
    path = tmp_path / "brightness.onnx"
    path.write_bytes(brightness_network())
    return path


def _picture(height: int = 90, width: int = 160) -> UInt8:
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    return np.repeat(np.tile(ramp, (height, 1))[..., None], 3, 2)


@pytest.mark.parametrize("size", [(90, 160), (161, 91), (1, 1), (720, 1280)])
def test_the_alpha_has_the_size_of_the_image(brightness: Path, size: tuple[int, int]) -> None:
    with Matting(brightness, "cpu") as matting:
        alpha = matting(_picture(*size))
    assert alpha.shape == size
    assert alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_the_alpha_lies_where_the_image_is(brightness: Path) -> None:
    with Matting(brightness, "cpu") as matting:
        alpha = matting(_picture(720, 1280))
    np.testing.assert_allclose(alpha, _picture(720, 1280)[..., 0] / 255, atol=0.02)


def test_images_without_a_timestamp_are_independent(brightness: Path) -> None:
    with Matting(brightness, "cpu") as matting:
        first = matting(np.full((90, 160, 3), 255, np.uint8))
        second = matting(np.full((90, 160, 3), 140, np.uint8))
    np.testing.assert_allclose(first, 1.0)
    np.testing.assert_allclose(second, 140 / 255, atol=1e-6)


def test_timestamps_smooth_until_reset(brightness: Path) -> None:
    before, picture = np.full((90, 160, 3), 132, np.uint8), np.full((90, 160, 3), 128, np.uint8)
    with Matting(brightness, "cpu") as matting:
        matting(before, timestamp=0.0)
        smoothed = matting(picture, timestamp=1 / 30)
        matting.reset()
        fresh = matting(picture, timestamp=2 / 30)
    np.testing.assert_allclose(fresh, 128 / 255, atol=1e-6)
    # About half of what came before is kept of so small a change.
    assert 129.5 / 255 < smoothed.min() < 131 / 255


def test_smoothing_can_be_left_out(brightness: Path) -> None:
    with Matting(brightness, "cpu", smoothing=False) as matting:
        matting(np.full((90, 160, 3), 150, np.uint8), timestamp=0.0)
        alpha = matting(np.full((90, 160, 3), 128, np.uint8), timestamp=1 / 30)
    np.testing.assert_allclose(alpha, 128 / 255, atol=1e-6)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((90, 160), np.uint8),
        np.zeros((90, 160, 4), np.uint8),
        np.zeros((90, 160, 3), np.float32),
        np.zeros((0, 160, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(brightness: Path, image: UInt8) -> None:
    with (
        Matting(brightness, "cpu") as matting,
        pytest.raises(ValueError, match=r"uint8 \(H, W, 3\)"),
    ):
        matting(image)


def test_a_closed_matting_says_so(brightness: Path) -> None:
    matting = Matting(brightness, "cpu")
    matting.close()
    matting.close()
    with pytest.raises(ValueError, match="closed"):
        matting(_picture())


def test_a_frame_keeps_its_own_alpha_at_the_networks_size(brightness: Path) -> None:
    stats = Stats()
    with Matting(brightness, "cpu", stats=stats) as matting:
        frame = gray_frame(126, size=(640, 360))
        matte = matting.matte(frame)
    assert matte.frame is frame
    assert matte.alpha.shape == (144, 256)
    # Luma 126 of 16..235 is 128 of 0..255.
    np.testing.assert_allclose(matte.alpha, 128 / 255, atol=0.003)
    assert list(stats.stages()) == ["preprocess", "infer", "smooth"]


def test_the_network_sees_true_proportions(brightness: Path) -> None:
    """720×576 of 16:9, as of old cameras, and the same scene of square pixels."""
    shapes = []
    for size, pixel_aspect in (((720, 576), 64 / 45), ((1024, 576), 1.0)):
        with Matting(brightness, "cpu", pixel_aspect=pixel_aspect) as matting:
            shapes.append(matting.matte(gray_frame(126, size=size)).alpha.shape)
    assert shapes[0] == shapes[1] == (144, 256)


def test_a_broken_network_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "nan.onnx"
    path.write_bytes(brightness_network(scale=float("nan")))
    with Matting(path, "cpu") as matting, pytest.raises(ModelError, match="not an alpha"):
        matting.matte(gray_frame(100))


@pytest.mark.parametrize("full_range", [False, True])
def test_the_network_sees_the_same_picture_in_either_range(full_range: bool) -> None:
    luma = 200 if full_range else 16 + round(200 * 219 / 255)
    frame = gray_frame(luma, size=(1920, 1080), color=ColorTags(full_range, 1, 1, 1))
    picture = network_picture(frame, (256, 144))
    assert picture.shape == (144, 256, 3)
    assert np.abs(picture.astype(int) - 200).max() <= 1


@pytest.mark.parametrize("model", ["default"])
def test_the_embedded_model_finds_a_person(model: str) -> None:
    """The demo's portrait: the face is foreground, the wall beside it is not."""
    from realtime.capture.demo import DemoSource
    from realtime.color import planes_to_rgb

    frame = DemoSource(seconds=1).read()
    assert frame is not None
    with Matting(model, "cpu") as matting:
        alpha = matting(planes_to_rgb(frame.planes, frame.color))
    assert alpha[300:420, 560:640].mean() > 0.98
    assert alpha[20:300, 850:1000].mean() < 0.02
    assert alpha[20:300, 1150:].mean() < 0.02
