"""`realtime cameras`: what there is to choose from."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from realtime.capture.devices import Camera
    from realtime.capture.modes import Mode


@click.command(
    epilog="""\b
Examples:
  realtime cameras
  realtime live --camera 0
  realtime live --camera /dev/video2 --size 1920x1080
  realtime live --camera rtsp://192.168.0.9/stream
"""
)
@click.option("--json", "as_json", is_flag=True, help="Say it in JSON lines.")
def cameras(as_json: bool) -> None:
    """List cameras with the pictures that each can deliver."""
    from realtime.capture.devices import list_cameras

    found = list_cameras()
    for camera in found:
        print(json.dumps(_as_json(camera)) if as_json else _as_text(camera))
    if not found and not as_json:
        print("No camera is plugged in. 'realtime live --camera demo' works without one.")


def _as_json(camera: Camera) -> dict[str, Any]:
    return {
        "id": camera.id,
        "name": camera.name,
        "path": camera.path,
        "virtual": camera.virtual,
        "problem": camera.problem,
        "modes": [
            {
                "pixels": mode.pixels,
                "width": mode.width,
                "height": mode.height,
                "rates": [round(float(rate), 3) for rate in mode.rates],
            }
            for mode in camera.modes
        ],
    }


def _as_text(camera: Camera) -> str:
    from realtime.capture.devices import without_modes

    kind = ", a virtual camera" if camera.virtual else ""
    lines = [f"{camera.id}  {camera.name} ({camera.path}){kind}"]
    if camera.problem is not None:
        lines.append(f"   {camera.problem}")
    elif not camera.modes:
        lines.append(f"   {without_modes()}")
    for pixels, modes in groupby(camera.modes, key=lambda mode: mode.pixels):
        lines.append(f"   {pixels}  " + ", ".join(_size_and_rate(mode) for mode in modes))
    return "\n".join(lines)


def _size_and_rate(mode: Mode) -> str:
    size = f"{mode.width}×{mode.height}"
    return f"{size} at {float(max(mode.rates)):.4g}" if mode.rates else size
