"""The configuration file: written, read, and applied when it is saved."""

from __future__ import annotations

import os
import random
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from realtime.commands.config import config
from realtime.config import Watcher, load, render, to_toml
from realtime.errors import SettingsError
from realtime.settings import OPTIONS, Settings, SettingsStore
from tests.test_settings import random_settings


def test_the_file_holds_every_lasting_option_with_its_default_and_its_help(tmp_path: Path) -> None:
    text = CliRunner().invoke(config).output
    values = tomllib.loads(text)
    assert list(values) == [name for name, option in OPTIONS.items() if not option.momentary]
    assert Settings(**values) == Settings()
    words = " ".join(text.replace("\n# ", " ").split())
    for name in values:
        assert OPTIONS[name].help in words
    path = tmp_path / "live.toml"
    path.write_text(text, encoding="utf-8")
    assert Settings(**load(path)) == Settings()


def test_comments_say_what_is_allowed_and_what_takes_a_restart() -> None:
    lines = render().splitlines()
    zoom = lines[lines.index("zoom = 1.0") - 1]
    assert zoom == "# How much to enlarge the picture; 1 is all of it. (a number from 1 to 4)"
    assert lines[lines.index("fps = 30.0") - 1].endswith("(a number from 1 to 240; restart)")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("seed", range(10))
def test_any_settings_survive_the_file(seed: int, tmp_path: Path) -> None:
    settings = random_settings(seed, momentary=False)
    path = tmp_path / "live.toml"
    path.write_text(render(settings), encoding="utf-8")
    assert Settings(**load(path)) == settings


def test_any_text_survives_toml() -> None:
    chance = random.Random(0)
    characters = [chr(code) for code in (*range(0, 0x180), 0x2028, 0xFFFD, 0x1F600)]
    for _ in range(300):
        text = "".join(chance.choices(characters, k=12))
        assert tomllib.loads(f"x = {to_toml((text, text))}")["x"] == [text, text]


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "live.toml"
    path.write_bytes(b"\xef\xbb\xbf# only a remark\r\n")
    assert load(path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"zoom = 9", "zoom = 9: write a number from 1 to 4"),
        (b"zoom = ", "is not TOML"),
        (b"zoom = ", "; write it as 'realtime config' shows"),
        (b"[camera]\nwidth = 3", "camera = {'width': 3}: write a line of text, in quotes"),
        (b"miror = true", "'miror': no such option; did you mean mirror?"),
        (b"panic = true", "panic: is for the moment only"),
        (b"width = 1" + b"0" * 5000, "is not TOML"),
        (b"width = 0x1" + b"0" * 5000, "width = that number: write an even whole number"),
        (b"width = " + b"[" * 30_000, "is not TOML"),
        (b"background = '\xff'", "is not UTF-8 text"),
        (b"#" * 1_100_000, "too long for settings"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "live.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.toml", ".", "no/such.toml", "nul\0.toml", "n" * 300])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no such file; 'realtime config|cannot be read \("):
        load(tmp_path / name)


_IRREGULAR = "{}: is no regular file any more; its options stay as they are"

_with_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")


class _Watched:
    """A watcher whose looks the test makes, and what it reported."""

    def __init__(self, path: Path, content: str, **given: Any) -> None:
        self.path = path
        path.write_text(content)
        loaded = load(path)
        self.store = SettingsStore(Settings(**{**loaded, **given}))
        self.reports: list[str] = []
        self.watcher = Watcher(path, loaded, given, self.store, self.reports.append)
        self.settle()
        assert self.reports == []
        assert self.store.version == 0

    def settle(self) -> None:
        self.watcher.look()
        self.watcher.look()

    def save(self, content: str) -> str:
        """Saves, looks, and returns the one report that came."""
        before = len(self.reports)
        self.path.write_text(content)
        self.settle()
        assert len(self.reports) == before + 1
        assert "\n" not in self.reports[-1]
        return self.reports[-1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "live.toml"


class TestWatcher:
    def test_a_saved_change_applies_and_is_reported(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        assert watched.save("zoom = 3\nmirror = true") == f"{path}: mirror = true, zoom = 3.0"
        assert watched.store.get() == Settings(zoom=3, mirror=True)

    def test_it_waits_until_two_looks_see_the_same(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        path.write_text("")  # an editor begins to write
        watched.watcher.look()
        path.write_text("zoom = 3")
        watched.watcher.look()
        assert watched.store.version == 0
        watched.watcher.look()
        assert watched.store.get().zoom == 3

    def test_a_file_that_is_replaced_by_another_counts(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        path.rename(path.with_suffix(".bak"))
        watched.settle()
        assert watched.store.version == 0
        other = path.with_suffix(".new")
        other.write_text("zoom = 4")
        # Of the same length and age as the one before it.
        stat = path.with_suffix(".bak").stat()
        os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        other.replace(path)
        watched.settle()
        assert watched.store.get().zoom == 4
        assert len(watched.reports) == 1

    def test_an_option_that_is_deleted_goes_back_to_its_default(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2\nmirror = true")
        watched.save("mirror = true")
        assert watched.store.get() == Settings(mirror=True)

    def test_only_what_changed_in_the_file_changes(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        watched.store.update(mirror=True, zoom=1.5)  # by keys
        watched.save("zoom = 2\nsmoothing = false")
        assert watched.store.get() == Settings(mirror=True, zoom=1.5, smoothing=False)

    def test_a_bad_change_is_reported_once_and_ignored(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        report = watched.save("zoom = 9\nmirror = true")
        assert report == (f"{path}: zoom = 9: write a number from 1 to 4; the change is ignored")
        watched.settle()
        assert len(watched.reports) == 1
        assert watched.store.version == 0
        watched.save("zoom = 2\nmirror = true")
        assert watched.store.get() == Settings(zoom=2, mirror=True)

    def test_what_takes_a_restart_is_named_and_the_rest_applies(self, path: Path) -> None:
        watched = _Watched(path, "")
        report = watched.save("width = 1920\nheight = 1080\nzoom = 2")
        assert report == f"{path}: zoom = 2.0; restart to apply width, height"
        assert watched.store.get() == Settings(zoom=2)

    def test_the_command_line_wins(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2", zoom=3, fps=25)
        report = watched.save("zoom = 4\nfps = 60")
        assert report == f"{path}: the command line overrules fps, zoom"
        assert watched.store.get() == Settings(zoom=3, fps=25)

    def test_saving_the_same_is_no_change(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        path.write_text("zoom = 2.0  # the same\nmirror = false\n")
        watched.settle()
        assert watched.reports == []
        assert watched.store.version == 0

    @pytest.mark.parametrize("content", ["", " \n\t\r\n", "\ufeff"])
    def test_a_file_that_becomes_empty_changes_nothing(self, content: str, path: Path) -> None:
        text = 'background = "#00b140"'
        watched = _Watched(path, text)
        for _ in range(2):
            assert watched.save(content) == f"{path}: is empty; its options stay as they are"
            path.write_text(content + "\n")
            watched.settle()
            path.write_text(text)
            watched.settle()
        assert len(watched.reports) == 2, "told once for each time that it became so"
        assert watched.store.version == 0
        assert watched.save("zoom = 2") == f'{path}: background = "blur", zoom = 2.0'

    def test_a_file_of_remarks_alone_goes_back_to_the_defaults(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        watched.save("# nothing")
        assert watched.store.get() == Settings()

    def test_an_empty_file_that_said_nothing_is_not_worth_a_word(self, path: Path) -> None:
        watched = _Watched(path, "# nothing")
        path.write_text("")
        watched.settle()
        assert watched.reports == []
        assert watched.save("zoom = 2") == f"{path}: zoom = 2.0"

    def test_a_folder_in_its_place_is_ignored(self, path: Path) -> None:
        watched = _Watched(path, "zoom = 2")
        for count in (1, 2):
            path.unlink()
            path.mkdir()
            watched.settle()
            assert watched.reports == [_IRREGULAR.format(path)] * count
            path.rmdir()
            path.write_text("zoom = 2")
            watched.settle()
        assert watched.store.version == 0
        watched.save("zoom = 3")
        assert watched.store.get().zoom == 3

    @_with_pipes
    def test_a_pipe_in_its_place_is_ignored_and_holds_nothing_up(
        self, path: Path, until: Callable[[Callable[[], bool]], None]
    ) -> None:
        path.write_text("zoom = 2")
        store = SettingsStore(Settings(**load(path)))
        reports: list[str] = []
        with Watcher(path, load(path), (), store, reports.append) as watcher:
            watcher.start()
            path.unlink()
            os.mkfifo(path)
            until(lambda: bool(reports))
        assert reports == [_IRREGULAR.format(path)]
        assert store.version == 0

    @_with_pipes
    def test_a_pipe_that_takes_the_place_between_look_and_opening_blocks_nothing(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watched = _Watched(path, "zoom = 2")
        before = path.stat()
        path.unlink()
        os.mkfifo(path)
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", lambda _: before)
            watched.settle()
        assert watched.reports == [_IRREGULAR.format(path)]

    @_with_pipes
    def test_a_pipe_is_read_at_the_start_and_never_again(self, path: Path) -> None:
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_text, args=("zoom = 2",))
        writer.start()
        loaded = load(path)
        writer.join()
        assert loaded == {"zoom": 2}
        with Watcher(path, loaded, (), SettingsStore(Settings(**loaded)), print) as watcher:
            watcher.start()
            assert "realtime-config" not in [thread.name for thread in threading.enumerate()]

    def test_the_thread_looks_by_itself_until_it_is_closed(
        self, path: Path, until: Callable[[Callable[[], bool]], None]
    ) -> None:
        path.write_text("zoom = 2")
        store = SettingsStore(Settings(**load(path)))
        with Watcher(path, load(path), (), store, lambda _: None) as watcher:
            watcher.start()
            path.write_text("zoom = 3")
            until(lambda: store.get().zoom == 3)
        watcher.close()

    def test_it_can_be_closed_without_having_been_started(self, path: Path) -> None:
        Watcher(path, {}, (), SettingsStore(Settings()), print).close()
