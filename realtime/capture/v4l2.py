"""What Linux tells about a camera: Video4Linux2's ioctls, asked through Python's own `fcntl`.

Nothing here streams, so a camera that another program uses can be asked as well. Constants and
layouts are those of the kernel's interface, linux/videodev2.h; only 64-bit and 32-bit layouts that
differ are told apart.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from realtime.capture.modes import Mode
from realtime.frame import ColorTags

_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE

_CAN_CAPTURE, _CAN_OUTPUT, _CAN_CAPTURE_PLANES = 0x1, 0x2, 0x1000
_HAS_DEVICE_CAPABILITIES = 0x80000000

_READ, _BOTH = 2, 3

# In v4l2_format a union with pointers follows a 32-bit number.
_PICTURE_OFFSET = struct.calcsize("@I0P")
_FORMAT_SIZE = _PICTURE_OFFSET + 200


def _request(direction: int, number: int, size: int) -> int:
    """The kernel's _IOR and _IOWR for the type letter 'V'."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


_QUERYCAP = _request(_READ, 0, 104)
_ENUM_FMT = _request(_BOTH, 2, 64)
_G_FMT = _request(_BOTH, 4, _FORMAT_SIZE)
_ENUM_FRAMESIZES = _request(_BOTH, 74, 44)
_ENUM_FRAMEINTERVALS = _request(_BOTH, 75, 52)

# FFmpeg's names for the pixel formats that its v4l2 reader takes and that we can use.
FFMPEG_NAMES = {
    "YU12": "yuv420p",
    "NV12": "nv12",
    "YUYV": "yuyv422",
    "UYVY": "uyvy422",
    "422P": "yuv422p",
    "MJPG": "mjpeg",
    "JPEG": "mjpeg",
    "RGB3": "rgb24",
    "BGR3": "bgr24",
    "BGR4": "bgr0",
    "H264": "h264",
    "GREY": "gray",
}

# What a camera is asked for that takes any size in a range.
_USUAL_SIZES = (
    (320, 180),
    (320, 240),
    (640, 360),
    (640, 480),
    (800, 600),
    (960, 540),
    (1280, 720),
    (1920, 1080),
    (2560, 1440),
    (3840, 2160),
)
_USUAL_RATES = tuple(Fraction(rate) for rate in (5, 10, 15, 20, 24, 25, 30, 50, 60))

# Drivers have been seen that never say that a list has ended.
_LONGEST_LIST = 256


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Who a device is, and what it can do at the moment.

    Attributes:
        driver: of the kernel, such as "uvcvideo" or "v4l2 loopback".
        name: what people call it.
        bus: where it is plugged in.
        captures: whether pictures can be read from it now.
        outputs: whether pictures can be written to it now.
    """

    driver: str
    name: str
    bus: str
    captures: bool
    outputs: bool


def open_device(path: str) -> int:
    """A file descriptor to ask; raises OSError."""
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def capabilities(fd: int) -> Capabilities:
    """Asks who the device is; raises OSError, ENOTTY where it is no video device."""
    answer = bytearray(104)
    fcntl.ioctl(fd, _QUERYCAP, answer)
    every, of_node = struct.unpack_from("=II", answer, 84)
    can = of_node if every & _HAS_DEVICE_CAPABILITIES else every
    return Capabilities(
        driver=_text(answer[0:16]),
        name=_text(answer[16:48]),
        bus=_text(answer[48:80]),
        captures=bool(can & (_CAN_CAPTURE | _CAN_CAPTURE_PLANES)),
        outputs=bool(can & _CAN_OUTPUT),
    )


def modes(fd: int, wanted: tuple[int, int] | None = None) -> Iterator[Mode]:
    """Lists what the device can capture, in pixel formats that we can use.

    Args:
        fd: of the device.
        wanted: width and height to list as well where the device takes any size in a range.
    """
    for pixels in _pixel_formats(fd):
        for width, height in dict.fromkeys(_sizes(fd, pixels, wanted)):
            rates = tuple(sorted(set(_rates(fd, pixels, width, height)), reverse=True))
            yield Mode(_text(pixels), width, height, rates)


def color(fd: int) -> ColorTags:
    """How the numbers of the present format are meant; RGB formats aside."""
    answer = bytearray(_FORMAT_SIZE)
    struct.pack_into("=I", answer, 0, _CAPTURE)
    fcntl.ioctl(fd, _G_FMT, answer)
    picture = struct.unpack_from("=12I", answer, _PICTURE_OFFSET)
    return color_tags(picture[6], picture[9], picture[10], picture[11])


# V4L2_COLORSPACE_*, to primaries and transfer of H.273; sRGB (8) is what webcams claim.
_PRIMARIES = {1: 6, 2: 7, 3: 1, 5: 4, 6: 5, 7: 1, 8: 1, 10: 9, 12: 11}
_TRANSFERS = {1: 6, 2: 7, 3: 1, 5: 4, 6: 5, 7: 13, 8: 13, 10: 14}
# V4L2_YCBCR_ENC_*: xvYCC differs from its base by the range of numbers alone.
_MATRICES = {1: 6, 2: 1, 3: 6, 4: 1, 6: 9, 7: 10, 8: 7}
# What the kernel says to take for V4L2_YCBCR_ENC_DEFAULT; BT.601 everywhere else.
_DEFAULT_MATRICES = {2: 7, 3: 1, 10: 9, 12: 1}
_TRANSFER_FUNCTIONS = {1: 1, 2: 13, 4: 7, 5: 8, 7: 16}
_COLORSPACE_JPEG = 7
_FULL_RANGE = 1


def color_tags(colorspace: int, encoding: int, quantization: int, transfer: int) -> ColorTags:
    """The kernel's four words on colour, with its rules for those left at their default (0)."""
    full = quantization == _FULL_RANGE or (quantization == 0 and colorspace == _COLORSPACE_JPEG)
    return ColorTags(
        full_range=full,
        matrix=_MATRICES.get(encoding, _DEFAULT_MATRICES.get(colorspace, 6)),
        primaries=_PRIMARIES.get(colorspace, 2),
        transfer=_TRANSFER_FUNCTIONS.get(transfer, _TRANSFERS.get(colorspace, 2)),
    )


def _text(field: bytes | bytearray) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace").strip()


def _each(fd: int, request: int, answer: bytearray, start: bytes) -> Iterator[bytearray]:
    """What a listing ioctl says for index 0, 1, 2 … until it refuses."""
    for index in range(_LONGEST_LIST):
        answer[:] = bytes(len(answer))
        answer[: 4 + len(start)] = struct.pack("=I", index) + start
        try:
            fcntl.ioctl(fd, request, answer)
        except OSError as error:
            # EINVAL is the end of the list, ENOTTY a driver without such a list.
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                return
            raise
        yield answer


def _pixel_formats(fd: int) -> Iterator[bytes]:
    for answer in _each(fd, _ENUM_FMT, bytearray(64), struct.pack("=I", _CAPTURE)):
        pixels = bytes(answer[44:48])
        if _text(pixels) in FFMPEG_NAMES:
            yield pixels


def _sizes(fd: int, pixels: bytes, wanted: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    for answer in _each(fd, _ENUM_FRAMESIZES, bytearray(44), pixels):
        (kind,) = struct.unpack_from("=I", answer, 8)
        if kind == 1:
            yield struct.unpack_from("=II", answer, 12)
            continue
        least_w, most_w, step_w, least_h, most_h, step_h = struct.unpack_from("=6I", answer, 12)
        for width, height in (*_USUAL_SIZES, *([wanted] if wanted else [])):
            fits_width = least_w <= width <= most_w and not (width - least_w) % max(1, step_w)
            fits_height = least_h <= height <= most_h and not (height - least_h) % max(1, step_h)
            if fits_width and fits_height:
                yield width, height
        return


def _rates(fd: int, pixels: bytes, width: int, height: int) -> Iterator[Fraction]:
    start = pixels + struct.pack("=II", width, height)
    for answer in _each(fd, _ENUM_FRAMEINTERVALS, bytearray(52), start):
        (kind,) = struct.unpack_from("=I", answer, 16)
        if kind == 1:
            seconds, parts = struct.unpack_from("=II", answer, 20)
            if seconds and parts:
                yield Fraction(parts, seconds)
            continue
        shortest, per, longest, per_longest = struct.unpack_from("=4I", answer, 20)
        if not (shortest and per and longest and per_longest):
            return
        fastest, slowest = Fraction(per, shortest), Fraction(per_longest, longest)
        yield from (rate for rate in _USUAL_RATES if slowest <= rate <= fastest)
        return
