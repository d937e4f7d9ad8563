"""What a user reads on the preview: the figures of the run, and the keys. Never on an output.

A window draws it last: `WindowSink(decorate=Overlay(store, figures))`.
"""

from __future__ import annotations

import functools
import textwrap
import time
from collections.abc import Callable

import cv2
import numpy as np

from realtime import keys
from realtime.frame import UInt8
from realtime.settings import SettingsStore
from realtime.stats import Figures

# Seconds that figures stand still: faster ones cannot be read.
_INTERVAL = 0.25

# So many lines of text fill a picture from top to bottom, unless they get so small, in pixels, that
# nobody can read them.
_LINES = 34
_SMALLEST_LINE = 14

# Of the picture, this much shines through a panel: white text stays readable upon a white picture.
# Of its own, a panel has this grey: its edges are seen upon a black one.
_SHINE = 0.25
_GREY = 28

_TEXT = (235, 235, 235)
_ALARM = (110, 130, 255)

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SCALE_OF_LINE = 0.029

# Characters in a line of the figures.
_WIDTH = 30

# Durations that stages add up to.
_WHOLE = ("latency", "alpha age")

# The cells of a line; the last one may reach beyond its column.
Row = tuple[str, ...]


class Overlay:
    """Draws upon pictures what the settings ask for: nothing, the figures, the keys, or both.

    Args:
        store: its `overlay` and `key_help` say what to draw.
        figures: gives the figures of this moment.
        clock: seconds.
    """

    def __init__(
        self,
        store: SettingsStore,
        figures: Callable[[], Figures],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._figures = figures
        self._clock = clock
        self._due = 0.0
        self._panel: UInt8 | None = None
        self._line = 0

    def __call__(self, picture: UInt8) -> None:
        """Draws upon a picture, uint8 (H, W, 3) BGR, in place."""
        settings = self._store.get()
        line = max(_SMALLEST_LINE, len(picture) // _LINES)
        if settings.overlay:
            now = self._clock()
            if self._panel is None or line != self._line or now >= self._due:
                figures = self._figures()
                first = _TEXT if figures.state == "live" else _ALARM
                self._panel = _panel(figure_rows(figures), line, first)
                self._line = line
                self._due = now + _INTERVAL
            _blend(picture, self._panel, line // 2, left=True)
        if settings.key_help:
            _blend(picture, _key_panel(line), line // 2, left=False)


def figure_rows(figures: Figures) -> list[Row]:
    """The figures in lines; the first one is the state of the run and how long it has lasted."""
    minutes, seconds = divmod(int(figures.seconds), 60)
    provider = figures.provider.removesuffix("ExecutionProvider")
    rows: list[Row] = [
        (figures.state, f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"),
        ("camera", f"{figures.capture_fps:.1f}", "fps"),
        ("delivered", f"{figures.delivered_fps:.1f}", "fps"),
        ("dropped", str(figures.frames_dropped)),
        ("ms", "p50", "p95"),
    ]
    # What the user feels comes first; then what it is made of.
    stages = dict(sorted(figures.stages.items(), key=lambda stage: stage[0] not in _WHOLE))
    rows += [
        (name, f"{stage.median_ms:.1f}", f"{stage.p95_ms:.1f}") for name, stage in stages.items()
    ]
    rows += [(line,) for line in textwrap.wrap(f"{provider}: {figures.provider_reason}", _WIDTH)]
    if figures.governor:
        rows += [(line,) for line in textwrap.wrap(f"governor: {figures.governor}", _WIDTH)]
    return rows


@functools.cache
def _key_panel(line: int) -> UInt8:
    return _panel([(action.shown, action.help) for action in keys.ACTIONS], line, _TEXT)


def _panel(rows: list[Row], line: int, first: tuple[int, int, int]) -> UInt8:
    """Text upon a panel.

    Args:
        rows: the lines.
        line: height of one in pixels.
        first: colour of the first one, BGR.

    Returns:
        uint8 (h, w, 3) BGR.
    """
    scale, gap, thickness = line * _SCALE_OF_LINE, line // 2, max(1, round(line / 20))

    def width(text: str) -> int:
        size, _ = cv2.getTextSize(text, _FONT, scale, thickness)
        return int(size[0])

    columns = [
        max((width(row[column]) for row in rows if len(row) > column + 1), default=0)
        for column in range(max(map(len, rows)))
    ]
    starts = [gap + sum(columns[:column]) + column * gap for column in range(len(columns))]
    right = max(starts[len(row) - 1] + width(row[-1]) for row in rows)
    panel = np.full((line * len(rows) + gap, right + gap, 3), _GREY, np.uint8)
    for index, row in enumerate(rows):
        baseline = gap // 2 + line * index + line * 3 // 4
        for start, cell in zip(starts, row, strict=False):
            color = _TEXT if index else first
            cv2.putText(panel, cell, (start, baseline), _FONT, scale, color, thickness, cv2.LINE_AA)
    return panel


def _blend(picture: UInt8, panel: UInt8, margin: int, *, left: bool) -> None:
    """Puts a panel into one of the upper corners, as much of it as there is room for."""
    height = min(len(panel), len(picture) - margin)
    width = min(panel.shape[1], picture.shape[1] - margin)
    if height > 0 and width > 0:
        start = margin if left else picture.shape[1] - margin - width
        region = picture[margin : margin + height, start : start + width]
        region[...] = cv2.addWeighted(region, _SHINE, panel[:height, :width], 1, 0)
