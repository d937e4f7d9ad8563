"""Decodes a clip and feeds x264 in one thread, and nothing else: the floor of any video program.

"SLICE", PyAV's default, decodes in the thread of this loop where every frame is one slice, as in
most files, and waits for the encoder's threads, which share each frame; with "AUTO" FFmpeg decodes
ahead and encodes afterwards, several frames at once, as our own program has it do.
"""

import sys
from itertools import islice

import av


def main(clip: str, out: str, _background: str, frames: str, threads: str = "SLICE") -> None:
    with av.open(clip) as source, av.open(out, "w") as target:
        video = source.streams.video[0]
        video.thread_type = threads
        options = {"preset": "veryfast", "crf": "20"}
        stream = target.add_stream("libx264", rate=video.average_rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.codec_context.thread_type = threads
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        for index, frame in enumerate(islice(source.decode(video), int(frames))):
            frame.pts, frame.time_base = index, 1 / stream.codec_context.framerate
            # Not what the decoder chose: key frames where x264 likes them.
            frame.pict_type = av.video.frame.PictureType.NONE
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    main(*sys.argv[1:6])
