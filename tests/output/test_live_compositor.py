"""The compositor that follows the settings of each frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from realtime.color import rgb_to_planes
from realtime.errors import BackgroundError
from realtime.frame import Float32, Frame, Matte, UInt8
from realtime.output.backgrounds import parse
from realtime.output.compositor import Compositor
from realtime.output.live_compositor import LiveCompositor
from realtime.settings import Settings
from tests.media import BT709, gray_frame

SIZE = (180, 320)


def matte(time: int = 0) -> Matte:
    """Somebody on the left, with a dark shirt, before a white wall."""
    rgb: UInt8 = np.full((*SIZE, 3), 250, np.uint8)
    rgb[:, :160] = (60, 40, 30)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 3)
    alpha: Float32 = np.zeros((45, 80), np.float32)
    alpha[:, :40] = 1
    frame = replace(gray_frame(0, time, color=BT709), planes=rgb_to_planes(rgb, BT709))
    return Matte(frame, alpha)


def settled(live: LiveCompositor, settings: Settings, until: Callable[..., None]) -> Frame:
    """The frame once the background is there, long after any crossfade."""
    live(matte(0), settings)
    until(lambda: live._background._next is None or live._background._next.done())
    live(matte(1), settings)
    return live(matte(1000), settings)


def test_it_is_the_compositor_of_files_where_nothing_else_is_asked() -> None:
    settings = Settings(background="#102030")
    with LiveCompositor(settings) as live:
        frame = live(matte(), settings)
    expected = Compositor(parse("#102030"))(matte())
    for plane, other in zip(frame.planes, expected.planes, strict=True):
        np.testing.assert_array_equal(plane, other)


@pytest.mark.parametrize("view", [{}, {"mirror": True}, {"mirror": True, "zoom": 1.5}])
def test_a_still_background_is_copied_only_until_all_memory_has_it(
    view: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(background="#102030", **view)
    copied: list[bool] = []
    with LiveCompositor(settings) as live:
        lend = live._blender._pool.planes_with_note

        def recorded(height: int, width: int) -> Any:
            planes, note = lend(height, width)
            copied.append(note is None)
            return planes, note

        monkeypatch.setattr(live._blender._pool, "planes_with_note", recorded)
        held = [live(matte(), settings) for _ in range(2)]
        for _ in range(20):
            held = [held[-1], live(matte(), settings)]
    assert copied == 3 * [True] + 19 * [False]


def test_plain_outlines_are_neither_refined_nor_decontaminated() -> None:
    settings = Settings(background="#102030")
    with LiveCompositor(settings) as live:
        frame = live(matte(), settings, plain=True)
    background = parse("#102030")
    expected = Compositor(background, refine=False, decontaminate=False)(matte())
    best = Compositor(background)(matte())
    for plane, other in zip(frame.planes, expected.planes, strict=True):
        np.testing.assert_array_equal(plane, other)
    assert (frame.planes.y != best.planes.y).any()


def test_the_background_changes_with_the_settings(until: Callable[..., None]) -> None:
    with LiveCompositor(Settings(background="#000000")) as live:
        assert live(matte(), Settings(background="#000000")).planes.y[90, 300] == 16
        assert settled(live, Settings(background="#ffffff"), until).planes.y[90, 300] == 235
        blurred = settled(live, Settings(background="blur"), until)
        assert abs(int(blurred.planes.y[90, 310]) - int(matte().frame.planes.y[90, 310])) <= 2


def test_a_wrong_background_is_reported_and_the_old_one_stays(until: Callable[..., None]) -> None:
    reports: list[str] = []
    with LiveCompositor(Settings(background="#000000"), reports.append) as live:
        frame = settled(live, Settings(background="no such thing"), until)
        assert frame.planes.y[90, 300] == 16
    assert len(reports) == 1
    assert "no such thing" in reports[0]


def test_a_wrong_background_to_begin_with_is_an_error() -> None:
    for wrong in ("no such thing", "transparent"):
        with pytest.raises(BackgroundError, match="choose"):
            LiveCompositor(Settings(background=wrong))
        with pytest.raises(BackgroundError, match="choose"):
            LiveCompositor(Settings(background="blur", backgrounds=("green", wrong)))


def test_a_mirror_turns_the_people_and_not_the_background(tmp_path: Path) -> None:
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[:, 160:] = 255
    path = tmp_path / "half.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    settings = Settings(background=str(path), mirror=True)
    with LiveCompositor(settings) as live:
        y = live(matte(), settings).planes.y
    shirt = int(matte().frame.planes.y[0, 0])
    # The person is on the right now, before the white half; the black half stays on the left.
    assert y[90, 40] == 16
    assert abs(int(y[90, 280]) - shirt) <= 1


def test_zoom_enlarges_the_people_and_not_the_background() -> None:
    settings = Settings(background="#000000", zoom=2.0, pan_x=-1.0)
    with LiveCompositor(settings) as live:
        y = live(matte(), settings).planes.y
    assert y[90, 310] != 16


def test_decontamination_and_light_can_be_switched() -> None:
    plain = Settings(background="#ffffff", decontaminate=False)
    seen = []
    for settings in (plain, replace(plain, decontaminate=True), replace(plain, light_wrap=1.0)):
        with LiveCompositor(settings) as live:
            seen.append(live(matte(), settings).planes.y.astype(int))
    # The white wall goes from the dark shirt's edge; white light comes onto the shirt.
    edge = slice(155, 165)
    assert seen[1][90, edge].sum() < seen[0][90, edge].sum()
    assert seen[2][90, 150:158].sum() > seen[0][90, 150:158].sum()


def test_every_state_hides_the_room(until: Callable[..., None]) -> None:
    """Where alpha is 0, only the background shows: before, during and after a switch."""
    with LiveCompositor(Settings(background="#000000")) as live:
        new = Settings(background="green", crossfade=10.0, mirror=False)
        for index in range(60):
            y = live(matte(index), new).planes.y[:, 176:]
            assert y.max() <= 130  # green is darker than the wall
            if index == 20:
                until(lambda: live._background._next is None or live._background._next.done())
