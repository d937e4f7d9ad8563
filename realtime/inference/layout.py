"""Which axes of a network's tensors are rows, columns and channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from realtime.frame import Float32

Layout = Literal["nchw", "nhwc"]

Axes = Sequence[int | str | None]
"""A tensor's shape as its file declares it: numbers, or names or nothing where it is free."""

# The coarsest answer that still has a person in it: deep networks see 32×32 pixels as one.
_COARSEST = 32

# Padding to a stride and halving make a side this much longer or shorter: pixels, and share of it.
_PIXELS = 1
_SHARE = 0.02


def layout_of(axes: Axes, said: Layout | None) -> Layout | None:
    """How the RGB picture lies that a network takes, None where it takes none or does not tell.

    Args:
        axes: declared.
        said: what a sidecar says; the word on axes that are free, and no more than that.
    """
    if len(axes) != 4:
        return None
    channels: dict[Layout, int | str | None] = {"nchw": axes[1], "nhwc": axes[3]}
    told = [layout for layout, axis in channels.items() if axis == 3]
    if said is None:
        return told[0] if told else None
    free = not told and not isinstance(channels[said], int)
    return said if said in told or free else None


def tells_channels(axes: Axes) -> bool:
    """Whether a declared [n, c, h, w] or [n, h, w, c] says how many channels there are."""
    return len(axes) != 4 or (isinstance(axes[1], int) and isinstance(axes[3], int))


def channels_in(axes: Axes) -> int | None:
    """How many channels a declared output has, None where it does not tell.

    Whether they come first or last is open; channels are fewer than rows and columns.
    """
    if len(axes) == 2:
        return 1
    if len(axes) not in (3, 4):
        return None
    return min((axis for axis in (axes[-3], axes[-1]) if isinstance(axis, int)), default=None)


def planes_of(output: Float32, size: tuple[int, int], channels_first: bool) -> Float32:
    """An output as planes. Its shape tells how it is laid out: an alpha has the picture's aspect.

    Args:
        output: [1, c, h', w'] or [1, h', w', c]; the batch's axis and the channels' may be lacking.
        size: (width, height) of the picture that the network was shown; h' and w' may differ from
            it by a factor.
        channels_first: how the picture was laid out, which decides where both would do.

    Returns:
        float32 (c, h', w'), a view.

    Raises:
        ValueError: it cannot show the picture; says what to do.
    """
    planes = output[0] if output.ndim == 4 and len(output) == 1 else output
    if planes.ndim == 2:
        planes = planes[None]
    if planes.ndim == 3:
        moved = planes.transpose(2, 0, 1)
        for read in (planes, moved) if channels_first else (moved, planes):
            if _may_show(read.shape[1:], size):
                return read
    raise ValueError(
        f"gives {list(output.shape)}, no alpha of a picture of {size[0]}×{size[1]}; choose a "
        'person-segmentation network, or write {"output": …} into a .json beside it, which of its '
        "outputs is one"
    )


def _may_show(shape: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether (rows, columns) can be a whole picture of this (width, height)."""
    (rows, columns), (width, height) = shape, size
    if rows * _COARSEST < height or columns * _COARSEST < width:
        return False
    down, across = _PIXELS + rows * _SHARE, _PIXELS + columns * _SHARE
    least = max((rows - down) / height, (columns - across) / width)
    most = min((rows + down) / height, (columns + across) / width)
    return least <= most
