"""MediaPipe's documented loop: selfie segmentation, np.where, OpenCV before and behind.

Source: the Python example of MediaPipe's selfie segmentation solution, with a file in place of the
camera, a picture as background, and a writer in place of the window: OpenCV's, which has no x264
and writes MPEG-4, or with "H264" PyAV's, so that the same is written as by other loops.
"""

import importlib
import sys
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

Write = Callable[[Any], object]


def opencv_writer(stack: ExitStack, out: str, rate: float, size: tuple[int, int]) -> Write:
    writer = cv2.VideoWriter(out, cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    stack.callback(writer.release)
    return writer.write


def h264_writer(stack: ExitStack, out: str, rate: float, size: tuple[int, int]) -> Write:
    # Here, since the documented loop does not load it.
    import av

    target = stack.enter_context(av.open(out, "w"))
    options = {"preset": "veryfast", "crf": "20"}
    exact = Fraction(rate).limit_denominator(1001)
    stream = target.add_stream("libx264", rate=exact, options=options)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
    stack.callback(lambda: target.mux(stream.encode(None)))
    return lambda image: target.mux(
        stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24"))
    )


def main(clip: str, out: str, background: str, frames: str, codec: str = "MPEG4") -> None:
    mediapipe: Any = importlib.import_module("mediapipe")
    capture = cv2.VideoCapture(clip)
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    behind = cv2.resize(cv2.imread(background), (width, height))
    solution = mediapipe.solutions.selfie_segmentation
    with ExitStack() as stack:
        writer = h264_writer if codec == "H264" else opencv_writer
        write = writer(stack, out, capture.get(cv2.CAP_PROP_FPS), (width, height))
        segmentation = stack.enter_context(solution.SelfieSegmentation(model_selection=1))
        for _ in range(int(frames)):
            success, image = capture.read()
            if not success:
                break
            found = segmentation.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            condition = np.stack((found.segmentation_mask,) * 3, axis=-1) > 0.1
            write(np.where(condition, image, behind))


if __name__ == "__main__":
    main(*sys.argv[1:6])
