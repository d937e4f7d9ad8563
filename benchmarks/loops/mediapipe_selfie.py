"""MediaPipe's documented loop: selfie segmentation, np.where, OpenCV before and behind.

Source: the Python example of MediaPipe's selfie segmentation solution, with a file in place of the
camera, a picture as background, and a writer in place of the window.
"""

import importlib
import sys
from typing import Any

import cv2
import numpy as np


def main(clip: str, out: str, background: str, frames: str) -> None:
    mediapipe: Any = importlib.import_module("mediapipe")
    capture = cv2.VideoCapture(clip)
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(out, fourcc, capture.get(cv2.CAP_PROP_FPS), (width, height))
    behind = cv2.resize(cv2.imread(background), (width, height))
    solution = mediapipe.solutions.selfie_segmentation
    with solution.SelfieSegmentation(model_selection=1) as segmentation:
        for _ in range(int(frames)):
            success, image = capture.read()
            if not success:
                break
            found = segmentation.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            condition = np.stack((found.segmentation_mask,) * 3, axis=-1) > 0.1
            writer.write(np.where(condition, image, behind))
    writer.release()


if __name__ == "__main__":
    main(*sys.argv[1:5])
