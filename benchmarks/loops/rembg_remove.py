"""rembg as its documentation uses it on many pictures: one session, remove() for each.

Its own networks are downloads; a local ONNX file is given as "u2net_custom", which shows it
320×320. The picture that comes back is put before the background.
"""

import importlib
import os
import sys
from itertools import islice
from typing import Any

import av
import numpy as np


def main(clip: str, out: str, background: str, frames: str, network: str) -> None:
    # It takes networks from its own folder only.
    os.environ["U2NET_HOME"] = os.path.dirname(os.path.abspath(network))
    rembg: Any = importlib.import_module("rembg")
    pillow: Any = importlib.import_module("PIL.Image")
    session = rembg.new_session("u2net_custom", model_path=network)
    with av.open(clip) as source, av.open(out, "w") as target:
        video = source.streams.video[0]
        options = {"preset": "veryfast", "crf": "20"}
        stream = target.add_stream("libx264", rate=video.average_rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        behind = pillow.open(background).convert("RGB").resize((video.width, video.height))
        for frame in islice(source.decode(video), int(frames)):
            cut = rembg.remove(pillow.fromarray(frame.to_ndarray(format="rgb24")), session=session)
            picture = behind.copy()
            picture.paste(cut, (0, 0), cut)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture))))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    main(*sys.argv[1:6])
