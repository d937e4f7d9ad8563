"""The commands as a user types them, in a process of their own."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import click
import numpy as np
import pytest

from realtime.commands.common import Time, run_job
from realtime.errors import Interrupted
from realtime.stats import Summary
from tests.media import audio_packets, decode, write_clip


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "realtime", *map(str, arguments)]


def _realtime(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), capture_output=True, text=True, timeout=120, check=False, **options
    )


def _fails(message: str, *arguments: object, code: int = 1, begun: bool = False) -> None:
    """The command fails with this code, one line that holds the message, and no traceback.

    One that has `begun` its run has told before what computes.
    """
    done = _realtime(*arguments)
    assert done.returncode == code, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert "Traceback" not in done.stderr
    if code == 1:
        assert len(done.stderr.strip().splitlines()) == (2 if begun else 1)


def test_file_keeps_frames_rate_and_sound(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    done = _realtime("file", clip, out, "--background", "#00b140")
    assert done.returncode == 0, done.stderr
    assert "12 frames in, 12 out, 0 dropped" in done.stdout
    assert "CPUExecutionProvider (" in done.stdout or "CUDAExecutionProvider (" in done.stdout
    assert [time for time, _ in decode(out)] == [Fraction(index, 30) for index in range(12)]
    assert audio_packets(out) == audio_packets(clip)


def test_file_takes_a_part_of_a_longer_one(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", frames=60, audio="aac")
    out = tmp_path / "out.mp4"
    done = _realtime("file", source, out, "--start", "0:00.5", "--duration", "1", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(decode(out)) == 30


def test_json_tells_everything_in_lines(clip: Path, tmp_path: Path) -> None:
    done = _realtime("file", clip, tmp_path / "out.mp4", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    # At the start already, as a long video's end is far off.
    assert events[0]["event"] == "note"
    assert events[0]["message"].startswith(events[-1]["model"] + " on ")
    assert events[-1]["event"] == "summary"
    assert events[-1]["frames_out"] == 12
    assert {"capture", "preprocess", "infer", "smooth", "composite", "output"} <= set(
        events[-1]["stages"]
    )
    failed = _realtime("file", clip, tmp_path / "out.mp4", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["event"] == "error"


def test_an_existing_output_needs_y(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("precious")
    _fails("exists already; add -y", "file", clip, out)
    assert out.read_text() == "precious"
    assert _realtime("file", clip, out, "-y").returncode == 0
    assert len(decode(out)) == 12


def test_an_output_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    command = _command("demo", out, "--seconds", "3", "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert next(line for line in process.stdout if '"progress"' in line)  # it writes by now
        out.write_text("precious")
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert out.read_text() == "precious"
    (kept,) = tmp_path.glob("out.mp4.*.part")
    assert len(decode(kept)) == 90


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_reader_who_goes_away_does_not_cost_the_output(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    command = _command("demo", out, "--seconds", "2", "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
    assert len(decode(out)) == 60


def test_the_input_is_never_overwritten(clip: Path) -> None:
    before = clip.read_bytes()
    _fails("is the input itself", "file", clip, clip, "-y")
    assert clip.read_bytes() == before


def test_demo_makes_a_video(tmp_path: Path) -> None:
    done = _realtime("demo", "--seconds", "0.5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(decode(tmp_path / "demo.mp4")) == 15


def test_live_runs_by_the_clock_and_drops_nothing_it_can_hold(tmp_path: Path) -> None:
    out = tmp_path / "live.mkv"
    figures = tmp_path / "figures.json"
    arguments = ("--seconds", "1", "--size", "320x180", "--fps", "15", "--json")
    outputs = ("--output", out, "--output", "null", "--stats-json", figures)
    done = _realtime("live", "--camera", "demo", "--max-staleness", "20", *outputs, *arguments)
    summary = json.loads(done.stdout.splitlines()[-1])
    # By the clock: the last one may be a moment too late, or one more in time.
    assert summary["frames_in"] >= 14
    assert summary["frames_out"] + summary["frames_dropped"] == summary["frames_in"]
    assert summary["stages"]["latency"]["median_ms"] > 0
    times = [time for time, _ in decode(out)]
    # Before the first picture there may be placeholders.
    assert len(times) >= summary["frames_out"]
    assert times[0] == 0
    assert 0.8 < times[-1] < 5
    logged = [json.loads(line) for line in figures.read_text().splitlines()]
    assert logged[-1]["event"] == "summary"
    assert logged[-1]["frames_out"] == summary["frames_out"]


def test_options_of_the_command_line_win_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "live.toml"
    config.write_text('camera = "demo"\noutputs = ["no/such/folder/a.mkv"]\n')
    _fails("its folder does not exist", "live", "--config", config)
    done = _realtime("live", "--config", config, "--output", "null", "--seconds", "0.2", "--quiet")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_an_interrupted_run_leaves_a_playable_file(tmp_path: Path, sent: str) -> None:
    out = tmp_path / "out.mp4"
    command = _command("demo", out, "--seconds", "1000", "--json")
    # As a terminal starts it: `nohup`, under which these tests may run, would have HUP ignored.
    number = getattr(signal, sent)
    fresh = functools.partial(signal.signal, number, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=fresh) as process:
        assert process.stdout is not None
        told = map(json.loads, process.stdout)
        # On a busy machine it may tell of its progress before it has any.
        assert next(it for it in told if it["event"] == "progress" and it["frames"])
        for _ in range(2):  # fingers bounce, also while the file is being finished
            process.send_signal(number)
            time.sleep(0.1)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 130
    assert len(decode(out)) == json.loads(rest.splitlines()[-1])["frames_out"] > 0
    assert sorted(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("interrupted", [False, True])
def test_an_output_that_was_given_up_is_an_error_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    monkeypatch.setattr("realtime.commands.common.ignore_from_now_on", lambda: None)
    lost = "an output was given up: take.mkv: no space"
    summary = Summary(9, 9, 0, 1.0, 9.0, "test", "TestProvider", "for a test", {}, failures=(lost,))

    def job(on_progress: object, report: object) -> Summary:
        if interrupted:
            raise Interrupted(summary)
        return summary

    with pytest.raises(SystemExit) as left:
        run_job(job, quiet=True, as_json=False)
    assert left.value.code == 1
    assert capsys.readouterr().err == f"Error: {lost}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with open("/dev/full", "w") as full:
        config = subprocess.run(
            _command("config"), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
        demo = subprocess.run(
            _command("demo", out, "--seconds", "0.2", "--json"), stdout=full, check=False
        )
    assert config.returncode == 1
    assert config.stderr == "Error: stdout: No space left on device; send it elsewhere\n"
    assert demo.returncode == 0, "what nobody hears is no reason to lose the result"
    assert len(decode(out)) > 0


def test_models_lists_what_is_embedded_and_what_is_named(tmp_path: Path) -> None:
    from realtime.inference.model import EMBEDDED
    from tests.inference.networks import brightness_network

    own = tmp_path / "own.onnx"
    own.write_bytes(brightness_network(sides=(32, 64), metadata={"licence": "CC0"}))
    done = _realtime("models", "fast", own, "--json")
    embedded, mine = (json.loads(line) for line in done.stdout.splitlines())
    assert (embedded["name"], mine["name"]) == ("fast", str(own))
    assert embedded["milliseconds"] > 0
    assert (mine["width"], mine["height"], mine["licence"]) == (64, 32, "CC0")
    assert mine["bytes"] == own.stat().st_size
    assert mine["sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()
    listed = _realtime("models").stdout.splitlines()
    assert [line.partition(":")[0] for line in listed] == list(EMBEDDED)
    _fails("no such model", "models", "nothing")


class TestBadInput:
    def test_missing_file(self, tmp_path: Path) -> None:
        _fails("no such file; check the path", "file", tmp_path / "no.mp4", tmp_path / "o.mp4")

    def test_missing_file_and_an_output_to_overwrite(self, clip: Path, tmp_path: Path) -> None:
        _fails("no such file; check the path", "file", tmp_path / "no.mp4", clip, "-y")

    @pytest.mark.parametrize(("option", "low"), [("--fps", "0"), ("--seconds", "-1")])
    @pytest.mark.parametrize("number", ["nan", "inf", "low", "x"])
    def test_no_number(self, option: str, low: str, number: str) -> None:
        number = low if number == "low" else number
        _fails("Invalid value", "live", "--output", "null", option, number, code=2)

    def test_text_named_mp4(self, tmp_path: Path) -> None:
        text = tmp_path / "text.mp4"
        text.write_text("hello " * 100)
        _fails("not a video that FFmpeg can read", "file", text, tmp_path / "o.mp4")
        assert not (tmp_path / "o.mp4").exists()

    def test_audio_only(self, tmp_path: Path) -> None:
        sound = tmp_path / "sound.m4a"
        with av.open(str(sound), "w") as container:
            stream = container.add_stream("aac", rate=48000)
            silence = np.zeros((2, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="stereo")
            frame.sample_rate = 48000
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        _fails("has no video in it", "file", sound, tmp_path / "o.mp4")

    def test_unknown_codec(self, tmp_path: Path) -> None:
        video = write_clip(tmp_path / "in.mkv")
        content = video.read_bytes()
        assert b"V_MPEG4/ISO/AVC" in content
        video.write_bytes(content.replace(b"V_MPEG4/ISO/AVC", b"V_NOBODY/KNOWS/"))
        _fails("its video codec is unknown here", "file", video, tmp_path / "o.mp4")

    def test_unwritable_output(self, clip: Path, tmp_path: Path) -> None:
        _fails("its folder does not exist", "file", clip, tmp_path / "no" / "o.mp4")

    def test_unknown_kind_of_output(self, clip: Path, tmp_path: Path) -> None:
        _fails("end its name in .mp4", "file", clip, tmp_path / "o.xyz")

    def test_transparency_where_it_cannot_be(self, clip: Path, tmp_path: Path) -> None:
        out = tmp_path / "o.mp4"
        _fails("cannot carry transparency", "file", clip, out, "--background", "transparent")
        assert not list(tmp_path.glob("*.part"))

    def test_empty_model(self, clip: Path, tmp_path: Path) -> None:
        model = tmp_path / "empty.onnx"
        model.touch()
        _fails("0 bytes", "file", clip, tmp_path / "o.mp4", "--model", model)

    def test_no_background(self, clip: Path, tmp_path: Path) -> None:
        _fails("no such file", "file", clip, tmp_path / "o.mp4", "--background", "beach.jpg")

    @pytest.mark.parametrize("time", ["abc", "-3", "1:2:3:4", "9" * 30])
    def test_no_time(self, clip: Path, tmp_path: Path, time: str) -> None:
        _fails("Invalid value", "file", clip, tmp_path / "o.mp4", "--start", time, code=2)

    def test_odd_size(self) -> None:
        _fails("two even numbers", "live", "--size", "641x480", code=2)

    def test_unknown_camera(self) -> None:
        _fails("camera", "live", "--camera", "nowhere", "--output", "null")

    @pytest.mark.skipif(sys.platform != "linux", reason="only X11 can be taken away")
    def test_no_screen(self) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
        done = _realtime("live", "--camera", "demo", "--seconds", "1", env=environment)
        assert done.returncode == 1
        assert "--output null" in done.stderr

    def test_a_system_without_libgl(self, clip: Path, tmp_path: Path) -> None:
        """An OpenCV that cannot load, as on a server without a desktop."""
        (tmp_path / "cv2.py").write_text(
            "raise ImportError('libGL.so.1: cannot open shared object file: No such file')"
        )
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = _realtime("file", clip, tmp_path / "o.mp4", env=environment)
        assert done.returncode == 1
        assert "apt install libgl1" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_failure_in_the_middle_removes_the_part_file_and_keeps_the_old_one(
    clip: Path, tmp_path: Path
) -> None:
    """A network that gives no alpha, found out at the first frame."""
    from tests.inference.networks import brightness_network

    model, out = tmp_path / "m.onnx", tmp_path / "out.mp4"
    model.write_bytes(brightness_network(scale=100.0, offset=-0.005))
    out.write_text("precious")
    _fails("not an alpha", "file", clip, out, "-y", "--model", model, begun=True)
    assert out.read_text() == "precious"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("command", ["file", "live", "demo", "cameras", "config", "doctor"])
def test_help_has_examples(command: str) -> None:
    done = _realtime(command, "--help")
    assert done.returncode == 0
    assert f"  realtime {command}" in done.stdout.split("Examples:")[1]


def test_a_failing_stage_ends_the_program_at_once(tmp_path: Path) -> None:
    """An endless run whose network breaks: the whole process is gone soon after."""
    from tests.inference.networks import brightness_network

    model = tmp_path / "m.onnx"
    model.write_bytes(brightness_network(scale=100.0, offset=-0.005))
    start = time.monotonic()
    done = _realtime("live", "--camera", "demo", "--output", "null", "--model", model)
    assert done.returncode == 1
    assert "not an alpha" in done.stderr
    # Generous: it is an endless run that would otherwise only end with the timeout above.
    assert time.monotonic() - start < 60


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90", 90), ("1:30", 90), ("0:01:30.5", 90.5), (".5", 0.5), ("1:.5", 60.5), ("2:00:00", 7200)],
)
def test_ways_to_write_a_time(given: str, seconds: float) -> None:
    assert Time().convert(given, None, None) == seconds


@pytest.mark.parametrize("given", ["", ".", "1:70", "1:60:00", "-1", "1e3", "1:2:3:4", "90000000"])
def test_what_is_no_time(given: str) -> None:
    with pytest.raises(click.BadParameter, match=r"not a time|longer than"):
        Time().convert(given, None, None)


@pytest.mark.parametrize(("held", "status"), [(True, 2), (False, 2)])
def test_what_holds_a_thread_of_ours_is_not_waited_for(held: bool, status: int) -> None:
    """FFmpeg that still opens a stream crashes where the interpreter is taken from under it."""
    program = f"""
import atexit, sys, time
from realtime.cli import main
from realtime.worker import Worker
atexit.register(print, "torn down")
if {held}:
    Worker("opening", lambda: time.sleep(60), lambda: None, daemon=True).start()
sys.argv = ["realtime", "live", "--no-such-option"]
print("begun")
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == status
    assert done.stdout.split("\n")[:-1] == (["begun"] if held else ["begun", "torn down"])
    assert "no-such-option" in done.stderr
