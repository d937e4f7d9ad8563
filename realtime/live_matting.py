"""Finds the alphas of a live run, by settings that may change with every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from realtime.closing import Closing
from realtime.frame import Frame, Matte
from realtime.holding import held
from realtime.inference.adaptive import AdaptiveMatting
from realtime.inference.provided import Provided, on_what_works
from realtime.inference.session import CPU, Device
from realtime.inference.subject import SubjectChoice
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats

_T = TypeVar("_T")


class LiveMatting(Provided, Closing):
    """Adaptive matting, and the choice of whose picture it is.

    Of the settings it follows `governor`, `latency_budget`, `smoothing`, `subject` and
    `smallest_person`; `model`, `device` and `fps` are those of the start. It is for one thread, but
    for `delivered` and what tells how it is done. A context manager: leaving it frees the networks.
    Where CUDA fails while it runs and `device` is "auto", it goes on on the CPU.

    Args:
        settings: read anew for every frame.
        stats: where to count durations.
        announce: is told in one line when the governor changes something.

    Raises:
        ModelError: no such model, or the file is not a matting network.
        DeviceError: the device cannot be used.
    """

    def __init__(
        self, settings: SettingsStore, stats: Stats, announce: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._stats = stats
        self._announce = announce
        self._subject = SubjectChoice()
        # What became of the device that was begun with, if it failed.
        self._failure = ""
        start = settings.get()
        self._device: Device = start.device
        self._matting = self._open(start.device)
        self._budget = start.latency_budget

    def _open(self, device: Device) -> AdaptiveMatting:
        # Model, size and rate are those of the start; the rest is followed from frame to frame.
        start = self._settings.get()
        return AdaptiveMatting(
            start.model,
            device,
            frame_rate=start.fps,
            frame_size=(start.width, start.height),
            latency_budget=start.latency_budget,
            holds={
                (entry.model, entry.provider): entry.holds
                for entry in held()
                if (entry.width, entry.height, entry.fps) == (start.width, start.height, start.fps)
            },
            smoothing=start.smoothing,
            stats=self._stats,
            announce=self._announce,
        )

    @property
    def model(self) -> str:
        """Name of the network that is used now."""
        return self._matting.level.model

    @property
    def computes(self) -> tuple[str, str]:  # type: ignore[override] # that of what computes now
        """See `Provided`."""
        return (CPU, self._failure) if self._failure else self._matting.computes

    @property
    def level(self) -> str:
        """How the governor has frames treated now, in words; empty where it does not govern."""
        return str(self._matting.level) if self._matting.governed else ""

    @property
    def plain(self) -> bool:
        """Whether outlines are to be left as they come at this level; from any thread."""
        return self._matting.level.plain

    def matte(self, frame: Frame) -> Matte:
        """The alpha of the next frame, of those people who are to be seen."""
        settings = self._settings.get()
        matte = self._on_what_works(lambda matting: self._matte(matting, frame, settings))
        with self._stats.time("subject"):
            alpha = self._subject(
                matte.alpha, frame.time, settings.subject, settings.smallest_person
            )
        return replace(matte, alpha=alpha)

    def _matte(self, matting: AdaptiveMatting, frame: Frame, settings: Settings) -> Matte:
        matting.smoothing = settings.smoothing
        matting.governed = settings.governor
        if settings.latency_budget != self._budget:
            self._budget = matting.latency_budget = settings.latency_budget
        return matting.matte(frame)

    def _on_what_works(self, act: Callable[[AdaptiveMatting], _T]) -> _T:
        return on_what_works(act, self._matting, self._device, self._on_cpu)

    def _on_cpu(self, reason: str) -> AdaptiveMatting:
        """Opens all networks there; a card is shown for as long as that takes."""
        failed, on_cpu = self._matting, self._open("cpu")
        # First: who looks meanwhile is not told that the CPU was asked for.
        self._failure = reason
        self._matting = on_cpu
        failed.close()
        return on_cpu

    def delivered(self, latency: float) -> None:
        """Is told that a frame has left, so many seconds after its capture; from any thread."""
        self._matting.delivered(latency)

    def warm_up(self, width: int, height: int) -> None:
        """Runs every network at its sizes for such frames, so that no frame is slower."""
        self._on_what_works(lambda matting: matting.warm_up(width, height))

    def reset(self) -> None:
        """Forgets the past: the next frame belongs to another video."""
        self._matting.reset()
        self._subject.reset()

    def close(self) -> None:
        """Frees the networks. Idempotent."""
        self._matting.close()
