"""The actions of a run and the keys that do them."""

from __future__ import annotations

import random
import re

import pytest

from realtime.keys import ACTIONS, handle
from realtime.output.backgrounds import parse
from realtime.settings import Settings, SettingsStore
from tests.test_settings import random_settings

# As X11 and so OpenCV's Qt name keys without a character.
_LEFT, _UP, _RIGHT, _DOWN, _ESCAPE, _F1 = 0xFF51, 0xFF52, 0xFF53, 0xFF54, 0xFF1B, 0xFFBE

# Keys of Korean keyboards, whose numbers are those of letters that are the arrows' in lower case.
_HANGUL = range(0xFF31, 0xFF35)


def _press(keys: str, **settings: object) -> Settings:
    store = SettingsStore(Settings(**settings))  # type: ignore[arg-type]
    for key in keys:
        assert handle(ord(key), store)
    return store.get()


def test_no_key_and_no_verb_stands_for_two_actions() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(set(keys)) == len(keys)
    assert len({action.verb for action in ACTIONS}) == len(ACTIONS)


def test_every_action_can_be_shown() -> None:
    shown = [action.shown for action in ACTIONS]
    assert shown[:3] == ["P", "R", "F"]
    assert len(set(shown)) == len(ACTIONS)
    for action in ACTIONS:
        # What OpenCV's fonts and addresses of HTTP have room for.
        assert (action.shown + action.help).isascii()
        assert action.shown.isprintable()
        assert re.fullmatch(r"[a-z-]+", action.verb)


@pytest.mark.parametrize("code", [ord("q"), ord("Q"), 27, _ESCAPE, 0x100000 | ord("q")])
def test_the_run_is_ended_by_q_and_escape(code: int) -> None:
    store = SettingsStore(Settings())
    assert handle(code, store) is False
    assert store.version == 0


@pytest.mark.parametrize("code", [-1, 0, 255, ord("x"), ord("7"), _F1, 0x7FFFFFFF, *_HANGUL])
def test_other_keys_do_nothing(code: int) -> None:
    store = SettingsStore(Settings())
    assert handle(code, store) is True
    assert store.version == 0


@pytest.mark.parametrize("key", ["p", "P"])
def test_panic_stays_however_long_its_key_is_held(key: str) -> None:
    for times in range(1, 5):
        assert _press(key * times).panic is True


def test_panic_and_freeze_are_ended_by_another_key() -> None:
    assert _press("pfr") == Settings()


@pytest.mark.parametrize(
    ("key", "option"),
    [("f", "freeze"), ("m", "mirror"), ("s", "smoothing"), ("o", "overlay"), ("h", "key_help")],
)
def test_switches_go_there_and_back(key: str, option: str) -> None:
    before = getattr(Settings(), option)
    assert getattr(_press(key), option) is not before
    assert _press(key * 2) == Settings()


def test_next_background_walks_around_the_list() -> None:
    given = ("a.png", "blur:5%", "#00b140")
    seen = [_press("n" * times, backgrounds=given).background for times in range(1, 5)]
    assert seen == ["a.png", "blur:5%", "#00b140", "a.png"]


def test_next_background_has_something_to_show_without_a_list() -> None:
    assert [_press("n" * times).background for times in range(1, 4)] == ["demo", "green", "blur"]


def test_next_background_goes_on_from_a_blur_that_the_keys_changed() -> None:
    given = ("a.png", "blur:5%", "#00b140")
    for keys in ("]", "[[", "]" * 30):
        assert _press(keys + "n").background == "demo"
        assert _press(keys + "n", background="blur:5%", backgrounds=given).background == "#00b140"
    several = ("blur:2%", "a.png", "blur:18%", "b.png")
    assert _press("]n", background="blur:2%", backgrounds=several).background == "a.png"
    assert _press("]n", background="blur:18%", backgrounds=several).background == "b.png"
    assert _press("]n", backgrounds=("a.png", "b.png")).background == "a.png"


def test_blur_goes_up_and_down_in_steps() -> None:
    assert _press("]").background == "blur:4%"
    assert _press("[").background == "blur:2%"
    assert _press("]", background="blur:4.5%").background == "blur:6%"
    assert _press("[", background="blur:4.5").background == "blur:4%"
    assert _press("]" * 30).background == "blur:25%"
    assert _press("[" * 30).background == "blur:1%"
    parse(_press("[" * 30).background).close()
    assert _press("][", background="blur").background == "blur:3%"


@pytest.mark.parametrize("background", ["#00b140", "blurred.png", "demo"])
def test_blur_keys_leave_other_backgrounds_alone(background: str) -> None:
    assert _press("][", background=background).background == background


def test_zoom_ends_where_it_may_not_go_on() -> None:
    assert _press("+").zoom == 1.1
    assert _press("+" * 30).zoom == 4
    assert _press("+-").zoom == 1
    assert _press("-").zoom == 1


@pytest.mark.parametrize(
    ("letter", "arrow", "option", "end"),
    [
        ("j", _LEFT, "pan_x", -1),
        ("l", _RIGHT, "pan_x", 1),
        ("i", _UP, "pan_y", -1),
        ("k", _DOWN, "pan_y", 1),
    ],
)
def test_panning_by_letters_and_arrows(letter: str, arrow: int, option: str, end: float) -> None:
    assert getattr(_press(letter), option) == end / 10
    store = SettingsStore(Settings())
    for _ in range(30):
        assert handle(arrow, store)
    assert getattr(store.get(), option) == end


def test_zero_shows_the_whole_picture() -> None:
    assert _press("+++jjk0") == Settings()


@pytest.mark.parametrize("seed", range(10))
def test_no_keys_whatever_lead_to_bad_settings(seed: int) -> None:
    """The store refuses bad settings, so that every press would raise."""
    chance = random.Random(seed)
    store = SettingsStore(random_settings(seed))
    for _ in range(500):
        handle(chance.choice([chance.randrange(-1, 256), chance.randrange(1 << 20)]), store)
