"""RobustVideoMatting's documented loop in onnxruntime: full-size pictures in, foreground out.

Source: the documentation of its ONNX files (memories of zeros at first, returned by each run) and
of its converter (`downsample_ratio` so that the longer side becomes 512; com = fgr·pha + bg·(1 -
pha)). Sides are brought to the multiples of 16 that this file wants by repeating the last lines.
"""

import sys
from itertools import islice

import av
import cv2
import numpy as np
import onnxruntime as ort

_STRIDE = 16
_LONGER_SIDE = 512


def main(clip: str, out: str, background: str, frames: str, network: str) -> None:
    session = ort.InferenceSession(network, providers=["CPUExecutionProvider"])
    channels = {i.name: i.shape[-1] for i in session.get_inputs()}
    memory = [np.zeros([1, 1, 1, channels[f"r{n}i"]], np.float32) for n in range(1, 5)]
    with av.open(clip) as source, av.open(out, "w") as target:
        video = source.streams.video[0]
        width, height = video.width, video.height
        ratio = np.array([min(_LONGER_SIDE / max(width, height), 1)], np.float32)
        bottom, right = -height % _STRIDE, -width % _STRIDE
        options = {"preset": "veryfast", "crf": "20"}
        stream = target.add_stream("libx264", rate=video.average_rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        picture = cv2.cvtColor(cv2.imread(background), cv2.COLOR_BGR2RGB)
        behind = cv2.resize(picture, (width, height)).astype(np.float32) / 255
        for frame in islice(source.decode(video), int(frames)):
            image = frame.to_ndarray(format="rgb24")
            padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
            feed = {"src": padded[None].astype(np.float32) / 255, "downsample_ratio": ratio}
            feed |= {f"r{n}i": m for n, m in enumerate(memory, 1)}
            fgr, pha, *memory = session.run(["fgr", "pha", "r1o", "r2o", "r3o", "r4o"], feed)
            fgr, pha = fgr[0, :height, :width], pha[0, :height, :width]
            com = fgr * pha + behind * (1 - pha)
            finished = (com * 255).astype(np.uint8)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(finished)))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    main(*sys.argv[1:6])
