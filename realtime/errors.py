"""What can go wrong, for people: every message says what happened and what to do about it.

    RealtimeError
    ├── SourceError       the input cannot be opened or read
    ├── OutputError       the output cannot be opened or written
    ├── BackgroundError   the background is not one
    ├── ModelError        the network cannot be loaded, or does not behave like a matting network
    ├── DeviceError       the asked processor cannot be used
    │   └── DeviceFailedError     any more
    └── SettingsError     an option is unknown, or has a value that it may not have

    Interrupted (a KeyboardInterrupt)   Ctrl-C, after everything written so far was made playable

Anything else that escapes is a defect of ours, and keeps its traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realtime.stats import Summary


class RealtimeError(Exception):
    """Base of every error that a user can mend; its text is one line."""


class SourceError(RealtimeError):
    """The input cannot be opened or read."""


class OutputError(RealtimeError):
    """The output cannot be opened or written."""


class BackgroundError(RealtimeError):
    """The background is neither a known kind nor a readable file."""


class ModelError(RealtimeError):
    """The network cannot be loaded, or its output is not an alpha."""


class DeviceError(RealtimeError):
    """The asked processor cannot be used here."""


class DeviceFailedError(DeviceError):
    """A processor that worked does not any more.

    Attributes:
        reason: in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; choose --device cpu")
        self.reason = reason


class SettingsError(RealtimeError):
    """An option is unknown, has a value that it may not have, or cannot change now."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; the output was finished first and is playable.

    Attributes:
        summary: what had been done by then.
    """

    def __init__(self, summary: Summary) -> None:
        super().__init__("interrupted")
        self.summary = summary
