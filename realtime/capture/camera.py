"""Cameras and network streams, read by FFmpeg."""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import cv2  # noqa: F401 - before PyAV, see realtime.media

# isort: split
import av

from realtime.capture.devices import Camera, broke, cannot_open
from realtime.capture.modes import Mode
from realtime.capture.planar import (
    from_camera,
    is_rgb,
    square_width,
    tags_of,
    with_square_pixels,
)
from realtime.capture.source import Lost, Source
from realtime.capture.spreading import Spreading
from realtime.capture.stamps import Stamps
from realtime.capture.ways import way_to_stream, ways_to_device
from realtime.errors import SourceError
from realtime.frame import NANOSECOND, ColorTags, Frame, VideoFormat, exact_rate
from realtime.media import demux, reason, without_password
from realtime.stats import Stats

if sys.platform == "linux":
    from realtime.capture import v4l2

# Seconds that a read waits at most: whoever reads must be able to stop.
_WAIT_SECONDS = 0.1

# Nanoseconds that a packet which is there may take: waiting for Python's lock alone takes up to
# 5 ms. A picture whose packets took so much longer, all together, was most likely waited for.
_TURN = 5_000_000
_AWAITED = 3_000_000

# Seconds between questions where there is no file descriptor to wait for.
_POLL_SECONDS = 0.002

# Damaged pictures in a row after which a camera counts as broken. Many begin with one or two.
_MOST_DAMAGED = 30

# Pixels that are to be narrower than this, by their height, are not believed; nor wider ones.
_LEAST_ASPECT = Fraction(1, 4)

# FFmpeg's name for pictures that are not encoded: they lie in the driver's memory.
_RAW = "rawvideo"

# What UVC, the standard of webcams, says of raw pictures without a word on colour: BT.601.
WEBCAM_COLOR = ColorTags(full_range=False, matrix=6)

# What JFIF says of every JPEG.
_JPEG_COLOR = ColorTags(full_range=True, matrix=5)

_MODE_NAMES = {"mjpeg": "MJPG"}


class CameraSource(Source):
    """Delivers a camera's pictures in the format it has, as soon as they come.

    `read` waits a tenth of a second at most and then raises `Lost`, so a camera that falls silent
    does not hold whoever reads; a network stream holds it for up to three seconds, and its pictures
    come as evenly as they were taken, with square pixels; see `Spreading` for what becomes of those
    that piled up while it was silent. A camera that breaks is broken for good: `Reconnecting` opens
    it anew.

    See `Stamps` for the time of a frame.

    Args:
        camera: a device, or the URL of a stream (RTSP, HTTP, whatever FFmpeg reads).
        width: pixels asked for. A device gives the nearest it has, a stream is as it is.
        height: likewise.
        fps: likewise.
        open: opens a container as `av.open` does.
        clock: monotonic nanoseconds.
        wait: waits for a picture, so many seconds at most; by default for the device's own sign.
        sleep: waits for so many seconds.
        stats: where to count the duration of "decode", what is done to a picture here.

    Raises:
        SourceError: it cannot be opened; the message says why, and what to do.
    """

    def __init__(
        self,
        camera: Camera | str,
        width: int = 1280,
        height: int = 720,
        fps: float = 30.0,
        *,
        open: Callable[..., Any] = av.open,
        clock: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], object] | None = None,
        sleep: Callable[[float], object] = time.sleep,
        stats: Stats | None = None,
    ) -> None:
        if isinstance(camera, Camera):
            self._camera: Camera | None = camera
            self._url = ""
            self.name = f"{camera.name} ({camera.path})"
        else:
            self._camera, self._url = None, camera
            self.name = without_password(camera)
        self._asked = (width, height, fps)
        self._clock = clock
        self._sleep = sleep
        self._stats = stats or Stats()
        # Seconds spent on the packets of the next picture.
        self._decoding = 0.0
        self._stamps = Stamps()
        self._index = 0
        # Whether packets came just now that may become the first picture.
        self._coming = False
        self._damaged = 0
        self._damaged_in_a_row = 0
        self._mode: Mode | None = None
        self._container = self._open_stream(open) if self._camera is None else self._open(open)
        try:
            self._stream = self._pick_stream()
            self._raw = self._stream.codec_context.name == _RAW
            self._color = self._find_color()
            context = self._stream.codec_context
            self._size = context.width, context.height
            self._pixel_aspect = self._find_pixel_aspect()
            self.format = self._describe()
        except BaseException:
            self._container.close()
            raise
        self._wait = wait or _waiter(self._camera)
        # Nanoseconds since the packet of the last picture in which the next was not there yet.
        self._waited = 0
        self._spreading = self._spreader()
        self._pictures: deque[av.VideoFrame] = deque()
        self._restart()

    def _open_stream(self, open: Callable[..., Any]) -> Any:
        way = way_to_stream(self._url)
        begun = time.monotonic()
        try:
            return open(way.url, **way.arguments())
        except av.error.InvalidDataError:
            problem = "is no video stream that FFmpeg can read"
            if time.monotonic() - begun >= way.timeout[0]:
                # What a time-out in the midst of a server's answer looks like.
                problem = f"cannot be opened: silent for {way.timeout[0]:g} s"
        except (av.error.FFmpegError, OSError) as error:
            problem = f"cannot be opened: {_silence(error, way.timeout[0]) or reason(error)}"
        raise SourceError(f"camera {self.name}: {problem}; check its address and that it is on")

    def _open(self, open: Callable[..., Any]) -> Any:
        assert self._camera is not None
        first: OSError | None = None
        for way in ways_to_device(self._camera, *self._asked):
            try:
                container = open(way.url, **way.arguments())
            except (av.error.ExitError, BlockingIOError):
                raise SourceError(
                    f"camera {self._camera.id}: {self.name} opens but shows nothing; plug it in "
                    "anew"
                ) from None
            except (av.error.FFmpegError, OSError) as error:
                # What the system says to the best way counts; the others are for odd drivers.
                first = first or OSError(getattr(error, "errno", None), reason(error))
            else:
                self._mode = way.mode
                return container
        assert first is not None
        raise cannot_open(self._camera, first)

    def _pick_stream(self) -> Any:
        streams = self._container.streams.video
        if not streams:
            raise SourceError(f"camera {self.name}: sends no pictures; choose another one")
        # PyAV leaves the context out where FFmpeg has no decoder, whatever its type says.
        if getattr(streams[0], "codec_context", None) is None:
            raise SourceError(
                f"camera {self.name}: its codec is unknown here; set it to MJPEG or H.264"
            )
        return streams[0]

    def _spreader(self) -> Spreading | None:
        if self._camera is not None:
            return None
        format = self._container.format
        # Times that FFmpeg makes up know nothing of bursts.
        made_up = format.flags & av.format.Flags.no_timestamps.value
        return None if made_up else Spreading(format.name)

    def _find_color(self) -> ColorTags | None:
        """What holds for every picture; None where each says it itself."""
        if self._stream.codec_context.name == "mjpeg":
            return _JPEG_COLOR
        if self._camera is None or not self._raw:
            return None
        if sys.platform != "linux":
            # A Mac's cameras differ, and say nothing.
            return WEBCAM_COLOR if sys.platform == "win32" else None
        try:
            fd = v4l2.open_device(self._camera.path)
        except OSError:
            return WEBCAM_COLOR
        try:
            return v4l2.color(fd)
        except OSError:
            return WEBCAM_COLOR
        finally:
            os.close(fd)

    def _find_pixel_aspect(self) -> Fraction:
        """Width of a stream's pixels by their height, as it says; those of devices are square."""
        said = None if self._camera is not None else self._stream.sample_aspect_ratio
        return said if said and _LEAST_ASPECT <= said <= 1 / _LEAST_ASPECT else Fraction(1)

    def _describe(self) -> VideoFormat:
        context = self._stream.codec_context
        rate = self._stream.average_rate or self._stream.guessed_rate or self._asked[2]
        return VideoFormat(
            width=square_width(context.width // 2 * 2, self._pixel_aspect),
            height=context.height // 2 * 2,
            frame_rate=exact_rate(rate),
            time_base=NANOSECOND,
            color=self._tags(context),
        )

    def _tags(self, described: av.VideoFrame | av.VideoCodecContext) -> ColorTags:
        converted = described.format is not None and is_rgb(described.format)
        return tags_of(described) if self._color is None or converted else self._color

    def read(self) -> Frame | None:
        patience = self._clock() + round(_WAIT_SECONDS / NANOSECOND)
        self._coming = False
        while True:
            while not self._pictures:
                came = self._take_packet()
                left = (patience - self._clock()) * float(NANOSECOND)
                if left <= 0 and not self._pictures:
                    raise Lost(f"{self.name} shows nothing", starting=self._coming)
                if not came:
                    self._wait(left)
            picture = self._pictures.popleft()
            if self._spread(picture):
                return self._frame(picture, self._clock())
            # It leaves no gap among the indices: that would say that somebody was too slow for it.
            self.dropped += 1
            if self._clock() >= patience:
                raise Lost(f"{self.name} shows nothing new")

    def _take_packet(self) -> bool:
        """Decodes the next packet, if it has pictures; returns whether there was one."""
        try:
            asked = self._clock()
            packet = next(self._packets)
            self._waited += max(0, self._clock() - asked - _TURN)
            if packet.stream_index != self._stream.index:
                return True
            if packet.size == 0 and packet.pts is not None:
                # A picture lost on the cable. (One without a time is PyAV's own, at the end, and
                # gets out what a decoder holds back.)
                self._count_damage()
            else:
                begin = time.perf_counter()
                self._pictures.extend(packet.decode())
                self._decoding += time.perf_counter() - begin
                self._coming = self._index == 0
        except BlockingIOError:
            self._restart()
            return False
        except av.error.InvalidDataError:
            self._restart()
            self._count_damage()
        except (StopIteration, av.error.EOFError):
            raise SourceError(f"{self.name}: the stream ended") from None
        except (av.error.FFmpegError, OSError) as error:
            raise SourceError(self._why_broken(error)) from None
        return True

    def _spread(self, picture: av.VideoFrame) -> bool:
        """Waits until it is a stream's picture's turn; False where it never is."""
        if self._spreading is None:
            return True
        awaited = self._waited > _AWAITED
        delay = self._spreading(_time_of(picture), self._clock(), awaited=awaited)
        self._waited = 0
        if delay:
            self._sleep(delay * float(NANOSECOND))
        return delay is not None

    def _restart(self) -> None:
        """Begins to iterate again: PyAV's iterators end with every error, even a passing one."""
        # Of all streams: asked for the pictures alone, PyAV itself passes over the sound, and holds
        # whoever reads for as long as there is nothing else.
        self._packets: Iterator[Any] = demux(self._container)

    def _frame(self, picture: av.VideoFrame, arrival: int) -> Frame:
        self._damaged_in_a_row = 0
        begin = time.perf_counter()
        planes = from_camera(picture, lent=self._raw)
        if (picture.width, picture.height) == self._size:
            # Of another size nobody knows, and square it mostly is.
            planes = with_square_pixels(planes, self._pixel_aspect)
        self._stats.add("decode", self._decoding + time.perf_counter() - begin)
        self._decoding = 0.0
        # A stream's time counts from wherever its server likes.
        device = None if self._camera is None else _time_of(picture)
        stamp = self._stamps(device, arrival)
        frame = Frame(planes, self._index, stamp, NANOSECOND, self._tags(picture))
        self._index += 1
        return frame

    def _count_damage(self) -> None:
        self._damaged += 1
        self._damaged_in_a_row += 1
        if self._damaged_in_a_row > _MOST_DAMAGED:
            raise SourceError(
                f"{self.name}: sends nothing but damaged pictures; try another cable or port"
            )

    def _why_broken(self, error: BaseException) -> str:
        if self._camera is not None:
            return str(broke(self._camera, OSError(getattr(error, "errno", None), reason(error))))
        silence = _silence(error, way_to_stream(self._url).timeout[1])
        return f"{self.name}: the connection broke: {silence or reason(error)}"

    def notes(self) -> tuple[str, ...]:
        context = self._stream.codec_context
        width, height, fps = self._asked
        form = self.format
        kind = context.pix_fmt if self._raw else context.name
        kind = self._mode.pixels if self._mode is not None else kind
        got = f"{self.name}: {form.width}×{form.height} at {float(form.frame_rate):g} fps, {kind}"
        short = (form.width, form.height) != (width, height) or form.frame_rate < fps * 0.95
        if short and self._camera is not None:
            got += f" (asked for {width}×{height} at {fps:g} fps; this is the nearest it has)"
        notes = [got]
        if self._damaged:
            notes.append(f"{self._damaged} damaged pictures of {self.name} were left out")
        return tuple(notes)

    def close(self) -> None:
        self._packets = iter(())
        self._pictures.clear()
        self._container.close()


def _time_of(picture: av.VideoFrame) -> int | None:
    """What a picture says of its time, in nanoseconds from anywhere."""
    if picture.pts is None or picture.time_base is None:
        return None
    return round(picture.pts * picture.time_base / NANOSECOND)


def _silence(error: BaseException, seconds: float | None) -> str | None:
    """What FFmpeg's own time-out means."""
    return f"silent for {seconds:g} s" if isinstance(error, av.error.ExitError) else None


def _waiter(camera: Camera | None) -> Callable[[float], object]:
    """How to wait for a device's next picture: by its file descriptor, where it can be found."""
    fd = None if camera is None or sys.platform != "linux" else _descriptor(camera.path)
    if fd is None:
        return lambda seconds: time.sleep(min(seconds, _POLL_SECONDS))
    poll = select.poll()
    poll.register(fd, select.POLLIN)

    def wait(seconds: float) -> None:
        # A device in trouble is ready at once, all the time: not to be asked without a rest.
        if any(events & select.POLLERR for _, events in poll.poll(seconds * 1e3)):
            time.sleep(_POLL_SECONDS)

    return wait


def _descriptor(path: str) -> int | None:
    """The file descriptor that FFmpeg has open for a device; it does not tell."""
    device = os.path.realpath(path)
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == device:
                found.append(int(name))
        except OSError:
            continue
    # With two of them, one could be somebody else's: better to ask often.
    return found[0] if len(found) == 1 else None
