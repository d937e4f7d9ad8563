"""Which networks there are, and what each costs on this machine."""

from __future__ import annotations

import hashlib
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from realtime.inference.model import Model, read_model
from realtime.inference.session import Device

# Enough for a steady median in well under a second of a small network.
_WARM_UP_RUNS = 5
_RUNS = 40


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One network.

    Attributes:
        name: what `--model` takes.
        width: of the picture that it sees of a 16:9 frame, in pixels.
        height: likewise.
        bytes: size of the file that ran.
        milliseconds: median time for one picture, as it runs here.
        provider: what computed it, as onnxruntime calls it.
        licence: as its file says, empty where it does not.
        sha256: of that file, hexadecimal.
    """

    name: str
    width: int
    height: int
    bytes: int
    milliseconds: float
    provider: str
    licence: str
    sha256: str


def inspect(name: str | Path, device: Device = "auto") -> ModelInfo:
    """Loads a network, times it and says what it is.

    Raises:
        ModelError: no such model, or the file is not one.
        DeviceError: the device cannot be used.
    """
    model = Model(name, device)
    try:
        content, _ = read_model(name, model.provider)
        width, height = model.signature.size_for(16, 9)
        run = model.rehearsal()
        durations = []
        for _ in range(_WARM_UP_RUNS + _RUNS):
            start = time.perf_counter()
            run()
            durations.append(time.perf_counter() - start)
    finally:
        model.close()
    return ModelInfo(
        name=str(name),
        width=width,
        height=height,
        bytes=len(content),
        milliseconds=statistics.median(durations[_WARM_UP_RUNS:]) * 1e3,
        provider=model.provider,
        licence=model.licence,
        sha256=checksum(content),
    )


def checksum(content: bytes) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()
