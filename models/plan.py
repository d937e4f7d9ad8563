"""How a run trains."""

import math
import sys
from dataclasses import dataclass

from models.errors import ModelsError

FLICKER_WEIGHT = 5.0


def default_workers(platform: str = sys.platform) -> int:
    """Loader processes: only Linux hands them the pictures without copying them (see `batches`)."""
    return 1 if platform == "linux" else 0


@dataclass(frozen=True)
class Plan:
    """How a run trains; `minutes` or `steps` ends it.

    Raises `ModelsError` for what cannot be trained by.
    """

    batch: int = 16
    rate: float = 6e-4
    weight_decay: float = 1e-4
    seed: int = 1
    minutes: float | None = None
    steps: int | None = None
    validate_minutes: float = 8.0
    workers: int = default_workers()
    flicker: float = FLICKER_WEIGHT
    alternate: bool = False

    def __post_init__(self) -> None:
        for name in ("batch", "steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ModelsError(f"--{name} is {value}: it must be at least 1")
        for name in ("rate", "minutes"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ModelsError(f"--{name} is {value:g}: it must be above 0")
        for name in ("seed", "validate_minutes", "workers", "flicker"):
            value = getattr(self, name)
            if not value >= 0:
                option = name.replace("_", "-")
                raise ModelsError(f"--{option} is {value:g}: it must not be below 0")
