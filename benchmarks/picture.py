"""Draws the README's picture: what the camera sees, the alpha, and what goes out.

`python -m benchmarks.picture [OUT.jpg]`
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from benchmarks.reporting import check_writable, run_command
from models import command
from models.errors import ModelsError
from realtime.capture.demo import DemoSource
from realtime.color import planes_to_rgb
from realtime.frame import UInt8
from realtime.inference.matting import Matting
from realtime.output.backgrounds import parse
from realtime.output.compositor import Compositor

_SIZE = (640, 360)
_FRAMES = (20, 110)


def draw() -> UInt8:
    """Two moments of the demo, one a row; uint8 (H, W, 3) RGB."""
    rows = []
    with (
        DemoSource(*_SIZE) as source,
        Matting() as matting,
        parse("demo") as picture,
        parse("blur") as blur,
    ):
        composites = Compositor(picture), Compositor(blur)
        for index in range(max(_FRAMES) + 1):
            frame = source.read()
            assert frame is not None  # the demo is endless
            matte = matting.matte(frame)
            if index not in _FRAMES:
                continue
            alpha = cv2.resize(matte.alpha, _SIZE, interpolation=cv2.INTER_LINEAR)
            tiles = [
                planes_to_rgb(frame.planes, frame.color),
                np.repeat(np.rint(alpha * 255).astype(np.uint8)[..., None], 3, 2),
            ]
            for composite in composites:
                finished = composite(matte)
                tiles.append(planes_to_rgb(finished.planes, finished.color))
            rows.append(np.hstack(tiles))
    sheet: UInt8 = cv2.resize(np.vstack(rows), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return sheet


def main() -> int:
    """Writes the picture."""
    parser = command.parser("benchmarks.picture", __doc__)
    parser.add_argument(
        "out", type=Path, nargs="?", default=Path(".github/demo.jpg"), help="(%(default)s)"
    )
    path = parser.parse_args().out
    check_writable(path)
    rgb = draw()
    done, content = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise ModelsError(f"{path}: the picture cannot be encoded; see to the install of OpenCV")
    path.write_bytes(content.tobytes())
    print(f"{path}: {rgb.shape[1]}×{rgb.shape[0]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
