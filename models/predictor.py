"""Run any single-picture matting network that is an ONNX file."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from models.dataset import F32, U8
from models.errors import ModelsError
from models.sizes import network_size

# they have no base class of their own in onnxruntime
LOAD_ERRORS = (
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NotImplemented,
)

# Of files that do not say.
_NATIVE_SIZE = "256x144"
_STRIDE = "16"


class Predictor:
    """Picture uint8 [H, W, 3] RGB → alpha float32 [H, W] in 0..1.

    Understands one float32 input of RGB in 0..1, [N, 3, H, W] or [N, H, W, 3], and an alpha of
    one channel in the same layout. Networks with free sizes get a size of the picture's aspect
    and about as many pixels as their file names as native, or `area`; for those of a fixed size
    the picture is squashed. Raises `ModelsError` for any other file.
    """

    def __init__(self, path: Path, threads: int = 1, area: int | None = None) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        if not path.is_file():
            raise ModelsError(f"no network at {path}")
        try:
            self.session = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except LOAD_ERRORS as error:
            raise ModelsError(f"onnxruntime cannot load {path}: is it an ONNX file?") from error
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise ModelsError(
                f"{path} does not take one RGB picture (inputs: "
                f"{', '.join(f'{i.name} {i.shape}' for i in inputs)})"
            )
        metadata = self.session.get_modelmeta().custom_metadata_map
        try:
            columns, rows = map(int, metadata.get("native_size", _NATIVE_SIZE).split("x"))
            self.stride = int(metadata.get("stride", _STRIDE))
        except ValueError:
            raise ModelsError(
                f"{path} names its native_size or stride otherwise than 256x144 and 16; "
                "export it with models.export"
            ) from None
        self.path, self.area = path, area or columns * rows
        self.input, self.output = inputs[0].name, outputs[0].name
        self.channels_first = shape[1] == 3
        height, width = shape[2:] if self.channels_first else shape[1:3]
        fixed = isinstance(height, int) and isinstance(width, int)
        self.fixed: tuple[int, int] | None = (height, width) if fixed else None

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) at which a picture of this size goes through the network."""
        return self.fixed or network_size(height, width, self.area, self.stride)

    def prepare(self, image: U8) -> F32:
        """The network's input for a picture."""
        height, width = self.size_for(*image.shape[:2])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        values = small.astype(np.float32) / np.float32(255)
        batch = values.transpose(2, 0, 1)[None] if self.channels_first else values[None]
        return np.ascontiguousarray(batch)

    def run(self, batch: F32) -> F32:
        """Alpha [H, W] at network size of a prepared input."""
        (alpha,) = self.session.run([self.output], {self.input: batch})
        channels = 1 if self.channels_first else 3
        if alpha.ndim != 4 or (alpha.shape[0], alpha.shape[channels]) != (1, 1):
            raise ModelsError(
                f"{self.path} gives {list(alpha.shape)}, not one alpha in the layout of its input; "
                "measure it with benchmarks.quality --network"
            )
        return np.asarray(alpha[0].squeeze(channels - 1), np.float32)

    def __call__(self, image: U8) -> F32:
        alpha = self.run(self.prepare(image))
        back = cv2.resize(alpha, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(back, np.float32)
