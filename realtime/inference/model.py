"""A segmentation network: RGB of its own size in, alpha out."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from realtime.color import yuv_to_rgb_matrix
from realtime.errors import DeviceError, DeviceFailedError, ModelError
from realtime.frame import ColorTags, Float32, Planes, UInt8
from realtime.inference.activation import activate, remedy
from realtime.inference.bound import BoundRun
from realtime.inference.convention import Convention
from realtime.inference.device_graph import AS_THEY_ARE, DeviceGraph
from realtime.inference.layout import layout_of, planes_of, tells_channels
from realtime.inference.session import (
    CPU,
    CUDA,
    DEVICE_LOCK,
    Device,
    advice_for,
    first_line,
    is_onnxruntimes,
    open_session,
)
from realtime.inference.thumbnail import Thumbnail


class Embedded(NamedTuple):
    """A network that comes with the package.

    Attributes:
        cpu: its file for a CPU.
        cuda: its file for CUDA, of `models.planes`; or the same as for a CPU.
        pixels: the share of its native pixels that it is shown.
    """

    cpu: str
    cuda: str
    pixels: float = 1.0


SMALLER = 0.65
"""Share of its pixels at which a network is still worth running: 288×128 of 288×192. With a third
of them mattes are twice as wrong."""

# Names that `--model` knows besides "default". A CPU gets 8-bit weights, which a GPU is slow at:
# that one gets 16-bit floats, and pre-processing in the same file. Those in float are there to
# compare with.
# `balanced` sees 512×288, `quality` 608×352.
EMBEDDED = {
    "fast": Embedded("fast.onnx", "fast_cuda.onnx"),
    "quality": Embedded("quality.onnx", "quality_cuda.onnx"),
    "balanced": Embedded("quality.onnx", "quality_cuda.onnx", 0.69),
    "fast-float": Embedded("fast_float.onnx", "fast_float.onnx"),
    "quality-float": Embedded("quality_float.onnx", "quality_float.onnx"),
}


class Shape(NamedTuple):
    """What frames are taken for until they come.

    Attributes:
        width: even.
        height: even.
        pixel_aspect: width of a pixel by its height.
    """

    width: int = 1920
    height: int = 1080
    pixel_aspect: float = 1.0


SHAPE = Shape()

# Those that stand in for each other.
BEST_FIRST = ("quality", "balanced", "fast")

# Probabilities leave a quantized sigmoid a little outside 0..1; logits are far outside.
_TOLERANCE = 0.01

# Inputs of recurrent networks that are no pictures, as RobustVideoMatting names them: memories,
# which return as outputs r1o, r2o …, and the scale at which it works inside.
_MEMORY = re.compile(r"r(\d+)i")
_SCALE = "downsample_ratio"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a network takes and gives.

    Attributes:
        convention: what its file does not say by itself.
        input_name: of the picture.
        output_name: of the alpha.
        channels_first: [n, 3, h, w] where True, [n, h, w, 3] where False.
        fixed_size: (width, height), None where they are free.
        memories: shape of what a recurrent network remembers, by the name of the input.
        takes_scale: whether it wants to be told the scale at which to work inside.
    """

    convention: Convention
    input_name: str
    output_name: str
    channels_first: bool
    fixed_size: tuple[int, int] | None
    memories: dict[str, tuple[int, ...]]
    takes_scale: bool

    @classmethod
    def of(cls, session: Any, sidecar: str | None, name: str) -> Signature:
        """Reads it off a session.

        Raises:
            ModelError: the network does not take one RGB picture, or its sidecar is wrong.
        """
        inputs = {i.name: i for i in session.get_inputs()}
        memories = {
            # Before the first frame a memory is empty: one pixel of zeros, which broadcasts.
            n: tuple(side if isinstance(side, int) else 1 for side in i.shape)
            for n, i in inputs.items()
            if _MEMORY.fullmatch(n)
        }
        pictures = [i for n, i in inputs.items() if n not in memories and n != _SCALE]
        outputs = {o.name: o.shape for o in session.get_outputs()}
        metadata = session.get_modelmeta().custom_metadata_map
        convention = Convention.read(metadata, sidecar, name, outputs)
        shape = pictures[0].shape if pictures else []
        layout = layout_of(shape, convention.layout)
        if len(pictures) != 1 or pictures[0].type != "tensor(float)" or layout is None:
            taken = ", ".join(f"{i.name} {i.type} {i.shape}" for i in pictures[:2])
            mend = "choose a network that takes one float RGB picture, [n, 3, h, w] or [n, h, w, 3]"
            if layout is None and convention.layout is not None:
                mend += f', or do without "layout": "{convention.layout}"'
            elif layout is None and not tells_channels(shape):
                mend += ', or write {"layout": "nchw"} or {"layout": "nhwc"} into a .json beside it'
            raise ModelError(f"{name}: takes {taken}; {mend}")
        channels_first = layout == "nchw"
        height, width = shape[2:4] if channels_first else shape[1:3]
        fixed = isinstance(width, int) and isinstance(height, int)
        return cls(
            convention=convention,
            input_name=pictures[0].name,
            output_name=convention.output_among(outputs),
            channels_first=channels_first,
            fixed_size=(width, height) if fixed else None,
            memories=memories,
            takes_scale=_SCALE in inputs,
        )

    @classmethod
    def of_planes(cls, metadata: dict[str, str], name: str) -> Signature:
        """Of a network of `models.planes`, whose file says this."""
        return cls(
            convention=Convention.read(metadata, None, name),
            input_name="y",
            output_name="alpha",
            channels_first=True,
            fixed_size=None,
            memories={},
            takes_scale=False,
        )

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """The (width, height) at which to show a picture of this size to the network.

        The height that suits the picture's aspect, then the width that keeps to the native number
        of pixels: the rule by which `models.sizes` chose the sizes of the training. Aspects beyond
        1:3 are squashed to it.
        """
        if self.fixed_size is not None:
            return self.fixed_size
        native_width, native_height = self.convention.native_size
        pixels, stride = native_width * native_height, self.convention.stride
        aspect = min(3.0, max(1 / 3, width / height))
        rows = max(1, round(math.sqrt(pixels / aspect) / stride)) * stride
        columns = max(1, round(pixels / rows / stride)) * stride
        return columns, rows

    def with_pixels(self, share: float) -> Signature:
        """The same network, shown this share of its native pixels; no less where its size is fixed.

        Args:
            share: above 0.
        """
        side = math.sqrt(share)
        columns, rows = (max(1, round(size * side)) for size in self.convention.native_size)
        return replace(self, convention=replace(self.convention, native_size=(columns, rows)))

    def feed(self, picture: UInt8, tensor: Float32 | None = None) -> dict[str, Float32]:
        """A picture, uint8 (h, w, 3) RGB, as the network takes it, and empty memories.

        Args:
            picture: of any size.
            tensor: memory to write the network's picture to, as an earlier feed had it; other
                memory is taken where it is None or of another shape.
        """
        height, width = picture.shape[:2]
        shape = (1, 3, height, width) if self.channels_first else (1, height, width, 3)
        if tensor is None or tensor.shape != shape:
            tensor = np.empty(shape, np.float32)
        planes = tensor[0] if self.channels_first else tensor[0].transpose(2, 0, 1)
        if self.convention.order == "bgr":
            planes = planes[::-1]
        # Plane by plane, many times faster than NumPy loops over three channels; and in two steps,
        # for NumPy is faster at multiplying what is of one kind.
        for index, plane in enumerate(cv2.split(picture)):
            mean, std = self.convention.mean[index], self.convention.std[index]
            np.copyto(planes[index], plane)
            planes[index] *= np.float32(self.convention.scale / 255 / std)
            if mean:
                planes[index] -= np.float32(mean / std)
        feed = {self.input_name: tensor}
        feed.update((name, np.zeros(shape, np.float32)) for name, shape in self.memories.items())
        if self.takes_scale:
            # The picture has the network's own size already.
            feed[_SCALE] = np.ones((1,), np.float32)
        return feed

    def probe(self) -> dict[str, Float32]:
        """An input to try the network on."""
        width, height = self.size_for(16, 9)
        return self.feed(np.zeros((height, width, 3), np.uint8))

    def planes(self, output: Float32, size: tuple[int, int]) -> Float32:
        """An output as planes.

        Args:
            output: float32, in a layout of `layout.planes_of`.
            size: (width, height) of the picture that the network was shown.

        Returns:
            float32 (c, h', w'), a view.

        Raises:
            ValueError: it cannot show that picture, or lacks the person's channel.
        """
        planes = planes_of(output, size, self.channels_first)
        channel = self.convention.channel
        if not -len(planes) <= channel < len(planes):
            raise ValueError(
                f"has no channel {channel} among its {len(planes)}; "
                'write {"channel": …} into a .json beside it, which of them is the person'
            )
        return planes

    def alpha(self, planes: Float32) -> Float32:
        """The person's channel of `planes`, float32 (h', w'), its activation applied.

        Raises:
            ValueError: the activation does not suit the number of channels.
        """
        alpha: Float32 = activate(planes, self.convention.activation)[self.convention.channel]
        return alpha


class Model:
    """Loads a network and runs it.

    Accepted: a float32 RGB picture as [n, 3, h, w] or [n, h, w, 3], sides fixed or free; an output
    of one or more channels in either layout, as large as the picture or smaller or larger by a
    factor. What the file leaves open, a `Convention` says.
    Recurrent networks that name their memories as RobustVideoMatting does are fed their own. On
    CUDA, an embedded one does the pre-processing too.

    Args:
        model: a name from `EMBEDDED`, or the path of an ONNX file.
        device: "auto", "cpu" or "cuda".
        shape: of the frames to come, as far as it is known: on CUDA, it takes seconds to get ready
            for others.

    Attributes:
        name: for messages.
        signature: what the network takes.
        shape: as above.
        provider: what computes, as onnxruntime calls it.
        graph: what runs it where it `takes_planes`, else None.
        licence: as the file says, empty where it does not.

    Raises:
        ModelError: no such model, or the file is not one.
        DeviceError: the device cannot be used.
    """

    def __init__(self, model: str | Path, device: Device = "auto", shape: Shape = SHAPE) -> None:
        self.name = str(model)
        self.shape = shape
        content, sidecar = read_model(model)
        on_cuda: Callable[[], tuple[Any, str]] | None = None
        embedded = EMBEDDED.get(self.name)
        if embedded:
            source: bytes | str = content
            if embedded.cuda != embedded.cpu:
                on_cuda = partial(self._open_graph, embedded)
        else:
            # By its path: large networks keep their weights in files beside.
            source = os.fspath(model)
        opened = open_session(
            source,
            self.name,
            device,
            lambda s: Signature.of(s, sidecar, self.name).probe(),
            on_cuda=on_cuda,
        )
        self._session = opened.session
        self.graph = self._session if isinstance(self._session, DeviceGraph) else None
        if self.graph:
            metadata = self.graph.metadata
        else:
            metadata = self._session.get_modelmeta().custom_metadata_map
            self.signature = Signature.of(self._session, sidecar, self.name)
            if embedded:
                self.signature = self.signature.with_pixels(embedded.pixels)
        self.provider = opened.provider
        self._reason = opened.reason
        self.licence: str = metadata.get("licence") or metadata.get("license", "")
        self._outputs = [
            self.signature.output_name,
            *(f"{name[:-1]}o" for name in self.signature.memories),
        ]
        # Of others' networks nobody knows whether outputs keep their size.
        self._bound = (
            BoundRun(self._session, self.signature.input_name, self.signature.output_name)
            if embedded and self.provider == CPU
            else None
        )
        self._memory: dict[str, Float32] = {}
        self._tensor: Float32 | None = None

    @property
    def computes(self) -> tuple[str, str]:
        """What computes, and why; see `Provided`."""
        return self.provider, self.provider_reason

    @property
    def provider_reason(self) -> str:
        """Why this provider, and what is amiss with it."""
        return self.graph.reason if self.graph else self._reason

    @property
    def takes_planes(self) -> bool:
        """Whether it is to be given whole frames: it does the pre-processing too."""
        return self.graph is not None

    def of_planes(self, planes: Planes, color: ColorTags, size: tuple[int, int]) -> Float32:
        """Runs a network that `takes_planes`, and remembers no pictures.

        Args:
            planes: of a frame.
            color: its tags.
            size: (width, height) from `size_for`.

        Returns:
            float32 (height, width) alpha in 0..1.

        Raises:
            ModelError: the output is not an alpha, or onnxruntime cannot run the network.
            DeviceFailedError: CUDA fails.
        """
        assert self.graph is not None
        color_matrix = yuv_to_rgb_matrix(color, planes.height)
        with self._running(size):
            output = self.graph(planes, color_matrix, size)
        return self._checked(output, size)

    def thumbnail(self) -> Thumbnail:
        """Of what `of_planes` showed the network last.

        Raises:
            DeviceFailedError: the device fails.
        """
        assert self.graph is not None
        with self._running():
            return self.graph.thumbnail()

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """The (width, height) at which the network is shown frames of this size."""
        return self.signature.size_for(round(width * self.shape.pixel_aspect), height)

    def ready_for(self, planes: Planes, size: tuple[int, int]) -> bool:
        """Whether such frames can be run at once; else the first one takes seconds."""
        return self.graph is None or self.graph.ready_for(planes, size)

    def rehearsal(
        self, frame: tuple[int, int] | None = None, size: tuple[int, int] | None = None
    ) -> Callable[[], Float32]:
        """What runs the network once, in the way in which it will be run on frames.

        It is shown black or, since on a device that is to prove something, noise.

        Args:
            frame: (width, height) of frames, even; None for those of `shape`.
            size: (width, height) that the network is shown; None for that of such frames.
        """
        frame = frame or (self.shape.width, self.shape.height)
        size = size or self.size_for(*frame)
        if self.takes_planes:
            planes, rng = Planes.empty(frame[1], frame[0]), np.random.default_rng(0)
            for plane in planes:
                plane[:] = rng.integers(0, 256, plane.shape, np.uint8)
            return partial(self.of_planes, planes, ColorTags(), size)
        return partial(self, np.zeros((size[1], size[0], 3), np.uint8))

    def _open_graph(self, embedded: Embedded) -> tuple[DeviceGraph, str]:
        """Opens it for CUDA, and proves that it works."""
        self.graph = _graph_of(embedded.cuda)
        signature = Signature.of_planes(self.graph.metadata, self.name)
        self.signature = signature.with_pixels(embedded.pixels)
        try:
            self.rehearsal()()
        except BaseException as error:
            self.close()
            if isinstance(error, ModelError):
                # On a CPU they are: some devices are known for wrong results in 16 bits.
                raise DeviceError("CUDA failed: what it computes are no alphas") from None
            raise
        return self.graph, self.graph.reason

    def close(self) -> None:
        """Frees what it has on a device. Idempotent; twins share that."""
        if self.graph:
            self.graph.close()
        elif self.provider == CUDA:
            with DEVICE_LOCK:
                self._session = None

    def reset(self) -> None:
        """Forgets the pictures before, where the network remembers any."""
        self._memory = {}

    def __call__(self, picture: UInt8) -> Float32:
        """Runs the network.

        Args:
            picture: uint8 (h, w, 3) RGB of a size from `signature.size_for`; a recurrent network
                takes it for the next one of its video unless it was reset.

        Returns:
            float32 (h', w') alpha in 0..1, of the picture's size or the network's own choice.

        Raises:
            ModelError: the output is not an alpha, or onnxruntime cannot run the network.
            DeviceFailedError: CUDA fails.
        """
        size = (picture.shape[1], picture.shape[0])
        with self._running(size):
            output = self._output(picture, size)
        return self._checked(output, size)

    def _output(self, picture: UInt8, size: tuple[int, int]) -> Float32:
        """What the network gives for a picture of this (width, height)."""
        if self.graph:
            return self.graph(cv2.split(picture), AS_THEY_ARE, size)
        feed = self.signature.feed(picture, self._tensor)
        self._tensor = tensor = feed[self.signature.input_name]
        if self._bound:
            return self._bound(tensor)
        feed.update(self._memory)
        with DEVICE_LOCK if self.provider == CUDA else nullcontext():
            output: Float32
            output, *memory = self._session.run(self._outputs, feed)
        self._memory = dict(zip(self.signature.memories, memory, strict=True))
        return output

    @contextmanager
    def _running(self, size: tuple[int, int] | None = None) -> Iterator[None]:
        """Tells in a line what fails while the network runs, shown a (width, height)."""
        try:
            yield
        except DeviceError as error:
            raise DeviceFailedError(str(error)) from None
        except Exception as error:
            if not is_onnxruntimes(error):
                raise
            if self.provider == CUDA:
                raise DeviceFailedError(f"CUDA failed: {first_line(error)}") from None
            at = f" at {size[0]}×{size[1]}" if size else ""
            raise ModelError(
                f"{self.name}: onnxruntime cannot run it{at} "
                f"({first_line(error)}); {advice_for(self._session)}"
            ) from None

    def on_cpu(self, reason: str) -> Model:
        """The same network on the CPU, for this reason. This one is closed."""
        self.close()
        other = Model(self.name, "cpu", self.shape)
        other._reason = reason
        return other

    def _checked(self, output: Float32, size: tuple[int, int]) -> Float32:
        """The alpha of an output for a picture of this (width, height)."""
        try:
            planes = self.signature.planes(output.astype(np.float32, copy=False), size)
            alpha = self.signature.alpha(planes)
        except ValueError as error:
            raise ModelError(f"{self.name}: {error}") from None
        low, high = float(alpha.min()), float(alpha.max())
        # Written so that NaN fails too: a broken network must stop the run, never show the room.
        if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):
            mend = remedy(len(planes), self.signature.convention.activation, low, high)
            if self.graph:
                mend = "choose --device cpu"
            found = f"values from {low:g} to {high:g}, not an alpha in 0..1"
            raise ModelError(f"{self.name}: gives {found}; {mend}")
        return np.clip(alpha, 0, 1)


def open_beside(opened: Iterable[Model], name: str, device: Device, shape: Shape = SHAPE) -> Model:
    """The network of a name; where one of the open ones has the same files, they share what runs.

    Those are not for several threads at once. For the arguments see `Model`.

    Raises:
        ModelError: see `Model`.
        DeviceError: likewise.
    """
    wanted = EMBEDDED.get(name)
    for model in opened:
        there = EMBEDDED.get(model.name)
        if wanted and there and (wanted.cpu, wanted.cuda) == (there.cpu, there.cuda):
            twin = copy(model)
            twin.name = name
            twin.signature = model.signature.with_pixels(wanted.pixels / there.pixels)
            twin._tensor = None
            twin.reset()
            return twin
    return Model(name, device, shape)


def _graph_of(name: str) -> DeviceGraph:
    return DeviceGraph(_embedded_file(name))


def _embedded_file(name: str) -> bytes:
    return files(__package__).joinpath("weights", name).read_bytes()


def read_model(model: str | Path, provider: str = CPU) -> tuple[bytes, str | None]:
    """The content of an ONNX file, and of its sidecar where there is one.

    Args:
        model: a name from `EMBEDDED`, or a path.
        provider: what computes, as onnxruntime calls it: an embedded one has a file for each.

    Raises:
        ModelError: there is no such file, it cannot be read, or it is empty.
    """
    if str(model) in EMBEDDED:
        embedded = EMBEDDED[str(model)]
        return _embedded_file(embedded.cuda if provider == CUDA else embedded.cpu), None
    path = Path(model)
    try:
        content = path.read_bytes()
        sidecar = path.with_suffix(".json")
        beside = sidecar.read_text("utf-8") if sidecar.is_file() else None
    except FileNotFoundError:
        names = ", ".join(("default", *EMBEDDED))
        raise ModelError(f"{model}: no such model; choose {names} or an ONNX file") from None
    except UnicodeDecodeError:
        raise ModelError(f"{model}: its .json is not UTF-8 text; write it again") from None
    except OSError as error:
        raise ModelError(
            f"{model}: cannot be read: {error.strerror}; name an ONNX file that you may read"
        ) from None
    if not content:
        raise ModelError(f"{model}: the file is empty (0 bytes); download or export it again")
    return content, beside
