"""FFmpeg's pictures of any format as planes of YUV 4:2:0, with as little work as each allows."""

from __future__ import annotations

from fractions import Fraction

import cv2

# isort: split
import av
from av.video.reformatter import ColorRange, Colorspace

from realtime.frame import ColorTags, Planes, UInt8
from realtime.media import plane_view

_RANGES: dict[int, bool] = {ColorRange.MPEG: False, ColorRange.JPEG: True}


def is_rgb(format: av.VideoFormat) -> bool:
    """Whether pictures are RGB, a palette's included, of which FFmpeg does not say so."""
    return format.is_rgb or format.has_palette


def tags_of(described: av.VideoFrame | av.VideoCodecContext) -> ColorTags:
    """How to read the planes that become of a picture, or of those that a codec is to give.

    RGB becomes BT.709 in limited range.
    """
    format = described.format
    full, matrix = _RANGES.get(described.color_range), described.colorspace
    if format is not None and is_rgb(format):
        full, matrix = False, Colorspace.ITU709
    elif format is not None and format.name.startswith("yuvj"):
        full = True
    return ColorTags(full, int(matrix), int(described.color_primaries), int(described.color_trc))


def to_yuv420p(frame: av.VideoFrame, size: tuple[int, int]) -> tuple[Planes, ColorTags]:
    """Views on a decoded frame's planes, converted only if it is something else than 4:2:0.

    Args:
        frame: of any size and format.
        size: width and height to bring it to.

    Returns:
        The planes, and how to read them: see `tags_of`.

    Raises:
        OSError: FFmpeg cannot convert the format.
    """
    color = tags_of(frame)
    if frame.format.name not in ("yuv420p", "yuvj420p") or (frame.width, frame.height) != size:
        options: dict[str, int] = {}
        if is_rgb(frame.format):
            options["dst_colorspace"] = Colorspace.ITU709
        color_range = ColorRange.JPEG if color.full_range else ColorRange.MPEG
        frame = frame.reformat(*size, format="yuv420p", dst_color_range=color_range, **options)
    width, height = size
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    planes = Planes(
        plane_view(frame.planes[0], height, width),
        plane_view(frame.planes[1], half_height, half_width),
        plane_view(frame.planes[2], half_height, half_width),
    )
    return planes, color


def crop_to_even(planes: Planes) -> Planes:
    """The picture without an odd last row or column."""
    height, width = planes.height // 2, planes.width // 2
    return Planes(
        planes.y[: 2 * height, : 2 * width],
        planes.u[:height, :width],
        planes.v[:height, :width],
    )


def square_width(width: int, pixel_aspect: Fraction) -> int:
    """Pixels that a line of so many becomes once they are square; even."""
    return max(2, 2 * round(width * pixel_aspect / 2))


def with_square_pixels(planes: Planes, pixel_aspect: Fraction) -> Planes:
    """The picture with lines as long as they are to look, for pixels of that width by height."""
    width = square_width(planes.width, pixel_aspect)
    if width == planes.width:
        return planes
    way = cv2.INTER_AREA if width < planes.width else cv2.INTER_LINEAR
    y, u, v = (
        cv2.resize(plane, (columns, len(plane)), interpolation=way)
        for plane, columns in zip(planes, (width, width // 2, width // 2), strict=True)
    )
    return Planes(y, u, v)


def from_camera(frame: av.VideoFrame, *, lent: bool) -> Planes:
    """A camera's picture at its own size; `tags_of` it says how to read the planes.

    Args:
        frame: as it came.
        lent: whether its memory is the driver's, which takes it back when the device is closed,
            whoever still looks: then what would be a view is a copy.
    """
    name = frame.format.name
    if name in ("yuv422p", "yuvj422p"):
        planes = _halve_chroma(frame)
    elif name in ("yuyv422", "uyvy422", "nv12"):
        # FFmpeg parts these, and averages the chroma of two lines, at the speed of a copy. Its
        # range is not to be touched, and without being told it is not.
        planes, _ = to_yuv420p(frame.reformat(format="yuv420p"), (frame.width, frame.height))
        return crop_to_even(planes)
    else:
        planes, _ = to_yuv420p(frame, (frame.width, frame.height))
        if name not in ("yuv420p", "yuvj420p"):
            lent = False
    planes = crop_to_even(planes)
    if lent:
        planes = Planes(*(plane.copy() for plane in planes))
    return planes


def _halve_chroma(frame: av.VideoFrame) -> Planes:
    """4:2:2 to 4:2:0: the mean of each two chroma lines, ten times as fast as FFmpeg's scaler."""
    width, height = frame.width, frame.height
    y = plane_view(frame.planes[0], height, width)
    u, v = (plane_view(plane, height, (width + 1) // 2) for plane in frame.planes[1:3])
    return Planes(y, _mean_of_rows(u), _mean_of_rows(v))


def _mean_of_rows(plane: UInt8) -> UInt8:
    even = len(plane) // 2 * 2
    mean: UInt8 = cv2.addWeighted(plane[0:even:2], 0.5, plane[1:even:2], 0.5, 0)
    return mean
