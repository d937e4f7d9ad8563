"""One configuration to measure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from realtime.inference.session import Device


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured, and with what.

    Attributes:
        clip: path of the video.
        model: the network, as `Matting` takes it.
        device: likewise.
        threads: of the network; None for the program's own choice.
        seconds: how long each measurement takes, about; a whole run takes so many of the clip.
        rates: frames in a second of the live runs, in Hz; none measures no live run.
        live_models: networks of these; empty for what `model` stands for at each rate.
    """

    clip: str
    model: str
    device: Device
    threads: int | None
    seconds: float
    rates: tuple[float, ...]
    live_models: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Case:
        """What `as_dict` gave, also after JSON made a list of a tuple."""
        tuples = {name: tuple(plain[name]) for name in ("rates", "live_models")}
        return cls(**{**plain, **tuples})
