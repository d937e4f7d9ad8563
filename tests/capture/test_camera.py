"""Reading a camera, with PyAV's part played by a script."""

from __future__ import annotations

import errno
import os
import sys
import threading
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from realtime.capture import devices
from realtime.capture.camera import CameraSource
from realtime.capture.devices import Camera, OddCameraError
from realtime.capture.modes import Mode
from realtime.capture.source import Lost
from realtime.capture.ways import ways_to_device
from realtime.color import planes_to_rgb
from realtime.errors import SourceError
from realtime.frame import ColorTags, Frame
from realtime.media import plane_view
from tests.capture.fakes import START, WEBCAM, Clock, End, FakeContainer, FakePacket, picture
from tests.capture.server import serve, write_late_sound
from tests.media import write_clip

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="modes are listed on Linux alone")

URL = "rtsp://192.0.2.1/stream"


@pytest.fixture(autouse=True)
def _no_real_cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_DEVICES", tmp_path)


def _open(container: FakeContainer, clock: Clock | None = None, **arguments: Any) -> CameraSource:
    clock = clock or Clock()
    camera = arguments.pop("camera", WEBCAM)
    return CameraSource(camera, open=container.open, clock=clock, wait=clock.wait, **arguments)


def _read(source: CameraSource) -> Frame:
    frame = source.read()
    assert frame is not None
    return frame


def _unplugged() -> OSError:
    return OSError(errno.ENODEV, "No such device", WEBCAM.path)


def test_pictures_come_as_they_are() -> None:
    container = FakeContainer(picture(pixels="yuyv422"), picture(pixels="yuyv422"))
    with _open(container) as source:
        assert (source.format.width, source.format.height) == (64, 48)
        assert source.format.frame_rate == 30
        assert source.format.time_base == Fraction(1, 10**9)
        frames = [_read(source), _read(source)]
    assert [frame.index for frame in frames] == [0, 1]
    assert frames[0].pts == START
    assert frames[1].pts > START
    assert frames[0].planes.u.shape == (24, 32)
    assert container.closed == 1


def test_a_stamp_of_the_device_is_the_time() -> None:
    shown = picture()
    shown.pts, shown.time_base = START // 1000 - 20_000, Fraction(1, 1_000_000)
    with _open(FakeContainer(shown)) as source:
        assert _read(source).pts == START - 20_000_000


def test_a_stream_counts_from_anywhere_so_its_time_is_arrival() -> None:
    shown = picture()
    shown.pts, shown.time_base = START // 1000 - 20_000, Fraction(1, 1_000_000)
    with _open(FakeContainer(shown, codec="h264"), camera=URL) as source:
        assert _read(source).pts == START


@pytest.mark.parametrize(
    ("camera", "format", "evenly"),
    [
        (URL, "rtsp", True),
        (URL, "mpjpeg", False),  # its times are FFmpeg's
        (WEBCAM, "rtsp", False),
    ],
)
def test_a_streams_burst_is_spread(camera: Camera | str, format: str, evenly: bool) -> None:
    pictures = [picture() for _ in range(3)]
    for index, shown in enumerate(pictures):
        shown.pts, shown.time_base = index * 1800, Fraction(1, 90_000)
    clock = Clock()
    container = FakeContainer(*pictures, codec="h264", format=format)
    with _open(container, clock, camera=camera, sleep=clock.wait) as source:
        for _ in pictures:
            _read(source)
    assert clock.now - START == pytest.approx(40_000_000 if evenly else 0, rel=0.05)


@pytest.mark.parametrize(("pause", "waited"), [(0.006, True), (0.0045, False)])
def test_dense_sound_does_not_hide_whether_a_stream_was_waited_for(
    pause: float, waited: bool
) -> None:
    """Pictures in pairs, a pause of sound between: each second one is to wait for its time."""
    clock = Clock()
    script: list[Any] = []
    for pair in range(30):
        for index in (2 * pair, 2 * pair + 1):
            shown = picture()
            shown.pts, shown.time_base = index * 1620, Fraction(1, 90_000)
            script.append(shown)
        script += [step for _ in range(6) for step in (pause, FakePacket(stream_index=1))]
    container = FakeContainer(*script, clock=clock, codec="h264", format="rtsp")
    # The network's pauses go on while pictures are held back.
    held: list[float] = []
    with _open(container, clock, camera=URL, sleep=held.append) as source:
        for _ in range(60):
            _read(source)
    # Where nothing was waited for it is a backlog, which is hurried through after a while.
    assert (len(held) >= 25) == waited


def _read_all(script: list[Any], clock: Clock) -> tuple[list[int], int]:
    """Which pictures of a stream are read, by `_numbered`; and how many are dropped."""
    container = FakeContainer(*script, clock=clock, codec="h264", format="rtsp")
    taken: list[int] = []
    with _open(container, clock, camera=URL, sleep=clock.wait) as source:
        while True:
            try:
                frame = source.read()
            except Lost:
                continue
            except SourceError:
                return taken, source.dropped
            assert frame is not None
            taken.append(int(frame.planes.y[0, 0]))


def _numbered(number: int) -> av.VideoFrame:
    """A picture that says in its first pixel which one of a stream at 25 Hz it is."""
    shown = picture()
    plane_view(shown.planes[0], shown.height, shown.width)[0, 0] = number
    shown.pts, shown.time_base = number * 3600, Fraction(1, 90_000)
    return shown


@pytest.mark.parametrize("silence", [0.4, 0.6, 0.8, 1.0, 1.2, 2.0])
def test_a_streams_backlog_is_given_up_for_what_is_new(silence: float) -> None:
    """A server that is silent for a while, and then sends all that it has at once."""
    clock, script = Clock(), list[Any]()
    missing = round(silence * 25)
    for number in range(150):
        pause = silence if number == 50 else 0.0 if 50 < number < 50 + missing else 0.04
        script += [pause, _numbered(number)] if pause else [_numbered(number)]
    read, dropped = _read_all([*script, End()], clock)
    assert dropped == 150 - len(read)
    # The last 200 ms are new enough, and a sixteenth passes for the way having become longer.
    assert missing - 7 - missing // 16 <= dropped < missing
    # The first that came after it, and then what is new enough.
    assert read[:51] == [*range(51)]
    assert read[51:] == [*range(read[51], 150)]


@pytest.mark.parametrize("decoding", [0.034, 0.041, 0.045, 0.08])
def test_a_stream_that_is_never_waited_for_is_no_backlog(decoding: float) -> None:
    """Decoding takes about as long as the pictures are apart, or longer."""
    clock, script = Clock(), list[Any]()
    for number in range(150):
        # No single packet takes long enough to have been waited for.
        script += [decoding / 12, FakePacket(stream_index=1)] * 12 + [_numbered(number)]
    read, dropped = _read_all([*script, End()], clock)
    assert read == [*range(150)]
    assert dropped == 0


@pytest.mark.parametrize(
    ("camera", "aspect", "width"),
    [
        (URL, Fraction(4, 3), 86),
        (URL, Fraction(10, 11), 58),
        (URL, Fraction(0), 64),
        (URL, Fraction(1, 900), 64),
        (WEBCAM, Fraction(4, 3), 64),
    ],
)
def test_the_pixels_of_a_stream_become_square(
    camera: Camera | str, aspect: Fraction, width: int
) -> None:
    shown = picture(64, 48)
    container = FakeContainer(shown, codec="h264", pixel_aspect=aspect)
    with _open(container, camera=camera) as source:
        planes = _read(source).planes
        assert (source.format.width, source.format.height) == (width, 48)
    assert planes.y.shape == (48, width)
    assert planes.u.shape == planes.v.shape == (24, width // 2)


def test_pictures_of_one_packet_come_one_by_one() -> None:
    """A decoder that sorts pictures gives several out at once, and none with others."""
    packets = FakePacket(), FakePacket(picture(), picture()), FakePacket(picture())
    with _open(FakeContainer(*packets, codec="h264"), camera=URL) as source:
        assert [_read(source).index for _ in range(3)] == [0, 1, 2]


def test_a_silent_camera_does_not_hold_whoever_reads() -> None:
    clock = Clock()
    with _open(FakeContainer(), clock) as source:
        for _ in range(3):
            before = clock.now
            with pytest.raises(Lost, match="shows nothing"):
                source.read()
            assert 0.09e9 < clock.now - before < 0.11e9


def test_a_picture_is_taken_as_soon_as_it_is_there() -> None:
    clock = Clock()
    container = FakeContainer(BlockingIOError(), BlockingIOError(), picture(), clock=clock)
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.wait(0.02)

    with CameraSource(WEBCAM, open=container.open, clock=clock, wait=wait) as source:
        assert _read(source).pts == START + 40_000_000
    assert waits == pytest.approx([0.1, 0.08])


@pytest.mark.parametrize(
    ("packet", "starting"), [(FakePacket(stream_index=1), False), (FakePacket(), True)]
)
def test_a_stream_without_pictures_does_not_hold_whoever_reads(
    packet: FakePacket, starting: bool
) -> None:
    """Its sound goes on, or its decoder waits for a key frame."""
    clock = Clock()
    script = [step for _ in range(100) for step in (0.02, packet)]
    container = FakeContainer(*script, clock=clock, codec="h264")
    with _open(container, clock, camera=URL) as source:
        for _ in range(3):
            before = clock.now
            with pytest.raises(Lost, match="shows nothing") as caught:
                source.read()
            assert 0.09e9 < clock.now - before < 0.13e9
            assert caught.value.starting == starting


def test_a_packet_without_a_picture_tells_of_one_for_as_long_as_it_is_new() -> None:
    clock = Clock()
    container = FakeContainer(FakePacket(), *[0.02] * 100, clock=clock, codec="h264")
    with _open(container, clock, camera=URL) as source:
        starting = []
        for _ in range(2):
            with pytest.raises(Lost) as caught:
                source.read()
            starting.append(caught.value.starting)
    assert starting == [True, False]


def test_sound_is_passed_over() -> None:
    sound = FakePacket(picture(), stream_index=1)
    container = FakeContainer(sound, picture(), sound, sound, picture(), End(), codec="h264")
    with _open(container, camera=URL) as source:
        assert [_read(source).index for _ in range(2)] == [0, 1]
        with pytest.raises(SourceError, match="the stream ended"):
            source.read()


def test_pictures_that_were_lent_outlive_the_camera() -> None:
    """FFmpeg unmaps the driver's memory when it closes the device."""
    lent = picture()
    source = _open(FakeContainer(lent))
    frame = _read(source)
    before = frame.planes.y.copy()
    lent.planes[0].update(bytes(lent.planes[0].buffer_size))
    source.close()
    np.testing.assert_array_equal(frame.planes.y, before)


def test_decoded_pictures_are_not_copied() -> None:
    decoded = picture(pixels="yuvj420p")
    with _open(FakeContainer(decoded, codec="mjpeg")) as source:
        frame = _read(source)
    decoded.planes[0].update(bytes(decoded.planes[0].buffer_size))
    assert not frame.planes.y.any()


@pytest.mark.parametrize("pixels", ["yuvj420p", "yuvj422p"])
def test_jpeg_is_bt601_in_full_range(pixels: str) -> None:
    with _open(FakeContainer(picture(pixels=pixels), codec="mjpeg")) as source:
        expected = ColorTags(full_range=True, matrix=5)
        assert source.format.color == expected
        assert _read(source).color == expected


@on_linux
def test_raw_pictures_have_the_colours_that_the_driver_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from realtime.capture import v4l2

    tags = ColorTags(full_range=False, matrix=1, primaries=1, transfer=13)
    monkeypatch.setattr(v4l2, "open_device", lambda _path: os.open(os.devnull, os.O_RDONLY))
    monkeypatch.setattr(v4l2, "modes", lambda _fd, _wanted: iter([]))
    monkeypatch.setattr(v4l2, "color", lambda _fd: tags)
    with _open(FakeContainer(picture(pixels="yuyv422"))) as source:
        assert source.format.color == tags
        assert _read(source).color == tags


@on_linux
def test_raw_pictures_without_a_word_are_bt601() -> None:
    with _open(FakeContainer(picture(pixels="yuyv422"))) as source:
        assert _read(source).color == ColorTags(full_range=False, matrix=6)


def test_rgb_is_converted_to_what_it_is_tagged() -> None:
    with _open(FakeContainer(picture(pixels="bgr24"))) as source:
        frame = _read(source)
        assert source.format.color == frame.color
    assert (frame.color.full_range, frame.color.matrix) == (False, 1)


def test_a_stream_has_the_colours_of_each_picture() -> None:
    shown = picture()
    shown.color_range, shown.colorspace = 1, 1
    with _open(FakeContainer(shown, codec="h264"), camera=URL) as source:
        assert source.format.color == ColorTags(False, 1, shown.color_primaries, shown.color_trc)
        assert _read(source).color == source.format.color


def test_damaged_pictures_are_left_out_and_counted() -> None:
    damage = av.error.InvalidDataError(1, "Invalid data")
    container = FakeContainer(damage, damage, picture(), damage, picture(), codec="mjpeg")
    with _open(container) as source:
        assert [_read(source).index for _ in range(2)] == [0, 1]
        assert any(note.startswith("3 damaged pictures") for note in source.notes())


def test_an_empty_picture_is_damage_and_not_the_end() -> None:
    container = FakeContainer(FakePacket(picture(), size=0), picture(), codec="mjpeg")
    with _open(container) as source:
        source.read()
        assert any(note.startswith("1 damaged") for note in source.notes())
        with pytest.raises(Lost):
            source.read()


def test_nothing_but_damage_is_a_broken_camera() -> None:
    container = FakeContainer(*[av.error.InvalidDataError(1, "Invalid data")] * 100)
    with _open(container) as source, pytest.raises(SourceError, match="another cable or port"):
        source.read()


def test_unplugging_says_so() -> None:
    with _open(FakeContainer(picture(), _unplugged())) as source:
        source.read()
        with pytest.raises(SourceError, match=r"Fake Webcam .* was unplugged; plug it in again"):
            source.read()


@pytest.mark.parametrize("end", [End(), av.error.EOFError(1, "End of file")])
def test_a_stream_that_ends_is_broken(end: object) -> None:
    """It is live, so its server has stopped for now."""
    with _open(FakeContainer(picture(), end, codec="h264"), camera=URL) as source:
        source.read()
        with pytest.raises(SourceError, match="the stream ended"):
            source.read()


def test_a_server_that_falls_silent_is_named() -> None:
    silence = av.error.ExitError(1, "Immediate exit requested")
    with (
        _open(FakeContainer(silence, codec="h264"), camera=URL) as source,
        pytest.raises(SourceError, match=r"connection broke: silent for 3 s"),
    ):
        source.read()


def test_a_streams_password_is_not_shown() -> None:
    url = "rtsp://me:secret@192.0.2.1/stream?at=@home"
    container = FakeContainer(picture(), End(), codec="h264")
    with _open(container, camera=url) as source:
        assert container.opened_with[0]["url"] == url
        assert source.name == "rtsp://192.0.2.1/stream?at=@home"
        source.read()
        with pytest.raises(SourceError) as broken:
            source.read()
        said = f"{source.notes()} {broken.value}"
    with pytest.raises(SourceError) as refused:
        CameraSource(url, open=Refusing(OSError(errno.ECONNREFUSED, "Connection refused")).open)
    assert "secret" not in said + str(refused.value)


def test_a_container_without_pictures_is_closed_again() -> None:
    container = FakeContainer()
    container.streams.video.clear()
    with pytest.raises(SourceError, match="sends no pictures"):
        _open(container, camera=URL)
    assert container.closed == 1


def test_an_unknown_codec_is_named() -> None:
    container = FakeContainer()
    container.streams.video[0].codec_context = None
    with pytest.raises(SourceError, match="codec is unknown"):
        _open(container, camera=URL)
    assert container.closed == 1


class Refusing:
    """Opens nothing, for one reason after another; the last goes on."""

    def __init__(self, *reasons: BaseException) -> None:
        self.reasons = list(reasons)
        self.urls: list[str] = []

    def open(self, url: str, **_arguments: Any) -> FakeContainer:
        self.urls.append(url)
        raise self.reasons.pop(0) if len(self.reasons) > 1 else self.reasons[0]


@on_linux
@pytest.mark.parametrize(
    ("error", "says", "odd"),
    [
        (OSError(errno.EBUSY, "Device or resource busy"), "is in use", False),
        (OSError(errno.EACCES, "Permission denied"), "no permission", False),
        (OSError(errno.ENOENT, "No such file"), "there is no /nowhere/video7", False),
        (_unplugged(), "is unplugged", False),
        (OSError(errno.EIO, "Input/output error"), "Input/output error", True),
        (av.error.ExitError(1, "Immediate exit"), "shows nothing", False),
        (BlockingIOError(errno.EAGAIN, "again"), "shows nothing", False),
    ],
)
def test_what_cannot_be_opened_says_why_in_one_line(
    error: BaseException, says: str, odd: bool
) -> None:
    with pytest.raises(SourceError) as caught:
        CameraSource(WEBCAM, open=Refusing(error).open)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, OddCameraError) is odd


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (av.error.InvalidDataError(1, "Invalid data"), "no video stream that FFmpeg can read"),
        (av.error.ExitError(1, "Immediate exit requested"), "silent for 5 s"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
    ],
)
def test_a_stream_that_cannot_be_opened_says_why(error: BaseException, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        CameraSource(URL, open=Refusing(error).open)


@pytest.fixture
def modes(monkeypatch: pytest.MonkeyPatch) -> list[Mode]:
    modes = [
        Mode("YUYV", 1280, 720, (Fraction(10),)),
        Mode("MJPG", 1280, 720, (Fraction(30000, 1001),)),
    ]
    monkeypatch.setattr("realtime.capture.ways.modes_of", lambda _camera, _wanted: modes)
    return modes


@on_linux
@pytest.mark.usefixtures("modes")
def test_the_best_mode_is_asked_for_by_ffmpegs_names() -> None:
    container = FakeContainer(picture(pixels="yuvj422p"), codec="mjpeg")
    with _open(container, width=1280, height=720, fps=30) as source:
        (opened,) = container.opened_with
        assert "MJPG" in source.notes()[0]
    assert opened["url"] == WEBCAM.path
    assert opened["format"] == "v4l2"
    assert opened["options"]["input_format"] == "mjpeg"
    assert opened["options"]["video_size"] == "1280x720"
    assert opened["options"]["framerate"] == "30000/1001"
    assert opened["options"]["fflags"] == "4"  # not to wait where nobody can stop it


@on_linux
@pytest.mark.usefixtures("modes")
def test_a_driver_that_refuses_its_own_mode_chooses() -> None:
    container = FakeContainer(picture(), picture())
    refusals: list[BaseException] = [OSError(errno.EINVAL, "Invalid argument")]

    def open(url: str, **arguments: Any) -> FakeContainer:
        if refusals:
            raise refusals.pop()
        return container.open(url, **arguments)

    with CameraSource(WEBCAM, open=open) as source:
        assert "video_size" not in container.opened_with[0]["options"]
        assert "asked for 1280×720" in source.notes()[0]


@on_linux
@pytest.mark.usefixtures("modes")
def test_the_first_refusal_is_the_one_that_is_told() -> None:
    refusing = Refusing(
        OSError(errno.EBUSY, "Device or resource busy"), OSError(errno.EINVAL, "Invalid argument")
    )
    with pytest.raises(SourceError, match="in use"):
        CameraSource(WEBCAM, open=refusing.open)
    assert len(refusing.urls) == 2


@pytest.mark.parametrize(
    ("system", "url", "formats"),
    [
        ("darwin", WEBCAM.path, {"avfoundation"}),
        ("win32", f"video={WEBCAM.path}", {"dshow"}),
    ],
)
def test_elsewhere_the_asked_format_is_tried_and_then_anything(
    monkeypatch: pytest.MonkeyPatch, system: str, url: str, formats: set[str]
) -> None:
    monkeypatch.setattr("realtime.capture.ways.sys.platform", system)
    ways = list(ways_to_device(WEBCAM, 1280, 720, 29.97))
    assert {way.url for way in ways} == {url}
    assert {way.format for way in ways} == formats
    # Waiting where nobody can stop it is what FFmpeg does unless told.
    assert {way.options["fflags"] for way in ways} == {"4"}
    assert ways[0].options["video_size"] == "1280x720"
    assert ways[0].options["framerate"] == "29.97"
    assert "video_size" not in ways[-1].options


def test_what_was_got_is_said() -> None:
    with _open(FakeContainer(picture(64, 48)), width=64, height=48) as source:
        assert source.notes() == ("Fake Webcam (/nowhere/video7): 64×48 at 30 fps, yuv420p",)
    with _open(FakeContainer(picture(64, 48), rate=10), width=64, height=48) as source:
        assert "(asked for 64×48 at 30 fps" in source.notes()[0]


class _Webcam(BaseHTTPRequestHandler):
    """Serves three JPEGs one after another, as network cameras do, and hangs up."""

    def do_GET(self) -> None:
        _, jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), (30, 40, 200), np.uint8))
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        for _ in range(3):
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")

    def log_message(self, *_arguments: object) -> None:
        """Nothing to say."""


def test_a_network_camera_is_read() -> None:
    with HTTPServer(("127.0.0.1", 0), _Webcam) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        with CameraSource(f"http://127.0.0.1:{server.server_port}/video") as source:
            frames = [_read(source) for _ in range(3)]
            with pytest.raises(SourceError):
                source.read()
        serving.join()
    assert frames[0].color == ColorTags(full_range=True, matrix=5)
    rgb = planes_to_rgb(frames[2].planes, frames[2].color)
    np.testing.assert_allclose(rgb[20, 30], (200, 40, 30), atol=4)


def test_a_real_stream_is_read(tmp_path: Path) -> None:
    """FFmpeg's own reader, on the nearest thing to a server that needs no network."""
    clip = write_clip(tmp_path / "stream.mkv")
    with CameraSource(f"file://{clip}") as source:
        assert source.format.frame_rate == 30
        frames = [_read(source) for _ in range(12)]
        with pytest.raises(SourceError, match="the stream ended"):
            source.read()
    assert [frame.index for frame in frames] == list(range(12))
    assert {frame.planes.y.shape for frame in frames} == {(48, 64)}


def test_sound_that_turns_up_midway_does_not_end_the_stream_otherwise(tmp_path: Path) -> None:
    late = write_late_sound(tmp_path).read_bytes()
    with serve(late) as address, CameraSource(f"http://{address}") as source:
        for _ in range(90):
            _read(source)
        with pytest.raises(SourceError, match="the stream ended"):
            source.read()
