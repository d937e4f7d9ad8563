"""The configuration file: every option of a live run in TOML, applied anew whenever it is saved.

The command line wins over the file, and the file over the defaults.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
import textwrap
import threading
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from realtime.closing import Closing
from realtime.errors import SettingsError
from realtime.settings import OPTIONS, Option, Settings, SettingsStore, require_known

_HEADER = """\
# Settings of `realtime live --config FILE`; what stands here are the defaults, so that you can
# delete what you do not change. Options on the command line win over this file.
#
# Saved changes apply at once, while it runs. Only those marked "restart" wait for the next start.
"""

_WIDTH = 98

# Far beyond any file of settings: whoever names a video here should not have it read.
_MOST_BYTES = 1 << 20

# Seconds between two looks at the file. A change applies once two looks have seen the same: an
# editor may be found in the middle of writing.
_INTERVAL = 0.25

# Not to wait for whoever writes into a pipe; Windows knows no such files.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)


class _IrregularError(SettingsError):
    """What is there is a pipe, a device or a folder."""


def render(settings: Settings | None = None) -> str:
    """The text of a configuration file with every option and what it is for.

    Args:
        settings: the values; None for the defaults.
    """
    settings = settings or Settings()
    parts = [_HEADER]
    for option in _lasting():
        value = to_toml(getattr(settings, option.name))
        parts.append(f"{_comment(option)}{option.name} = {value}\n")
    return "\n".join(parts)


def _lasting() -> list[Option]:
    return [option for option in OPTIONS.values() if not option.momentary]


def _comment(option: Option) -> str:
    remarks = [option.allowed] if option.limited else []
    remarks += ["restart"] if option.restart else []
    text = f"{option.help} ({'; '.join(remarks)})" if remarks else option.help
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def to_toml(value: bool | float | str | tuple[str, ...]) -> str:
    """A value as TOML writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(to_toml, value))}]"
    # JSON's way of writing is TOML's too, but for the character DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def load(path: str | Path) -> dict[str, Any]:
    """Reads a configuration file.

    Returns:
        The valid values of the options that it names, and of no others.

    Raises:
        SettingsError: it cannot be read, is not TOML, or has an unknown option or a bad value.
    """
    return _parse(path, _read(path))


def _read(path: str | Path, *, again: bool = False) -> bytes:
    """What is in it; `again` where it was read before, which only a regular file allows."""
    try:
        with open(path, "rb", opener=_open_regular if again else None) as file:
            return file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: no such file; 'realtime config > {path}' writes one with the defaults"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{path}: cannot be read ({reason}); choose another file") from None


def _open_regular(path: str, flags: int) -> int:
    # Already to open a pipe would let go whoever waits to write into it.
    _require_regular(path, os.stat(path))
    descriptor = os.open(path, flags | _AT_ONCE)
    try:
        _require_regular(path, os.fstat(descriptor))  # it may have come in between
    except _IrregularError:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _IrregularError(f"{path}: is no regular file any more")


def _is_irregular(path: str | Path) -> bool:
    """Whether something is there that is no regular file."""
    return os.path.exists(path) and not os.path.isfile(path)


def _is_blank(content: bytes) -> bool:
    return not content.removeprefix(codecs.BOM_UTF8).strip()


def _parse(path: str | Path, content: bytes) -> dict[str, Any]:
    if len(content) > _MOST_BYTES:
        raise SettingsError(f"{path}: too long for settings; 'realtime config' shows how they look")
    try:
        # Editors on Windows put a mark at the beginning.
        values = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text; save it as such") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"{path}: is not TOML: {error}; write it as 'realtime config' shows"
        ) from None
    try:
        return _checked(values)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def _checked(values: Mapping[str, object]) -> dict[str, Any]:
    require_known(values)
    for name in values:
        if OPTIONS[name].momentary:
            raise SettingsError(f"{name}: is for the moment only; delete it from the file")
    return {name: OPTIONS[name].check(value) for name, value in values.items()}


class Watcher(Closing):
    """Applies a configuration file to running settings whenever it is saved.

    Only what changed in the file changes: what keys or the control did meanwhile stays, unless the
    file now says something new about it. An option that is deleted goes back to its default.
    Errors are reported and change nothing, and neither does a file that is empty: so some editors
    leave it while they save. What is no regular file to begin with, such as a pipe, is not watched:
    it has been read already. A context manager around the thread that watches.

    Args:
        path: the file.
        loaded: what `load` gave of it for the settings to begin with.
        given: names of the options that the command line gave, which win over the file.
        store: where to apply it.
        report: is told in one line what became of a change; called from the watching thread.
    """

    def __init__(
        self,
        path: str | Path,
        loaded: Mapping[str, Any],
        given: Collection[str],
        store: SettingsStore,
        report: Callable[[str], None],
    ) -> None:
        self._path = path
        self._values = dict(loaded)
        self._given = given
        self._store = store
        self._report = report
        self._applied: bytes | None = None
        self._seen: bytes | None = None
        self._irregular = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="realtime-config")

    def start(self) -> None:
        """Begins to watch, where there is something to watch."""
        if not _is_irregular(self._path):
            self._thread.start()

    def close(self) -> None:
        """Ends watching. Idempotent."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._closing.wait(_INTERVAL):
            self.look()

    def look(self) -> None:
        """Looks at the file once, and applies a change that the look before saw already.

        It reads the whole file, which is small: that sees every way of saving, such as writing
        another file and renaming it, and works where clocks are coarse.
        """
        try:
            content = _read(self._path, again=True)
        except _IrregularError as error:
            if not self._irregular:
                self._report(f"{error}; its options stay as they are")
            self._irregular = True
            return
        except SettingsError:
            return  # some editors remove it for a moment; a file that stays away changes nothing
        self._irregular = False
        if _is_blank(content):
            content = b""
        settled, self._seen = content == self._seen, content
        if settled and content != self._applied:
            self._applied = content
            self._take(content)

    def _take(self, content: bytes) -> None:
        if not content:
            if self._values:
                self._report(f"{self._path}: is empty; its options stay as they are")
            return
        try:
            self._apply(_parse(self._path, content))
        except SettingsError as error:
            self._report(f"{error}; the change is ignored")

    def _apply(self, values: dict[str, Any]) -> None:
        changes = {
            option.name: values.get(option.name, option.default)
            for option in _lasting()
            if values.get(option.name, option.default)
            != self._values.get(option.name, option.default)
        }
        self._values = values
        overruled = [name for name in changes if name in self._given]
        waiting = [name for name in changes if name not in overruled and OPTIONS[name].restart]
        now = {
            name: value
            for name, value in changes.items()
            if name not in overruled and name not in waiting
        }
        self._store.update(**now)
        parts = [", ".join(f"{name} = {to_toml(value)}" for name, value in now.items())]
        if waiting:
            parts.append(f"restart to apply {', '.join(waiting)}")
        if overruled:
            parts.append(f"the command line overrules {', '.join(overruled)}")
        if changes:
            self._report(f"{self._path}: {'; '.join(filter(None, parts))}")
