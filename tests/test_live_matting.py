"""With what a live run begins, by what was measured on this machine before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from realtime.holding import Held
from realtime.live_matting import LiveMatting
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats

SETTINGS = Settings(width=1280, height=720, fps=30, device="cpu")
HELD = Held(
    width=1280,
    height=720,
    fps=30.0,
    model="quality",
    provider="CPUExecutionProvider",
    holds=True,
    share=0.5,
    latency=0.04,
    dropped=0.0,
)


@pytest.mark.parametrize(
    ("found", "begins"),
    [
        ((), "fast"),
        ((HELD,), "quality"),
        ((replace(HELD, holds=False),), "fast"),
        ((replace(HELD, width=640, height=360),), "fast"),
        ((replace(HELD, fps=15.0),), "fast"),
        ((replace(HELD, provider="CUDAExecutionProvider"),), "fast"),
    ],
)
def test_what_was_found_to_hold_at_this_size_and_rate_decides(
    monkeypatch: pytest.MonkeyPatch, found: tuple[Held, ...], begins: str
) -> None:
    monkeypatch.setattr("realtime.live_matting.held", lambda: found)
    # By their durations alone, no machine could hold them.
    monkeypatch.setattr("realtime.inference.adaptive.duration", lambda model: 1.0)
    with LiveMatting(SettingsStore(SETTINGS), Stats(), lambda line: None) as matting:
        assert matting.model == begins
