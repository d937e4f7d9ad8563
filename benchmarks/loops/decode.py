"""Decodes a clip, with threads of FFmpeg's own: the floor where nothing is written."""

import json
import sys
from itertools import islice

import av


def main(clip: str, _out: str, _background: str, frames: str) -> None:
    with av.open(clip) as source:
        video = source.streams.video[0]
        video.thread_type = "AUTO"
        count = sum(1 for _ in islice(source.decode(video), int(frames)))
    print(json.dumps({"frames": count}))


if __name__ == "__main__":
    main(*sys.argv[1:5])
