"""The job for cameras, from its file of settings to its control and its log."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.errors import SettingsError
from realtime.live import run_live
from tests.media import write_clip

# Whether the governor has something to say is up to whatever else this machine does.
_OPTIONS: dict[str, Any] = {
    "camera": "demo",
    "outputs": ("null",),
    "width": 320,
    "height": 180,
    "governor": False,
}

# Far longer than a run takes that is told to end.
_TOO_LONG = 60.0


def test_file_control_and_log_work_together(tmp_path: Path) -> None:
    config, token_file, log = (tmp_path / name for name in ("live.toml", "control.json", "log"))
    head = f'control_port = 0\ncontrol_token_file = "{token_file}"\nbackground = "#00b140"\n'
    config.write_text(f"{head}zoom = 2\n")
    reports: list[str] = []

    def ask(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        address = json.loads(token_file.read_text())
        request = urllib.request.Request(
            address["url"] + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {address['token']}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def steps() -> Iterator[None]:
        """Goes on with every report of progress, so that nothing waits by the clock."""
        settings = ask("GET", "/state")["settings"]
        assert (settings["background"], settings["zoom"], settings["mirror"]) == (
            "#00b140",
            3,
            False,
        )
        config.write_text(f"{head}zoom = 4\nmirror = true\n")
        while not ask("GET", "/state")["settings"]["mirror"]:
            yield
        assert ask("GET", "/state")["settings"]["zoom"] == 3
        ask("POST", "/set", {"background": "blur:8%"})
        ask("POST", "/blur-more")
        assert ask("GET", "/state")["settings"]["background"] == "blur:12%"
        while (figures := ask("GET", "/stats"))["frames_out"] == 0:
            yield
        assert figures["state"] == "live"
        assert "infer" in figures["stages"]
        ask("POST", "/set", {"background": "no-such.jpg"})
        while not (problem := ask("GET", "/state")["problem"]):
            yield
        assert problem.startswith("background no-such.jpg: no such file")
        assert problem.endswith(" stays")
        ask("POST", "/set", {"background": "blur:4%"})
        while ask("GET", "/state")["problem"]:
            yield
        ask("POST", "/panic")
        while ask("GET", "/stats")["state"] != "panic":
            yield
        while len(log.read_text().splitlines()) < 2:
            yield
        ask("POST", "/quit")

    todo = steps()
    summary = run_live(
        {**_OPTIONS, "zoom": 3, "stats_json": str(log), "seconds": _TOO_LONG},
        config=config,
        control_token="known-beforehand",
        report=reports.append,
        on_progress=lambda _: next(todo, None),
    )
    assert summary.seconds < _TOO_LONG
    assert not token_file.exists()
    (control, network, change, problem) = reports
    assert " on CPUExecutionProvider (" in network
    assert control.endswith(f", token in {token_file}")
    assert "known-beforehand" not in control
    assert problem.startswith("background no-such.jpg: ")
    assert change == f"{config}: mirror = true; the command line overrules zoom"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["event"] for line in lines[:-1]} == {"stats"}
    assert lines[-1]["event"] == "summary"
    assert lines[-1]["frames_out"] == summary.frames_out


def test_a_random_token_is_said_once(tmp_path: Path) -> None:
    reports: list[str] = []
    run_live({**_OPTIONS, "control_port": 0, "seconds": 0.1}, report=reports.append)
    (token,) = [found for line in reports if (found := line.partition(", token ")[2])]
    assert len(token) >= 32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": "no-such.toml"}, "no such file; 'realtime config > no-such.toml'"),
        ({"options": {"control_port": 0}, "control_token": "short"}, "control token: write"),
        (
            {"options": {"control_token_file": "control.json"}},
            "nothing is controlled; add --control-port 0",
        ),
        ({"options": {"blurr": 1}}, "blurr"),
        ({"options": {"zoom": 9}}, "zoom = 9: write a number from 1 to 4"),
    ],
)
def test_bad_input_is_told_before_anything_is_sent(arguments: dict[str, Any], message: str) -> None:
    options = {**_OPTIONS, **arguments.pop("options", {})}
    with pytest.raises(SettingsError, match=message):
        run_live({"seconds": 0.1, **options}, **arguments)


def test_a_background_is_not_written_over(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    before = clip.read_bytes()
    with pytest.raises(SettingsError, match=r"output \S+: is background \S+ too"):
        run_live(
            {**_OPTIONS, "outputs": (str(clip),), "background": str(clip), "seconds": 0.1},
            overwrite=True,
        )
    assert clip.read_bytes() == before


def test_one_output_twice_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="output null: is there twice"):
        run_live({**_OPTIONS, "outputs": ("null", "null")})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": ("d.mkv", "./d.mkv")}, "output d.mkv: is output ./d.mkv too"),
        ({"outputs": ("d.mkv", "link.mkv")}, "output d.mkv: is output link.mkv too"),
        (
            {"outputs": ("d.mkv",), "stats_json": "d.mkv"},
            "output d.mkv: is stats_json d.mkv too",
        ),
        ({"stats_json": "./live.toml"}, "stats_json ./live.toml: is config live.toml too"),
        ({"stats_json": "hard.toml"}, "stats_json hard.toml: is config live.toml too"),
        (
            {"control_token_file": "live.toml"},
            "control_token_file live.toml: is config live.toml too",
        ),
        (
            {"control_token_file": "new", "stats_json": "new"},
            "stats_json new: is control_token_file new too",
        ),
        (
            {"stats_json": "room.png", "background": "./room.png"},
            "stats_json room.png: is background ./room.png too",
        ),
        (
            {"stats_json": "room.png", "backgrounds": ("blur", "room.png")},
            "stats_json room.png: is next_background room.png too",
        ),
        (
            {"stats_json": "mine.onnx", "model": "mine.onnx"},
            "stats_json mine.onnx: is model mine.onnx too",
        ),
    ],
)
def test_two_options_for_one_file_are_refused_before_anything_is_opened(
    options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("live.toml", "room.png", "mine.onnx"):
        Path(name).write_text("# precious")
    Path("link.mkv").symlink_to("d.mkv")
    Path("hard.toml").hardlink_to("live.toml")
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(SettingsError) as caught:
        run_live(
            # Whoever opens something finds that there is no such camera.
            {**_OPTIONS, "camera": "no such", "control_port": 0, "seconds": 0.1, **options},
            config="live.toml",
            overwrite=True,
        )
    assert str(caught.value) == f"{message}; choose another name"
    assert {path.name for path in tmp_path.iterdir()} == before
    for name in ("live.toml", "room.png", "mine.onnx"):
        assert Path(name).read_text() == "# precious"


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
def test_what_holds_nothing_may_be_named_twice() -> None:
    run_live({**_OPTIONS, "stats_json": "/dev/null", "seconds": 0.1}, config="/dev/null")


def test_files_that_are_only_read_may_be_one(tmp_path: Path) -> None:
    clip = str(write_clip(tmp_path / "clip.mp4"))
    run_live({**_OPTIONS, "background": clip, "backgrounds": (clip,), "seconds": 0.1})
