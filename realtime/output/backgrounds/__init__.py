"""What is put behind the foreground."""

from __future__ import annotations

import os
import re
from importlib.resources import as_file, files
from typing import get_args

from realtime.errors import BackgroundError
from realtime.output.backgrounds.background import Background, Transparent
from realtime.output.backgrounds.blur import LEAST_STRENGTH, MOST_STRENGTH, Blur, strength_of
from realtime.output.backgrounds.slideshow import DEFAULT_SECONDS, Slideshow
from realtime.output.backgrounds.still import Color, Fit, Image, read_image
from realtime.output.backgrounds.switcher import Switcher, opaque
from realtime.output.backgrounds.video import Video, is_animated

__all__ = [
    "Background",
    "Blur",
    "Color",
    "Fit",
    "Image",
    "Slideshow",
    "Switcher",
    "Transparent",
    "Video",
    "opaque",
    "parse",
]

# Falcon 9 on its launch pad, by SpaceX, released into the public domain.
_DEMO_PICTURE = "falcon9.jpg"

# The green that software keys out by default: "chroma key green".
_GREEN = (0, 177, 64)

# Seconds for which each picture of a slideshow may be asked for.
_SHORTEST_SLIDE = 0.1
_LONGEST_SLIDE = 86_400.0

_KINDS = (
    "blur, blur:5%, #00b140, green, {}demo, or the path of a picture, a video, or a folder of "
    "pictures"
)


def parse(
    text: str, fit: Fit = "cover", *, live: bool = False, pixel_aspect: float = 1.0
) -> Background:
    """The background that a user names.

    Args:
        text: "blur", "blur:N%" of the picture's height from 1 to 50, "#rrggbb", "green" (for
            chroma keying), "transparent", "demo" (an embedded picture), a file, or a folder of
            pictures; "FOLDER@N" shows each of them for N seconds.
        fit: how an image is scaled; see `Image`.
        live: whether frames do not wait, see `Slideshow` and `Video`.
        pixel_aspect: width of the frame's pixels by their height.

    Raises:
        BackgroundError: it is none of these.
    """
    if fit not in get_args(Fit):
        raise BackgroundError(f"background fit {fit!r}: choose {' or '.join(get_args(Fit))}")
    if text == "transparent":
        return Transparent()
    if text == "green":
        return Color(_GREEN)
    if text == "demo":
        with as_file(files(__package__).joinpath("assets", _DEMO_PICTURE)) as path:
            return _from_file(str(path), fit, pixel_aspect, live=live)
    if text == "blur" or text.startswith("blur:"):
        return Blur(_strength(text))
    if text.startswith("#"):
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
            raise BackgroundError(f"background {text}: write a colour as #rrggbb, such as #00b140")
        red, green, blue = bytes.fromhex(text[1:])
        return Color((red, green, blue))
    # Not Path: it raises what it cannot tell, such as for too long a name.
    if os.path.isdir(text):
        return Slideshow(text, fit=fit, patient=not live, pixel_aspect=pixel_aspect)
    folder, _, given = text.rpartition("@")
    if os.path.isdir(folder) and not os.path.exists(text):
        seconds = _seconds(text, given)
        return Slideshow(folder, seconds, fit, patient=not live, pixel_aspect=pixel_aspect)
    # A live picture has nowhere to carry an alpha.
    kinds = _KINDS.format("" if live else "transparent, ")
    if not os.path.isfile(text):
        raise BackgroundError(f"background {text}: no such file; choose {kinds}")
    try:
        return _from_file(text, fit, pixel_aspect, live=live)
    except BackgroundError as error:
        raise BackgroundError(f"{error}; choose {kinds}") from None


def _strength(text: str) -> float:
    strength = strength_of(text)
    if strength is None or not LEAST_STRENGTH <= strength <= MOST_STRENGTH:
        raise BackgroundError(
            f"background {text}: write the blur in percent of the picture's height, from "
            f"{LEAST_STRENGTH:g} to {MOST_STRENGTH:g}; blur:5% is usual"
        )
    return strength


def _seconds(text: str, given: str) -> float:
    try:
        seconds = float(given.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not _SHORTEST_SLIDE <= seconds <= _LONGEST_SLIDE:
        raise BackgroundError(
            f"background {text}: write the seconds for each picture, from {_SHORTEST_SLIDE:g} to "
            f"{_LONGEST_SLIDE:g}, such as FOLDER@{DEFAULT_SECONDS:g}"
        )
    return seconds


def _from_file(path: str, fit: Fit, pixel_aspect: float, *, live: bool) -> Background:
    image = None if is_animated(path) else read_image(path)
    if image is not None:
        return Image(image, fit, pixel_aspect)
    try:
        return Video(path, fit, pixel_aspect, patient=not live)
    except BackgroundError as error:
        raise BackgroundError(
            f"background {path}: neither a picture nor a video that can be read ({error})"
        ) from None
