"""Frames into a video file, through PyAV."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorRange

from realtime.errors import OutputError
from realtime.frame import Frame, UInt8, VideoFormat
from realtime.media import file_url, plane_view, reason
from realtime.new_files import check_new, part_beside, target_of
from realtime.output.audio import AudioTracks
from realtime.output.sink import Sink


@dataclass(frozen=True, slots=True)
class _Encoding:
    codec: str
    pixels: str
    options: dict[str, str] = field(default_factory=dict)


# Visually near the source at a speed that two cores can share with everything else.
_H264 = _Encoding("libx264", "yuv420p", {"preset": "veryfast", "crf": "20"})
_VP9_OPTIONS = {
    "crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1",
    # Alternate reference frames and alpha exclude each other in libvpx.
    "auto-alt-ref": "0",
}  # fmt: skip
_VP9 = _Encoding("libvpx-vp9", "yuv420p", _VP9_OPTIONS)
_VP9_ALPHA = _Encoding("libvpx-vp9", "yuva420p", _VP9_OPTIONS)
_PRORES_4444 = _Encoding("prores_aw", "yuva444p10le", {"profile": "4"})

# Container, encoding, and encoding with alpha where there is one, by the file's ending.
_KINDS: dict[str, tuple[str, _Encoding, _Encoding | None]] = {
    ".mp4": ("mp4", _H264, None),
    ".m4v": ("mp4", _H264, None),
    ".mov": ("mov", _H264, _PRORES_4444),
    ".mkv": ("matroska", _H264, _VP9_ALPHA),
    ".webm": ("webm", _VP9, _VP9_ALPHA),
}

# For a live take: readable but for the last seconds even where the program is killed, an ordinary
# file once it is finished. (Without delay_moov times would be off by what the encoder holds back,
# and a file without a picture would crash FFmpeg 8.)
_AT_ONCE = {"flush_packets": "1"}
_IN_FRAGMENTS = _AT_ONCE | {
    "movflags": "hybrid_fragmented+delay_moov",
    "frag_duration": "2000000",  # microseconds
}
_IN_CLUSTERS = _AT_ONCE | {"cluster_time_limit": "2000"}  # milliseconds
_RECOVERABLE = {
    "mp4": _IN_FRAGMENTS, "mov": _IN_FRAGMENTS,
    "matroska": _IN_CLUSTERS, "webm": _IN_CLUSTERS,
}  # fmt: skip

# For an encoder to say how long each picture is on: AV_CODEC_FLAG_FRAME_DURATION, which PyAV does
# not name.
_FRAME_DURATION = 1 << 8

# Containers count time in 32 bits; nanoseconds of a live source are finer than any player. Matroska
# counts in milliseconds: two pictures within one would come at the same time.
_FINEST_TIME_BASE = Fraction(1, 90_000)
_FINEST_OF = {"matroska": Fraction(1, 1000), "webm": Fraction(1, 1000)}


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Sees early, before any work is done, whether a file can be written.

    Raises:
        OutputError: its ending is unknown, its name too long, it exists and `overwrite` is False,
            or its folder is missing or read-only.
    """
    if path.suffix.lower() not in _KINDS:
        kinds = ", ".join(_KINDS)
        raise OutputError(f"{path}: unknown kind of video {path.suffix!r}; end its name in {kinds}")
    check_new(path, overwrite=overwrite)


class FileSink(Sink):
    """Encodes into a file next to the wanted one and renames it when it is whole.

    H.264 for mp4, mov and mkv, VP9 for webm; with alpha ProRes 4444 for mov, VP9 for webm and mkv.
    Keeps timestamps, colour tags and pixel aspect.

    Args:
        path: the file to write; its ending chooses the container.
        audio: sound to go along; closed along with this sink.
        overwrite: whether the file may exist already.
        from_first: whether time starts with the first frame, as for a live source, whose clock
            started long ago; otherwise it starts at 0, and a first frame may come later. A live
            take is kept up to where the disk is full or the run fails.

    Raises:
        OutputError: see `check_writable`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        audio: AudioTracks | None = None,
        overwrite: bool = False,
        from_first: bool = False,
    ) -> None:
        self._path = Path(path)
        check_writable(self._path, overwrite=overwrite)
        self._overwrite = overwrite
        self._from_first = from_first
        self._target = target_of(self._path)
        self._part = part_beside(self._target)
        self._audio = audio
        self._container: av.container.OutputContainer | None = None
        self._notes: tuple[str, ...] = ()
        self._origin: Fraction | None = None
        self._last_pts = -1
        self._end = Fraction(0)

    def open(self, video: VideoFormat, *, transparent: bool) -> None:
        container, plain, with_alpha = _KINDS[self._path.suffix.lower()]
        encoding = with_alpha if transparent else plain
        if encoding is None:
            able = ", ".join(suffix for suffix, kind in _KINDS.items() if kind[2])
            raise OutputError(f"{self._path}: cannot carry transparency; end its name in {able}")
        try:
            options = dict(_RECOVERABLE[container]) if self._from_first else {}
            self._container = av.open(
                file_url(str(self._part)), "w", format=container, options=options
            )
            self._stream = self._add_stream(self._container, video, encoding)
            if self._audio is not None:
                self._audio.attach(self._container)
            self._container.start_encoding()
        except (av.error.FFmpegError, OSError) as error:
            self.abort()
            raise self._broken(error) from error
        if encoding.codec == "libvpx-vp9" and video.sample_aspect_ratio != 1:
            # Only H.264 and ProRes carry it themselves; PyAV does not pass it to the container.
            self._notes = (
                f"{self._path} will look too narrow or too wide: VP9 cannot say that the pixels "
                f"are {video.sample_aspect_ratio} as wide as high; choose .mp4 or .mov to keep it",
            )
        self._frame_seconds = 1 / video.frame_rate
        self._transparent = transparent

    def _add_stream(
        self, container: av.container.OutputContainer, video: VideoFormat, encoding: _Encoding
    ) -> av.VideoStream:
        stream = container.add_stream(
            encoding.codec, rate=video.frame_rate, options=dict(encoding.options)
        )
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        # PyAV's own choice, slices, cuts each picture among the threads and waits for all of them;
        # this way the encoder works on while the next picture is composited.
        context.thread_type = "AUTO"
        context.width, context.height = video.width, video.height
        context.pix_fmt = encoding.pixels
        finest = _FINEST_OF.get(container.format.name, _FINEST_TIME_BASE)
        context.time_base = max(video.time_base, finest)
        context.sample_aspect_ratio = video.sample_aspect_ratio
        # How long the last one is on, no other says.
        context.flags |= _FRAME_DURATION
        color = video.color
        if color.full_range is not None:
            full = color.full_range and encoding is not _PRORES_4444
            context.color_range = ColorRange.JPEG if full else ColorRange.MPEG
        context.colorspace = color.matrix
        context.color_primaries = color.primaries
        context.color_trc = color.transfer
        self._time_base = context.time_base
        self._pixels = encoding.pixels
        return stream

    def write(self, frame: Frame) -> None:
        assert self._container is not None
        time = frame.pts * frame.time_base
        if self._origin is None:
            self._origin = time if self._from_first else Fraction(0)
        time -= self._origin
        pts = max(self._last_pts + 1, round(time / self._time_base))
        since = (pts - self._last_pts) * self._time_base if self._last_pts >= 0 else None
        seconds = self._frame_seconds if since is None else min(since, self._frame_seconds)
        self._last_pts = pts
        self._end = time + seconds
        picture = self._to_av(frame)
        picture.pts, picture.duration = pts, round(seconds / self._time_base)
        picture.time_base = self._time_base
        try:
            packets = self._stream.encode(picture)
            if self._audio is not None:
                self._audio.mux_until(time)
            self._container.mux(packets)
        except (av.error.FFmpegError, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: BaseException) -> OutputError:
        """Gives the file up, and tells."""
        if self._from_first:
            kept = self._salvage()
            if kept is not None:
                return OutputError(
                    f"{kept}: ends early, it cannot be written any further: {reason(error)}; see "
                    "that its disk has room before the next take"
                )
        self.abort()
        return self._broken(error)

    def _salvage(self) -> Path | None:
        """Keeps what was written until now, unless there is no picture in it; returns where.

        What was live cannot be recorded again, and is no reason to replace an older recording.
        """
        assert self._container is not None
        with suppress(av.error.FFmpegError, OSError):
            self._container.close()
        self._release()
        try:
            if _plays(self._part):
                if os.path.exists(self._target):
                    return self._part
                self._publish()
                return self._path
            self._part.unlink()
        except (av.error.FFmpegError, OSError, OutputError):
            # The disk that cannot be written to may not be read from or renamed on either.
            return self._part
        return None

    def _to_av(self, frame: Frame) -> av.VideoFrame:
        planes = frame.planes
        pixels = "yuva420p" if self._transparent else "yuv420p"
        packed = planes.packed
        # PyAV rounds the height of packed ones down to a multiple of four. The encoder keeps a
        # reference as long as it reads: see `Pool` for why that is enough.
        if packed is not None and frame.alpha is None and planes.height % 4 == 0:
            picture = av.VideoFrame.from_numpy_buffer(packed, pixels)
        else:
            picture = av.VideoFrame(planes.width, planes.height, pixels)
            sources: list[UInt8] = [*planes] if frame.alpha is None else [*planes, frame.alpha]
            for source, target in zip(sources, picture.planes, strict=True):
                rows, columns = source.shape
                plane_view(target, rows, columns)[...] = source
        picture.color_range = ColorRange.JPEG if frame.color.full_range else ColorRange.MPEG
        picture.colorspace = frame.color.matrix
        if pixels == self._pixels:
            return picture
        # ProRes has no way to say that it is full range, and every reader takes it for limited.
        picture = picture.reformat(format=self._pixels, dst_color_range=ColorRange.MPEG)
        if frame.alpha is not None:
            # FFmpeg's scaler leaves the last bits 0, and 255 would come back as 254.
            rows, columns = frame.alpha.shape
            levels = frame.alpha.astype("<u2")
            plane = plane_view(picture.planes[3], rows, 2 * columns).view("<u2")
            plane[...] = levels << 2 | levels >> 6
        return picture

    def close(self, *, early: bool = False) -> None:
        if self._container is None or self._origin is None:
            self.abort()  # a file without a frame is none
            return
        try:
            self._container.mux(self._stream.encode(None))
            if self._audio is not None:
                self._audio.finish(self._end if early else None)
            self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            raise self._failed(error) from error
        self._release()
        self._publish()

    def _publish(self) -> None:
        """Gives the finished file its name.

        Raises:
            OutputError: it cannot have it; it is kept under the one it has.
        """
        kept = f"the result is kept as {self._part}"
        if not self._part.exists():
            # With its folder, or by whoever tidies up.
            kept = "and what was written is gone: somebody deleted it"
        if os.path.exists(self._target) and not self._overwrite:
            # Made by somebody else since the start. Neither file is ours to throw away.
            raise OutputError(f"{self._path}: was created by another program meanwhile; {kept}")
        try:
            os.replace(self._part, self._target)
        except OSError as error:
            raise OutputError(
                f"{self._path}: cannot be put in place: {reason(error)}; {kept}"
            ) from error

    def abort(self) -> None:
        if self._container is not None and self._from_first and self._origin is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._container.mux(self._stream.encode(None))
            kept = self._salvage()
            if kept is not None:
                older = kept != self._path and os.path.exists(self._target)
                left = f"; {self._path} was left as it was" if older else ""
                self._notes = (*self._notes, f"{kept}: ends early, where the run ended{left}")
        elif self._container is not None:
            # The failure that led here is the one to report.
            with suppress(av.error.FFmpegError, OSError):
                self._container.close()
            with suppress(OSError):
                self._part.unlink()
        self._release()

    def _release(self) -> None:
        self._container = None
        if self._audio is not None:
            self._audio.close()

    def notes(self) -> tuple[str, ...]:
        return self._notes if self._audio is None else (*self._notes, *self._audio.notes())

    def _broken(self, error: BaseException) -> OutputError:
        return OutputError(
            f"{self._path}: cannot be written: {reason(error)}; see that its disk has room, or "
            "choose another file"
        )


def _plays(path: Path) -> bool:
    """Whether there is a picture in a file.

    Raises:
        OSError: it cannot be read.
        FFmpegError: likewise.
    """
    try:
        with av.open(file_url(str(path))) as container:
            return next(container.decode(video=0), None) is not None
    except (av.error.InvalidDataError, av.error.EOFError, IndexError):
        return False
