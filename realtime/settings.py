"""Every option of a live run, and the one place that all threads read them from.

Each field of `Settings` says what it is for and what it may be. The configuration file, the help of
the command line, and the messages about bad values are all made from that.
"""

from __future__ import annotations

import difflib
import math
import re
import reprlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from realtime.errors import SettingsError

OutputFit = Literal["letterbox", "crop"]
BackgroundFit = Literal["cover", "fit"]
DeviceName = Literal["auto", "cpu", "cuda"]
Subject = Literal["everyone", "largest"]
Fallback = Literal["card", "blur", "black"]

# How much of a wrong value a message repeats.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60

# A line break would make two lines of every message. Other odd characters do occur in file names.
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029]")

# Field metadata wants a key.
_OPTION = "option"


@dataclass(frozen=True, slots=True)
class Option:
    """What an option is for and which values it takes.

    Attributes:
        name: as in `Settings` and in the configuration file.
        default: its value where nobody says otherwise; its type is the option's.
        help: a sentence or two for users.
        choices: all values there are; empty where the type decides.
        minimum: the least number, itself included.
        maximum: the greatest number, itself included.
        even: whether the number must be even.
        restart: whether a change takes a new start.
        momentary: whether it belongs to the moment and is never written to a file.
        metavar: what stands for the value in the command line's help.
    """

    name: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: float = -math.inf
    maximum: float = math.inf
    even: bool = False
    restart: bool = False
    momentary: bool = False
    metavar: str = "TEXT"

    @property
    def limited(self) -> bool:
        """Whether its type alone does not say which values it takes."""
        return bool(self.choices) or math.isfinite(self.maximum)

    @property
    def allowed(self) -> str:
        """The values that it takes, in words."""
        if self.choices:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, int):
            kind = "an even whole number" if self.even else "a whole number"
            return f"{kind} from {self.minimum:g} to {self.maximum:g}"
        if isinstance(self.default, float):
            return f"a number from {self.minimum:g} to {self.maximum:g}"
        if isinstance(self.default, tuple):
            least = "at least one text" if self.default else "texts"
            return f'a list of {least}, as ["one", "two"]'
        return "a line of text, in quotes" if self.default else 'a line of text, in quotes, or ""'

    def check(self, value: object) -> Any:
        """The value in the option's type.

        Raises:
            SettingsError: it is not allowed.
        """
        checked = self._converted(value)
        if checked is None:
            raise SettingsError(f"{self.name} = {_short(value)}: write {self.allowed}")
        return checked

    def _converted(self, value: object) -> Any:
        """The value in the option's type, None where it is not allowed."""
        default = self.default
        if isinstance(default, bool):
            return value if isinstance(value, bool) else None
        if isinstance(default, int | float):
            return self._number(value)
        if isinstance(default, tuple):
            if not isinstance(value, list | tuple) or (default and not value):
                return None
            return tuple(value) if all(map(_is_text, value)) else None
        if value == default:
            return value
        if not _is_text(value) or (self.choices and value not in self.choices):
            return None
        return value

    def _number(self, value: object) -> int | float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # The comparison is false for NaN.
        if not self.minimum <= value <= self.maximum:
            return None
        if isinstance(self.default, float):
            return float(value)
        return int(value) if value % (2 if self.even else 1) == 0 else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and not _CONTROL.search(value)


def _short(value: object) -> str:
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python does not write out a number of thousands of digits
        return "that number"


def _about(help_: str, **rules: Any) -> dict[str, dict[str, Any]]:
    """The metadata of a field: what `Option` says of it, but for its name and default."""
    return {_OPTION: {"help": help_, **rules}}


@dataclass(frozen=True, slots=True)
class Settings:
    """A set of valid options; it cannot be changed, only replaced.

    Raises:
        SettingsError: an option has a value that it may not have.
    """

    camera: str = field(
        default="0",
        metadata=_about(
            "Where pictures come from: a camera's number, its path or name, the address of a "
            'network camera (rtsp://, http://), or "demo".',
            restart=True,
            metavar="CAMERA",
        ),
    )
    width: int = field(
        default=1280,
        metadata=_about(
            "Width of the pictures, in pixels.", minimum=16, maximum=8192, even=True, restart=True
        ),
    )
    height: int = field(
        default=720,
        metadata=_about(
            "Height of the pictures, in pixels.", minimum=16, maximum=8192, even=True, restart=True
        ),
    )
    fps: float = field(
        default=30.0, metadata=_about("Pictures in a second.", minimum=1, maximum=240, restart=True)
    )
    outputs: tuple[str, ...] = field(
        default=("window",),
        metadata=_about(
            'Where finished pictures go, one or more: "window", "virtual" (the virtual camera), '
            '"/dev/videoN", the path of a video file, or "null" (nowhere).',
            restart=True,
            metavar="window|virtual|/dev/videoN|FILE|null",
        ),
    )
    output_fit: OutputFit = field(
        default="letterbox",
        metadata=_about(
            "What to do where camera and output differ in shape: add bars, or crop.",
            choices=get_args(OutputFit),
        ),
    )
    model: str = field(
        default="default",
        metadata=_about(
            "The network that finds people: a name that `realtime models` lists, or an ONNX file.",
            restart=True,
            metavar="NAME|FILE.onnx",
        ),
    )
    device: DeviceName = field(
        default="auto",
        metadata=_about(
            "What computes; auto takes CUDA where it works.",
            choices=get_args(DeviceName),
            restart=True,
        ),
    )
    background: str = field(
        default="blur",
        metadata=_about(
            'What is put behind people: "blur", "blur:5%" of the height (1 to 50), a colour as '
            '"#00b140", "green" (a green screen, for OBS), "demo", a picture, a video, or a folder '
            'of pictures ("FOLDER@8" shows each for 8 seconds).',
            metavar="WHAT",
        ),
    )
    backgrounds: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "What the key for the next background walks through, each written like background.",
            metavar="WHAT",
        ),
    )
    background_fit: BackgroundFit = field(
        default="cover",
        metadata=_about(
            "Fill the frame with the background's picture, or show all of it.",
            choices=get_args(BackgroundFit),
        ),
    )
    crossfade: float = field(
        default=0.3,
        metadata=_about("Seconds in which one background becomes the next.", minimum=0, maximum=10),
    )
    decontaminate: bool = field(
        default=True, metadata=_about("Take the colour of the old room out of the edges of people.")
    )
    light_wrap: float = field(
        default=0.0,
        metadata=_about(
            "How much of the background's light falls on the edges of people; 0 is none.",
            minimum=0,
            maximum=1,
        ),
    )
    mirror: bool = field(default=False, metadata=_about("Swap left and right."))
    zoom: float = field(
        default=1.0,
        metadata=_about("How much to enlarge the picture; 1 is all of it.", minimum=1, maximum=4),
    )
    pan_x: float = field(
        default=0.0,
        metadata=_about(
            "Which part of an enlarged picture: -1 is its left edge, 1 its right.",
            minimum=-1,
            maximum=1,
        ),
    )
    pan_y: float = field(
        default=0.0,
        metadata=_about(
            "Which part of an enlarged picture: -1 is its top, 1 its bottom.",
            minimum=-1,
            maximum=1,
        ),
    )
    smoothing: bool = field(default=True, metadata=_about("Calm the edges over time."))
    subject: Subject = field(
        default="everyone",
        metadata=_about(
            "Who stays in the picture: everyone, or the largest person only.",
            choices=get_args(Subject),
        ),
    )
    smallest_person: float = field(
        default=0.0,
        metadata=_about(
            "Drop people who are smaller than this share of the largest; 0 keeps all.",
            minimum=0,
            maximum=1,
        ),
    )
    max_staleness: float = field(
        default=0.25,
        metadata=_about(
            "Seconds after which an old picture is no longer shown, but the fallback; or two frame "
            "intervals of a slow camera.",
            minimum=0.02,
            maximum=60,
        ),
    )
    nobody_after: float = field(
        default=0.0,
        metadata=_about(
            "Seconds without a person after which the fallback is shown; 0 is never.",
            minimum=0,
            maximum=86400,
        ),
    )
    fallback: Fallback = field(
        default="card",
        metadata=_about(
            "What is shown where no picture may be: a card, the last picture blurred, or black.",
            choices=get_args(Fallback),
        ),
    )
    on_demand: bool = field(
        default=False,
        metadata=_about(
            "Open the camera only while a program reads the virtual camera (Linux).",
            restart=True,
        ),
    )
    governor: bool = field(
        default=True,
        metadata=_about("Take a faster way of working while this machine cannot hold the rate."),
    )
    latency_budget: float = field(
        default=0.0,
        metadata=_about(
            "Seconds that a picture may take from camera to output; most are to take seven tenths "
            "of that. 0 is the time of two pictures.",
            minimum=0,
            maximum=10,
        ),
    )
    seconds: float = field(
        default=0.0,
        metadata=_about(
            "End after so many seconds; 0 is never.", minimum=0, maximum=999_999, restart=True
        ),
    )
    control_port: int = field(
        default=-1,
        metadata=_about(
            "Be controlled by other programs, over HTTP on this port; 0 is any that is free, -1 is "
            "none.",
            minimum=-1,
            maximum=65535,
            restart=True,
        ),
    )
    control_token_file: str = field(
        default="",
        metadata=_about(
            "Write the control's address and token into this file.", restart=True, metavar="FILE"
        ),
    )
    stats_json: str = field(
        default="",
        metadata=_about(
            "Write figures into this file, a line of JSON each second.",
            restart=True,
            metavar="FILE",
        ),
    )
    panic: bool = field(
        default=False,
        metadata=_about("Show the fallback at once, and nothing else.", momentary=True),
    )
    freeze: bool = field(default=False, metadata=_about("Hold the picture.", momentary=True))
    overlay: bool = field(
        default=False, metadata=_about("Write figures onto the preview.", momentary=True)
    )
    key_help: bool = field(
        default=False, metadata=_about("Write the keys onto the preview.", momentary=True)
    )

    def __post_init__(self) -> None:
        for option in OPTIONS.values():
            checked = option.check(getattr(self, option.name))
            object.__setattr__(self, option.name, checked)

    def as_dict(self) -> dict[str, Any]:
        """Every option by its name."""
        return asdict(self)


OPTIONS: Mapping[str, Option] = {
    item.name: Option(name=item.name, default=item.default, **item.metadata[_OPTION])
    for item in fields(Settings)
}
"""Every option by its name, in the order of `Settings`."""


def require_known(names: Mapping[str, object]) -> None:
    """Sees whether all these are options.

    Raises:
        SettingsError: one is not; its message has the name that comes closest.
    """
    for name in names:
        if name not in OPTIONS:
            close = difflib.get_close_matches(name, OPTIONS, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(OPTIONS)}"
            raise SettingsError(f"{_short(name)}: no such option; {hint}")


class SettingsStore:
    """Holds the settings of a run, for all threads.

    Reading takes no lock: `get` gives the newest set, which never changes any more.

    Args:
        settings: to begin with.

    Attributes:
        version: grows with each change.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self.version = 0

    def get(self) -> Settings:
        """The settings as they are now. A frame that asks once sees one consistent set."""
        return self._settings

    def update(self, **changes: Any) -> Settings:
        """Changes some options, all or none.

        Returns:
            The settings from now on.

        Raises:
            SettingsError: one is unknown, has a value that it may not have, or cannot change
                during a run.
        """
        return self.edit(lambda _: changes)

    def edit(self, change: Callable[[Settings], Mapping[str, Any]]) -> Settings:
        """Does what `update` does, with changes that depend on the settings as they are.

        Nobody else changes anything in between, so that no press of a key is lost.

        Args:
            change: gives the changes; called once, under the lock.
        """
        with self._lock:
            old = self._settings
            changes = change(old)
            require_known(changes)
            new = replace(old, **changes)
            for name in changes:
                if OPTIONS[name].restart and getattr(new, name) != getattr(old, name):
                    raise SettingsError(f"{name}: cannot change during a run; start it again")
            if new != old:
                self._settings = new
                self.version += 1
            return new
