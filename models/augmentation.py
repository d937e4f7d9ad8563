"""What cameras and light do to pictures.

Everything works on uint8 RGB [H, W, 3] at the size of the batch. All randomness comes from the
generators that are passed in.
"""

from collections.abc import Sequence
from fractions import Fraction

import av
import cv2
import numpy as np

from models.dataset import F32, U8

Size = tuple[int, int]


def tint(image: U8, rng: np.random.Generator) -> U8:
    """Another light: colour temperature, tint, brightness, gamma."""
    warmth, green = rng.normal(0, 0.09), rng.normal(0, 0.04)
    brightness = np.exp(rng.normal(0, 0.22))
    gamma = float(np.exp(rng.normal(0, 0.18)))
    ramp = (np.arange(256) / 255) ** gamma * brightness
    gains = np.exp([warmth, green, -warmth])
    table = np.clip(ramp[:, None] * gains * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def exposed(image: U8, gain: float, lift: float = 0.0) -> U8:
    """Brighter or darker by a factor, clipped as a sensor clips, on top of a veil of `lift`."""
    return np.asarray(cv2.convertScaleAbs(image, alpha=gain, beta=lift), np.uint8)


def camera(image: U8, rng: np.random.Generator, noise: np.random.Generator) -> U8:
    """What cheap cameras do: exposure, colour, contrast, softness, motion, noise, compression.

    Args:
        image: uint8 [H, W, 3].
        rng: chooses what the camera is like: the same state gives the same camera.
        noise: what differs from frame to frame.
    """
    if rng.random() < 0.6:
        image = tint(image, rng)
    if rng.random() < 0.3:
        image = _faded(image, rng)
    if rng.random() < 0.3:
        gain = float(np.exp(rng.normal(0, 0.25)))
        middle = float(image.mean())
        image = exposed(image, gain, middle * (1 - gain))
    dark = rng.random() < 0.1
    if dark:
        image = exposed(image, rng.uniform(0.2, 0.6))
    image = _softened(image, rng)
    strength = rng.uniform(5, 20) if dark else rng.uniform(1, 14)
    if dark or rng.random() < 0.3:
        shape = image.shape if rng.random() < 0.6 else (*image.shape[:2], 1)
        grain: F32 = noise.standard_normal(shape, np.float32) * np.float32(strength)
        if rng.random() < 0.4:
            grain = cv2.GaussianBlur(grain, (0, 0), 0.8).reshape(shape)
        image = np.asarray(np.clip(image + grain, 0, 255), np.uint8)
    if dark and rng.random() < 0.7:
        image = exposed(image, rng.uniform(1.2, 2.5))  # the camera's own gain
    if rng.random() < 0.3:
        quality = int(rng.integers(20, 90))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return image


def _faded(image: U8, rng: np.random.Generator) -> U8:
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    amount = rng.uniform(0, 1) if rng.random() < 0.3 else rng.uniform(0, 0.5)
    return np.asarray(cv2.addWeighted(image, 1 - amount, grey, amount, 0), np.uint8)


def _softened(image: U8, rng: np.random.Generator) -> U8:
    """Out of focus, moved while exposed, or sharpened by the camera; mostly none of these."""
    kind = rng.random()
    if kind < 0.12:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.4)), np.uint8)
    if kind < 0.2:
        length = int(rng.integers(3, 10))
        kernel = np.zeros((length, length), np.float32)
        middle = (length - 1) / 2
        slope = rng.uniform(0, np.pi)
        dx, dy = np.cos(slope) * middle, np.sin(slope) * middle
        start = (round(middle - dx), round(middle - dy))
        end = (round(middle + dx), round(middle + dy))
        cv2.line(kernel, start, end, 1.0)
        return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)
    if kind < 0.27:
        sharp = cv2.addWeighted(image, 1.8, cv2.GaussianBlur(image, (0, 0), 1.0), -0.8, 0)
        return np.asarray(sharp, np.uint8)
    return image


def h264(frames: Sequence[U8], rng: np.random.Generator) -> list[U8]:
    """The frames as a video call shows them: compressed hard with H.264, in 4:2:0."""
    height, width = frames[0].shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, 30)
    quality = str(int(rng.integers(28, 42)))
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": quality, "threads": "1"}
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    packets = [
        packet
        for image in frames
        for packet in encoder.encode(av.VideoFrame.from_ndarray(image, format="rgb24"))
    ]
    packets += encoder.encode(None)
    decoded = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in decoded]


def plain_background(size: Size, rng: np.random.Generator) -> U8:
    """A wall: a gradient between two colours, with soft blotches."""
    height, width = size
    corners = rng.uniform(0, 255, (2, 2, 3)).astype(np.float32)
    corners += (corners.mean() - corners) * np.float32(rng.uniform(0.3, 1))
    wall = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    cells = rng.standard_normal((6, 8, 3), np.float32) * np.float32(rng.uniform(0, 25))
    wall = wall + cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wall, 0, 255), np.uint8)
