"""MediaPipe's documented loop with its network in onnxruntime, where MediaPipe is not to be had."""

import sys

import cv2
import numpy as np
import onnxruntime as ort


def main(clip: str, out: str, background: str, frames: str, network: str) -> None:
    session = ort.InferenceSession(network, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    _, rows, columns, _ = session.get_inputs()[0].shape
    capture = cv2.VideoCapture(clip)
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(out, fourcc, capture.get(cv2.CAP_PROP_FPS), (width, height))
    behind = cv2.resize(cv2.imread(background), (width, height))
    for _ in range(int(frames)):
        success, image = capture.read()
        if not success:
            break
        small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (columns, rows))
        (mask,) = session.run(None, {name: small[None].astype(np.float32) / 255})
        full = cv2.resize(mask[0, ..., 0], (width, height))
        condition = np.stack((full,) * 3, axis=-1) > 0.1
        writer.write(np.where(condition, image, behind))
    writer.release()


if __name__ == "__main__":
    main(*sys.argv[1:6])
