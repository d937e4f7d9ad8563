"""What a user can do during a run: one table, for the preview's keys and for the control.

Everything here is a change of the settings, but for the end of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from realtime.output.backgrounds.blur import DEFAULT_STRENGTH, LEAST_STRENGTH, strength_of
from realtime.settings import OPTIONS, Settings, SettingsStore

Changes = Mapping[str, Any]

# What "next background" walks through where the user named nothing.
_BACKGROUNDS = ("blur", "demo", "green")

# Blur strengths in percent of the height: each step looks about as big as the one before.
_STRENGTHS = (LEAST_STRENGTH, 2, 3, 4, 6, 8, 12, 18, 25)

_ZOOM_STEP = 1.1
_PAN_STEP = 0.1

# Keys without a character have numbers of their own: X11's keysyms, where OpenCV uses Qt or GTK;
# Escape is 27 elsewhere. Their last eight bits alone would make Q, R, S and T of the arrows.
_LEFT, _UP, _RIGHT, _DOWN = map(chr, range(0xFF51, 0xFF55))
_ESCAPE = chr(27) + chr(0xFF1B)

# What is above are Shift, Ctrl, Num Lock and the like.
_KEY_BITS = 0xFFFF


def _toggle(name: str) -> Callable[[Settings], Changes]:
    return lambda settings: {name: not getattr(settings, name)}


def _next_background(settings: Settings) -> Changes:
    """The one after the present one; the first where the present one is none of them."""
    choices = settings.backgrounds or _BACKGROUNDS
    present = _position(settings.background, choices)
    return {"background": choices[(present + 1) % len(choices)]}


def _position(background: str, choices: Sequence[str]) -> int:
    """Where in the list a background is; -1 where it is none of them.

    A blur that has a strength may come from the keys: it counts as the blur of the list whose
    strength is nearest.
    """
    if background in choices:
        return choices.index(background)
    now = _strength(background)
    if now is None or background == "blur":
        return -1
    blurs = [
        (abs(strength - now), index)
        for index, choice in enumerate(choices)
        if (strength := _strength(choice)) is not None
    ]
    return min(blurs)[1] if blurs else -1


def _strength(background: str) -> float | None:
    """A blur's strength in percent of the height, None for other backgrounds."""
    if background.partition(":")[0] != "blur":
        return None
    strength = strength_of(background)
    return DEFAULT_STRENGTH if strength is None else strength


def _blur(direction: int) -> Callable[[Settings], Changes]:
    """The next stronger (1) or weaker (-1) blur, where the background is a blur at all."""

    def change(settings: Settings) -> Changes:
        now = _strength(settings.background)
        if now is None:
            return {}
        if direction > 0:
            new = next((step for step in _STRENGTHS if step > now), _STRENGTHS[-1])
        else:
            new = next((step for step in reversed(_STRENGTHS) if step < now), _STRENGTHS[0])
        return {"background": f"blur:{new:g}%"}

    return change


def _zoom(factor: float) -> Callable[[Settings], Changes]:
    return lambda settings: {"zoom": _within("zoom", settings.zoom * factor)}


def _pan(name: str, step: float) -> Callable[[Settings], Changes]:
    return lambda settings: {name: _within(name, getattr(settings, name) + step)}


def _within(name: str, value: float) -> float:
    """The nearest value that an option may have, short enough to read."""
    option = OPTIONS[name]
    return round(min(max(value, option.minimum), option.maximum), 3)


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do during a run.

    Attributes:
        verb: its name for the control.
        keys: those of the preview that do it; the first one is shown.
        help: what it does, in a few words.
        change: the changes that it makes to the settings; None for the end of the run.
    """

    verb: str
    keys: str
    help: str
    change: Callable[[Settings], Changes] | None

    @property
    def shown(self) -> str:
        """Its first key, as written on a keyboard."""
        return self.keys[0].upper()

    def perform(self, store: SettingsStore) -> bool:
        """Does it; returns whether the run goes on."""
        if self.change is None:
            return False
        store.edit(self.change)
        return True


# The safe state must be certain: a key that is held down repeats, so panic is not left by the key
# that begins it.
ACTIONS: tuple[Action, ...] = (
    Action("panic", "p", "show the fallback at once", lambda _: {"panic": True}),
    Action("resume", "r", "end panic and freeze", lambda _: {"panic": False, "freeze": False}),
    Action("freeze", "f", "hold the picture, or go on", _toggle("freeze")),
    Action("next-background", "n ", "next background", _next_background),
    Action("blur-more", "]", "blur more", _blur(1)),
    Action("blur-less", "[", "blur less", _blur(-1)),
    Action("mirror", "m", "swap left and right", _toggle("mirror")),
    Action("zoom-in", "+=", "zoom in", _zoom(_ZOOM_STEP)),
    Action("zoom-out", "-_", "zoom out", _zoom(1 / _ZOOM_STEP)),
    Action("pan-left", "j" + _LEFT, "move left", _pan("pan_x", -_PAN_STEP)),
    Action("pan-right", "l" + _RIGHT, "move right", _pan("pan_x", _PAN_STEP)),
    Action("pan-up", "i" + _UP, "move up", _pan("pan_y", -_PAN_STEP)),
    Action("pan-down", "k" + _DOWN, "move down", _pan("pan_y", _PAN_STEP)),
    Action("whole", "0", "whole picture", lambda _: {"zoom": 1.0, "pan_x": 0.0, "pan_y": 0.0}),
    Action("smoothing", "s", "calm edges, or not", _toggle("smoothing")),
    Action("overlay", "o", "figures", _toggle("overlay")),
    Action("help", "h?", "these keys", _toggle("key_help")),
    Action("quit", "q" + _ESCAPE, "end", None),
)

_BY_KEY: Mapping[str, Action] = {key: action for action in ACTIONS for key in action.keys}


def handle(code: int, store: SettingsStore) -> bool:
    """Does what a key of the preview stands for, in upper or lower case; others do nothing.

    Args:
        code: of the key, as `cv2.pollKey` gives it, all bits of it; negative for none.
        store: the settings to change.

    Returns:
        Whether the run goes on.
    """
    key = chr(code & _KEY_BITS) if code >= 0 else ""
    # Beyond ASCII they are no letters: in lower case, Korean keyboards' own keys would be arrows.
    action = _BY_KEY.get(key.lower() if key.isascii() else key)
    return action is None or action.perform(store)
