"""What is drawn upon the preview."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from realtime.frame import UInt8
from realtime.overlay import Overlay, figure_rows
from realtime.settings import Settings, SettingsStore
from realtime.stats import Figures
from tests.test_stats import example_figures


class _Drawn:
    """An overlay whose clock and figures the test moves."""

    def __init__(self, **settings: Any) -> None:
        self.store = SettingsStore(Settings(**settings))
        self.now = 0.0
        self.figures = example_figures()
        self.asked = 0
        self.overlay = Overlay(self.store, self._ask, lambda: self.now)

    def _ask(self) -> Figures:
        self.asked += 1
        return self.figures

    def __call__(self, grey: int = 128, height: int = 720, width: int = 1280) -> UInt8:
        picture = np.full((height, width, 3), grey, np.uint8)
        self.overlay(picture)
        return picture


def test_nothing_is_drawn_unless_it_is_asked_for() -> None:
    drawn = _Drawn()
    assert (drawn() == 128).all()
    assert drawn.asked == 0
    drawn.store.update(overlay=True)
    assert (drawn() != 128).any()
    drawn.store.update(overlay=False)
    assert (drawn() == 128).all()


def test_figures_are_on_the_left_and_keys_on_the_right() -> None:
    figures, keys = _Drawn(overlay=True)() != 128, _Drawn(key_help=True)() != 128
    assert figures[:, :400].any()
    assert not figures[:, 400:].any()
    assert keys[:, 880:].any()
    assert not keys[:, :880].any()
    assert ((_Drawn(overlay=True, key_help=True)() != 128) == (figures | keys)).all()


@pytest.mark.parametrize("option", ["overlay", "key_help"])
@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("height", [240, 720, 1080])
def test_text_stands_out_from_bright_and_dark_pictures(option: str, grey: int, height: int) -> None:
    picture = _Drawn(**{option: True})(grey, height, height * 16 // 9)
    panel = picture[(picture != grey).any(axis=2)]
    text, behind = panel.max(), np.median(panel)
    assert text >= 230
    assert behind <= 100
    assert (panel > 200).mean() > 0.015


@pytest.mark.parametrize("size", [(16, 16), (2, 2), (16, 1280), (720, 16)])
def test_a_picture_too_small_for_it_takes_what_has_room(size: tuple[int, int]) -> None:
    _Drawn(overlay=True, key_help=True)(128, *size)


def test_figures_stand_still_long_enough_to_be_read() -> None:
    drawn = _Drawn(overlay=True)
    first = drawn()
    drawn.figures = example_figures("panic")
    drawn.now = 0.2
    assert (drawn() == first).all()
    assert drawn.asked == 1
    drawn.now = 0.3
    assert (drawn() != first).any()
    assert drawn.asked == 2


def test_a_picture_of_another_size_is_drawn_upon_anew() -> None:
    drawn = _Drawn(overlay=True)
    drawn()
    assert (drawn(height=1080, width=1920) == _Drawn(overlay=True)(128, 1080, 1920)).all()


def test_a_run_that_does_not_show_the_picture_says_so_in_red() -> None:
    calm, alarmed = _Drawn(overlay=True), _Drawn(overlay=True)
    alarmed.figures = example_figures("live!")
    red = [(picture[..., 2].astype(int) - picture[..., 0]).max() for picture in (calm(), alarmed())]
    assert red[0] == 0
    assert red[1] > 100


def test_everything_that_matters_is_in_the_figures() -> None:
    rows = figure_rows(example_figures())
    assert rows[:5] == [
        ("live", "0:12:34"),
        ("camera", "30.0", "fps"),
        ("delivered", "30.0", "fps"),
        ("dropped", "14"),
        ("ms", "p50", "p95"),
    ]
    assert ("alpha age", "9.8", "14.0") in rows
    assert ("latency", "15.4", "23.7") in rows
    assert rows[-2:] == [("CPU: no NVIDIA driver",), ("governor: full",)]
