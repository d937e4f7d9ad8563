"""What computes, why, and what does where that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from realtime.errors import DeviceFailedError
from realtime.inference.session import Device

_Who = TypeVar("_Who")
_What = TypeVar("_What")


class Provided:
    """Has something compute for it.

    Attributes:
        computes: what computes, as onnxruntime calls it, and why this one, with what is amiss with
            it by now; from any thread, and together, for none to see the one without the other.
    """

    computes: tuple[str, str]

    @property
    def provider(self) -> str:
        """What computes, as onnxruntime calls it."""
        return self.computes[0]

    @property
    def provider_reason(self) -> str:
        """Why this one, and what is amiss with it by now."""
        return self.computes[1]


def on_what_works(
    act: Callable[[_Who], _What], who: _Who, device: Device, on_cpu: Callable[[str], _Who]
) -> _What:
    """Does something; again on the CPU where CUDA fails and was not asked for.

    Args:
        act: what to do, with what computes.
        who: computes now.
        device: what was asked for.
        on_cpu: makes what computes on the CPU from now on, given why.

    Raises:
        DeviceFailedError: CUDA was asked for, and fails.
    """
    try:
        return act(who)
    except DeviceFailedError as failure:
        if device != "auto":
            raise
        reason = failure.reason
    return act(on_cpu(reason))
