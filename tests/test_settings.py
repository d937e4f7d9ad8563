"""The options of a live run and their holder."""

from __future__ import annotations

import random
import threading
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from realtime.errors import RealtimeError, SettingsError
from realtime.settings import OPTIONS, Option, Settings, SettingsStore

_NAMES = list(OPTIONS)


def _good_value(option: Option, chance: random.Random) -> Any:
    if option.choices:
        return chance.choice(option.choices)
    if isinstance(option.default, bool):
        return chance.random() < 0.5
    if isinstance(option.default, int):
        return chance.randrange(int(option.minimum), int(option.maximum), 2)
    if isinstance(option.default, float):
        return chance.uniform(option.minimum, option.maximum)
    if isinstance(option.default, tuple):
        return tuple(chance.choices(["window", "a b.png", "blur:5%"], k=chance.randint(1, 3)))
    return chance.choice(
        ["0", "demo", "naïve \"name\" \\ 'x'.png", "#00b140", "9.41\u202fAM.png", "👩\u200d💻.png"]
    )


def random_settings(seed: int, *, momentary: bool = True) -> Settings:
    """Any valid set of options."""
    chance = random.Random(seed)
    values: dict[str, Any] = {
        name: _good_value(option, chance)
        for name, option in OPTIONS.items()
        if momentary or not option.momentary
    }
    return Settings(**values)


def _bad_values(option: Option) -> list[object]:
    bad: list[object] = [None, b"x", {}, ["x", 1], object]
    if option.choices:
        bad += ["", "something else", True]
    elif isinstance(option.default, bool):
        bad += [0, 1, "true", 1.0]
    elif isinstance(option.default, int | float):
        bad += [option.minimum - 0.01, option.maximum + 0.01, float("nan"), float("inf"), True, "1"]
        if isinstance(option.default, int):
            bad += [17.5, 17] if option.even else [17.5]
    elif isinstance(option.default, tuple):
        bad += ["window", [""], ["a\nb"]]
    else:
        bad += [""] if option.default else []
        bad += [0, "two\nlines", "bell\a", "two\u2028lines"]
    return bad


@pytest.mark.parametrize("name", _NAMES)
def test_a_bad_value_is_refused_in_one_line_with_what_is_allowed(name: str) -> None:
    option = OPTIONS[name]
    for value in _bad_values(option):
        given: dict[str, Any] = {name: value}
        with pytest.raises(SettingsError) as caught:
            Settings(**given)
        message = str(caught.value)
        assert message.startswith(f"{name} = ")
        assert message.endswith(f"write {option.allowed}")
        assert "\n" not in message


def test_what_is_allowed_is_said_in_words() -> None:
    allowed = {name: OPTIONS[name].allowed for name in ("fps", "width", "fallback", "panic")}
    assert allowed == {
        "fps": "a number from 1 to 240",
        "width": "an even whole number from 16 to 8192",
        "fallback": '"card" or "blur" or "black"',
        "panic": "true or false",
    }


@pytest.mark.parametrize("seed", range(20))
def test_every_good_value_is_taken_as_it_is(seed: int) -> None:
    settings = random_settings(seed)
    assert Settings(**settings.as_dict()) == settings


@pytest.mark.parametrize("name", _NAMES)
def test_every_default_is_valid_and_explained(name: str) -> None:
    option = OPTIONS[name]
    assert option.check(option.default) == option.default
    assert option.help.endswith(".")
    assert len(option.help) > 10
    if isinstance(option.default, int | float) and not isinstance(option.default, bool):
        assert option.minimum <= option.default <= option.maximum


def test_a_whole_number_does_for_a_number_and_becomes_one() -> None:
    settings = Settings(fps=25, zoom=2)
    assert isinstance(settings.fps, float)
    assert isinstance(settings.zoom, float)
    assert isinstance(Settings(width=640.0).width, int)  # type: ignore[arg-type]


def test_a_list_becomes_a_tuple() -> None:
    outputs: Any = ["window", "virtual"]
    assert Settings(outputs=outputs).outputs == ("window", "virtual")


def test_at_least_one_output_but_no_background_is_needed() -> None:
    with pytest.raises(SettingsError, match="at least one"):
        Settings(outputs=())
    assert Settings(backgrounds=()).backgrounds == ()


def test_settings_never_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().mirror = True  # type: ignore[misc]


def test_a_long_value_does_not_make_a_long_message() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(fps="9" * 10_000)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


class TestStore:
    def test_gives_what_it_was_given(self) -> None:
        settings = Settings(mirror=True)
        store = SettingsStore(settings)
        assert store.get() is settings
        assert store.version == 0

    def test_an_update_gives_a_new_set_and_leaves_the_old_one(self) -> None:
        store = SettingsStore(Settings())
        before = store.get()
        after = store.update(background="#00b140", zoom=2)
        assert store.get() is after
        assert (after.background, after.zoom) == ("#00b140", 2.0)
        assert (before.background, before.zoom) == ("blur", 1.0)
        assert store.version == 1

    def test_no_change_is_no_new_version(self) -> None:
        store = SettingsStore(Settings())
        store.update(mirror=False)
        store.update()
        assert store.version == 0

    def test_all_or_nothing(self) -> None:
        store = SettingsStore(Settings())
        with pytest.raises(SettingsError, match="zoom = 9"):
            store.update(mirror=True, zoom=9)
        assert store.get() == Settings()
        assert store.version == 0

    def test_an_unknown_option_is_named_with_the_nearest(self) -> None:
        store = SettingsStore(Settings())
        with pytest.raises(SettingsError, match="'miror': no such option; did you mean mirror"):
            store.update(miror=True)
        with pytest.raises(RealtimeError, match="there are camera, width"):
            store.update(qqqq=True)

    @pytest.mark.parametrize("name", [n for n in _NAMES if OPTIONS[n].restart])
    def test_what_takes_a_restart_is_refused_but_for_the_same_value(self, name: str) -> None:
        store = SettingsStore(Settings())
        chance = random.Random(1)
        value = getattr(store.get(), name)
        assert store.update(**{name: value}) == Settings()
        while value == getattr(store.get(), name):
            value = _good_value(OPTIONS[name], chance)
        with pytest.raises(SettingsError, match=f"{name}: cannot change during a run"):
            store.update(mirror=True, **{name: value})
        assert store.get() == Settings()

    def test_no_edit_is_lost_between_threads(self) -> None:
        store = SettingsStore(Settings(pan_x=-1))
        steps = 200

        def step() -> None:
            for _ in range(steps):
                store.edit(lambda settings: {"pan_x": settings.pan_x + 1 / 1024})

        threads = [threading.Thread(target=step, name="realtime-test") for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.get().pan_x == -1 + 4 * steps / 1024
        assert store.version == 4 * steps


def test_the_order_of_options_is_that_of_the_fields() -> None:
    assert [item.name for item in fields(Settings)] == _NAMES
    assert [name for name in _NAMES if OPTIONS[name].momentary] == [
        "panic",
        "freeze",
        "overlay",
        "key_help",
    ]
