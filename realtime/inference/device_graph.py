"""A network on a device: a frame's planes cross to it once, and the alpha comes back once.

frame's planes ──▶ ┌ scale ─ RGB ─ network ┐ ──▶ alpha, and a thumbnail where it is asked for
                   └── one captured graph ─┘

The file is one of `models.planes`: scaling and colours are a part of the network. Memory on the
device is taken once for each size of frame and network, and with it CUDA captures all that a frame
needs as one graph: one launch in place of some three hundred.

Each size has a session of its own. In one for all, convolutions make new code for each size and let
go of the old, which what was captured before goes on calling: seen, as an illegal instruction. A
session takes seconds to make that code, so it is worth opening for the size that will come.

Copies are from and to ordinary memory. Pinned memory, from which they would be faster, is not to be
had from onnxruntime's Python for the CUDA provider that it comes with; and planes would have to be
copied there first, which takes about as long as it gains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from realtime.errors import DeviceError
from realtime.frame import Float32, UInt8
from realtime.inference.session import DEVICE_LOCK, create_on_cpu, create_on_cuda, first_line
from realtime.inference.thumbnail import Thumbnail, thumbnail_size
from realtime.scaling import Shrinking

Way = Literal["captured", "bound", "plain"]
"""How frames are run: as one captured graph, on memory that stays on the device, or with everything
handed over each time."""

WAYS: dict[str, tuple[Way, ...]] = {
    "cuda": ("captured", "bound", "plain"),
    "cpu": ("bound", "plain"),
}
"""Those of each device, best first; where one fails, the next is taken."""

_TOLD: dict[Way, str] = {
    "captured": "CUDA works, a frame is one captured graph",
    "bound": "CUDA works, but not with captured graphs",
    "plain": "CUDA works, but not with memory that stays on the device",
}

_T = TypeVar("_T")

# Shapes of luma and of chroma, and the size that the network is shown.
_Key = tuple[tuple[int, ...], tuple[int, ...], tuple[int, int]]

# Sizes of frame and network together whose sessions are kept: those of two levels, each upright and
# lying down. On an H200 one takes some 100 MB there.
_MOST_SIZES = 4

_OPTIONS = {
    # Trying every algorithm of a hundred convolutions takes seconds at each new size.
    "cudnn_conv_algo_search": "HEURISTIC",
    # What is computed in 32 bits is meant to be: colours.
    "use_tf32": "0",
}

_OUTPUTS = ("alpha", "thumbnail")

AS_THEY_ARE: NDArray[np.float64] = np.eye(3, 4)
"""Colours of planes that are RGB already."""


class DeviceGraph:
    """Runs a network of `models.planes`. Not for several threads at once.

    Where the device refuses the best way to run it, now or later, the next is taken.

    Args:
        content: of the ONNX file.
        device: "cuda", or "cpu" to check without one what it will do.
        ways: to try, best first; None for all of the device.

    Attributes:
        metadata: what the file says of the network.

    Raises:
        DeviceError: onnxruntime has no CUDA.
        Exception: no way works; what onnxruntime says, which has no common exception type.
    """

    def __init__(
        self,
        content: bytes,
        device: Literal["cuda", "cpu"] = "cuda",
        ways: Sequence[Way] | None = None,
    ) -> None:
        self._content = content
        self._device = device
        self._ways = list(WAYS[device] if ways is None else ways)
        self._obstacle = ""
        self._run: _Run | None = None
        self._kept: dict[_Key, _Run] = {}
        # Ready for the first size.
        self._unused = self._best(self._open)
        self.metadata: dict[str, str] = self._unused.get_modelmeta().custom_metadata_map

    @property
    def way(self) -> Way:
        """How frames are run now."""
        return self._ways[0]

    @property
    def reason(self) -> str:
        """What works, and why not better."""
        told = _TOLD[self.way]
        return f"{told}: {self._obstacle}" if self._obstacle else told

    @property
    def moved(self) -> dict[str, int]:
        """Bytes of what the last frame moved to and from the device, by the tensor's name."""
        assert self._run is not None
        return self._run.moved

    def __call__(
        self, planes: Sequence[UInt8], color: NDArray[np.float64], size: tuple[int, int]
    ) -> Float32:
        """Runs the network.

        Args:
            planes: luma, and two more, of another size if need be; uint8 (H, W).
            color: (3, 4), from their levels to RGB in 0..255; the last column is the offset.
            size: (width, height) that the network is shown.

        Returns:
            float32 (1, 1, height, width) as the network gives it; the next frame may overwrite it.

        Raises:
            Exception: no way works; what onnxruntime says.
        """
        key = _key(planes, size)
        return self._best(lambda: self._run_of(key, planes, size).alpha(planes, color), key)

    def thumbnail(self) -> Thumbnail:
        """The last frame's, as `Thumbnail.of_rgb` makes it."""
        assert self._run is not None
        with self._lock():
            # Of the CPU's memory onnxruntime lends a view, which the next frame would change.
            return Thumbnail(*self._run.fetched("thumbnail").copy())

    def ready_for(self, planes: Sequence[UInt8], size: tuple[int, int]) -> bool:
        """Whether frames of this size, shown at that size, have a session."""
        return _key(planes, size) in self._kept

    def close(self) -> None:
        """Lets go of everything on the device. Idempotent; a frame would open it again."""
        with self._lock():
            self._clear()

    def _lock(self) -> AbstractContextManager[Any]:
        return DEVICE_LOCK if self._device == "cuda" else nullcontext()

    def _best(self, act: Callable[[], _T], key: _Key | None = None) -> _T:
        """Does something in the best way that works; those that do not are not tried again.

        Args:
            act: what to do.
            key: of the size that it is for.
        """
        while True:
            with self._lock():
                try:
                    return act()
                except DeviceError:
                    raise
                except Exception as error:
                    if not any(other != key for other in self._kept):
                        if len(self._ways) == 1:
                            raise
                        self._obstacle = first_line(error)
                        del self._ways[0]
                    # Without the other sizes there is more memory. And after a failed capture a
                    # session cannot be used any more; until it is gone, no memory can be taken on
                    # the device. What was called holds it, too.
                    error.__traceback__ = None
                    self._clear()

    def _clear(self) -> None:
        self._unused = self._run = None
        self._kept.clear()

    def _open(self) -> Any:
        if self._device == "cpu":
            return create_on_cpu(self._content)
        captured = {"enable_cuda_graph": "1"} if self.way == "captured" else {}
        return create_on_cuda(self._content, _OPTIONS | captured)

    def _run_of(self, key: _Key, planes: Sequence[UInt8], size: tuple[int, int]) -> _Run:
        """What runs frames of this size; what was not used for the longest time is let go."""
        run = self._kept.pop(key, None)
        if run is None:
            while len(self._kept) >= _MOST_SIZES:
                del self._kept[next(iter(self._kept))]
            session, self._unused = self._unused or self._open(), None
            matrices = _matrices(planes, size)
            if self.way == "plain":
                run = _Plain(session, matrices)
            else:
                run = _Bound(session, self._device, matrices, planes, size)
        self._kept[key] = self._run = run
        return run


class _Run(Protocol):
    """Runs frames of one size, for a network of one size."""

    moved: dict[str, int]

    def alpha(self, planes: Sequence[UInt8], color: NDArray[np.float64]) -> Float32: ...

    def fetched(self, name: str) -> Any: ...


class _Bound:
    """On memory that stays on the device.

    Args:
        session: of the network.
        device: where it runs.
        matrices: see `_matrices`.
        planes: of a frame of this size.
        size: (width, height) that the network is shown.
    """

    def __init__(
        self,
        session: Any,
        device: str,
        matrices: dict[str, NDArray[Any]],
        planes: Sequence[UInt8],
        size: tuple[int, int],
    ) -> None:
        self.moved: dict[str, int] = {}
        self._session = session
        self._binding = session.io_binding()
        self._color: NDArray[np.float64] | None = None
        width, height = size
        inputs: dict[str, NDArray[Any]] = dict(zip("yuv", planes, strict=True))
        inputs |= matrices | _colors(AS_THEY_ARE)
        outputs = {
            "alpha": ((1, 1, height, width), np.float32),
            "thumbnail": ((3, *thumbnail_size(width, height)[::-1]), np.uint8),
        }
        tensors = {name: (array.shape, array.dtype.type) for name, array in inputs.items()}
        self._values = {
            name: ort.OrtValue.ortvalue_from_shape_and_type(list(shape), kind, device, 0)
            for name, (shape, kind) in (tensors | outputs).items()
        }
        for name in inputs:
            self._binding.bind_ortvalue_input(name, self._values[name])
        for name in outputs:
            self._binding.bind_ortvalue_output(name, self._values[name])
        for name, matrix in matrices.items():
            self._put(name, matrix)

    def alpha(self, planes: Sequence[UInt8], color: NDArray[np.float64]) -> Float32:
        self.moved = {}
        if color is not self._color:
            for name, value in _colors(color).items():
                self._put(name, value)
            self._color = color
        for name, plane in zip("yuv", planes, strict=True):
            self._put(name, plane)
        self._session.run_with_iobinding(self._binding)
        alpha: Float32 = self.fetched("alpha")
        return alpha

    def _put(self, name: str, array: NDArray[Any]) -> None:
        # Before 1.30, onnxruntime takes no notice of gaps between rows, which decoders leave.
        self._values[name].update_inplace(np.ascontiguousarray(array))
        self.moved[name] = array.nbytes

    def fetched(self, name: str) -> Any:
        array = self._values[name].numpy()
        self.moved[name] = array.nbytes
        return array


class _Plain:
    """With everything handed over each time.

    Args:
        session: of the network.
        matrices: see `_matrices`.
    """

    def __init__(self, session: Any, matrices: dict[str, NDArray[Any]]) -> None:
        self.moved: dict[str, int] = {}
        self._session = session
        self._matrices = matrices

    def alpha(self, planes: Sequence[UInt8], color: NDArray[np.float64]) -> Float32:
        feed: dict[str, NDArray[Any]] = {
            name: np.ascontiguousarray(plane) for name, plane in zip("yuv", planes, strict=True)
        }
        feed |= self._matrices | _colors(color)
        found = self._session.run(_OUTPUTS, feed)
        self._found: dict[str, NDArray[Any]] = dict(zip(_OUTPUTS, found, strict=True))
        self.moved = {name: array.nbytes for name, array in (feed | self._found).items()}
        return self._found["alpha"]

    def fetched(self, name: str) -> Any:
        return self._found[name]


def _key(planes: Sequence[UInt8], size: tuple[int, int]) -> _Key:
    """What has a session of its own."""
    return planes[0].shape, planes[1].shape, size


def _matrices(planes: Sequence[UInt8], size: tuple[int, int]) -> dict[str, NDArray[Any]]:
    """The inputs that scale planes of this size, and the thumbnail."""
    small = Shrinking.of(*size, thumbnail_size(*size))
    found: dict[str, NDArray[Any]] = {"small_rows": small.rows, "small_columns": small.columns}
    for prefix, plane in (("", planes[0]), ("chroma_", planes[1])):
        scaling = Shrinking.of(plane.shape[1], plane.shape[0], size)
        found[f"{prefix}rows"] = scaling.rows.astype(np.float16)
        found[f"{prefix}columns"] = scaling.columns.astype(np.float16)
    return found


def _colors(color: NDArray[np.float64]) -> dict[str, Float32]:
    """The inputs that make planes RGB."""
    return {
        # The network has the planes in its last axis, and multiplies from the right.
        "color": np.ascontiguousarray(color[:, :3].T, np.float32),
        "offset": np.ascontiguousarray(color[:, 3], np.float32),
    }
