"""With what a live run begins, and that it follows its settings from frame to frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.frame import NANOSECOND, Float32, Frame, Planes
from realtime.holding import Held
from realtime.inference.adaptive import AdaptiveMatting
from realtime.live_matting import LiveMatting
from realtime.settings import Settings, SettingsStore
from realtime.stats import Stats
from tests.inference.networks import brightness_network
from tests.media import BT709

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


class _Run:
    """A live run of two bright people in the dark, on a clock that obeys the test.

    The network takes nearly all of a frame's time, and frames leave 100 ms after their capture.
    """

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: bool | float | str
    ) -> None:
        network = folder / "brightness.onnx"
        network.write_bytes(brightness_network())
        self._index = 0
        self._watch = 0.0
        timed = partial(AdaptiveMatting, clock=lambda: self._now, stopwatch=self._tick)
        monkeypatch.setattr("realtime.live_matting.AdaptiveMatting", timed)
        monkeypatch.setattr("realtime.live_matting.held", lambda: ())
        values: dict[str, Any] = {"model": str(network), "device": "cpu", "fps": 30, **options}
        self.store = SettingsStore(Settings(width=320, height=180, **values))
        self.matting = LiveMatting(self.store, Stats(), lambda line: None)
        self.size = self.show().shape

    @property
    def _now(self) -> float:
        return 100 + self._index / 30

    def _tick(self) -> float:
        self._watch += 0.031
        return self._watch

    def show(self, light: int = 200) -> Float32:
        """The alpha of the next frame, whose people are that bright."""
        self._index += 1
        luma = np.full((180, 320), 16, np.uint8)
        luma[40:, 40:140] = light
        luma[100:, 220:260] = light
        # A picture that came again would tell the governor nothing.
        gray = np.full((90, 160), 128 + self._index % 2, np.uint8)
        pts = round(self._now / NANOSECOND)
        self.matting.delivered(0.1)
        frame = Frame(Planes(luma, gray, gray), self._index, pts, NANOSECOND, BT709)
        return self.matting.matte(frame).alpha


def _who(run: _Run) -> str:
    left, right = np.split(run.show(), 2, axis=1)
    return " and ".join(
        name for name, side in (("large", left), ("small", right)) if side.max() > 0.5
    )


def _flicker(run: _Run) -> str:
    run.show(200)
    drop = run.show(200).max() - run.show(196).max()
    return "calmed" if drop < 0.01 else "as it comes"


def _level(run: _Run) -> str:
    """How frames are treated after two seconds: in the first, nothing is judged."""
    alphas = [run.show() for _ in range(60)]
    return "whole" if alphas[-1].shape == run.size else "fewer pixels"


@pytest.mark.parametrize(
    ("name", "values", "seen", "effects"),
    [
        ("subject", ("everyone", "largest"), _who, ("large and small", "large")),
        ("smallest_person", (0.0, 0.5), _who, ("large and small", "large")),
        ("smoothing", (True, False), _flicker, ("calmed", "as it comes")),
        ("governor", (True, False), _level, ("fewer pixels", "whole")),
        ("latency_budget", (5.0, 0.05), _level, ("whole", "fewer pixels")),
    ],
)
def test_a_setting_that_changes_while_it_runs_takes_effect(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    values: tuple[Any, Any],
    seen: Callable[[_Run], str],
    effects: tuple[str, str],
) -> None:
    before, after = values
    run = _Run(tmp_path, monkeypatch, **{name: before})
    with run.matting:
        found = seen(run)
        run.store.update(**{name: after})
        assert (found, seen(run)) == effects
