"""The control, through real sockets."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from realtime import control
from realtime.control import Control
from realtime.errors import SettingsError
from realtime.keys import ACTIONS
from realtime.settings import Settings, SettingsStore

_TOKEN = "a-token-for-tests"


class _Client:
    """A control and a way to ask it."""

    def __init__(self) -> None:
        self.store = SettingsStore(Settings())
        self.quits = threading.Event()
        self.problem = ""
        self.control = Control(
            self.store,
            lambda: {"fps": 30.0},
            lambda: self.problem,
            self.quits.set,
            token=_TOKEN,
        )
        self.port = int(self.control.url.rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer, whose form is checked."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        fields = {"Authorization": f"Bearer {_TOKEN}"}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection.request(method, path, content, fields)
        response = connection.getresponse()
        line = response.read()
        connection.close()
        assert response.headers["Content-Type"] == "application/json"
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        answer = json.loads(line)
        assert ("error" in answer) == (response.status != 200)
        return response.status, answer

    def raw(self, request: bytes) -> bytes:
        """The whole answer to these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.fixture
def client() -> Iterator[_Client]:
    client = _Client()
    with client.control:
        client.control.start()
        yield client


def test_state_is_every_option_and_a_version(client: _Client) -> None:
    client.store.update(mirror=True)
    status, answer = client.ask("GET", "/state")
    assert status == 200
    assert answer["version"] == 1
    assert answer["settings"] == json.loads(json.dumps(Settings(mirror=True).as_dict()))


def test_state_tells_what_keeps_the_settings_from_being_shown(client: _Client) -> None:
    assert client.ask("GET", "/state")[1]["problem"] == ""
    client.problem = "background office.jpg: no such file; blur stays"
    assert client.ask("GET", "/state")[1]["problem"] == client.problem


def test_stats_are_the_figures_of_the_run(client: _Client) -> None:
    assert client.ask("GET", "/stats") == (200, {"fps": 30.0})


def test_actions_tell_what_there_is_to_do(client: _Client) -> None:
    _, answer = client.ask("GET", "/actions")
    assert answer["actions"] == {action.verb: action.help for action in ACTIONS}
    assert answer["options"]["zoom"].endswith("Allowed: a number from 1 to 4.")
    assert "width" not in answer["options"]


def test_set_changes_options_and_answers_with_the_state(client: _Client) -> None:
    status, answer = client.ask("POST", "/set", {"zoom": 2, "background": "blur:5%"})
    assert status == 200
    assert answer["settings"]["zoom"] == 2.0
    assert client.store.get() == Settings(zoom=2, background="blur:5%")


def test_a_bad_value_is_explained_and_changes_nothing(client: _Client) -> None:
    status, answer = client.ask("POST", "/set", {"mirror": True, "zoom": 9})
    assert (status, answer["error"]) == (400, "zoom = 9: write a number from 1 to 4")
    assert client.ask("POST", "/set", {"self": 1})[1]["error"].startswith("'self': no such option")
    assert "cannot change during a run" in client.ask("POST", "/set", {"width": 640})[1]["error"]
    assert client.store.version == 0


@pytest.mark.parametrize("verb", [action.verb for action in ACTIONS if action.verb != "quit"])
def test_every_verb_does_what_its_key_does(client: _Client, verb: str) -> None:
    start = {"zoom": 2, "pan_x": 0.5, "panic": verb != "panic", "background": "blur"}
    client.store.update(**start)
    (action,) = (action for action in ACTIONS if action.verb == verb)
    expected = SettingsStore(client.store.get())
    assert action.perform(expected)
    status, answer = client.ask("POST", f"/{verb}")
    assert status == 200
    assert client.store.get() == expected.get() != Settings(**start)  # type: ignore[arg-type]
    assert answer["version"] == 2
    assert not client.quits.is_set()


def test_quit_answers_and_ends_the_run(client: _Client) -> None:
    assert client.ask("POST", "/quit")[0] == 200
    assert client.quits.wait(10)


def test_a_client_that_does_not_wait_for_the_answer_is_obeyed(
    client: _Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(control._Handler, "_send", gone)
    with pytest.raises(http.client.RemoteDisconnected):
        client.ask("POST", "/quit")
    assert client.quits.wait(10)


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer wrong", "Bearer a-token-for-test", _TOKEN, f"Basic {_TOKEN}"]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/state"), ("POST", "/panic"), ("GET", "/")])
def test_nothing_without_the_token(client: _Client, method: str, path: str, token: str) -> None:
    status, answer = client.ask(method, path, Authorization=token)
    assert status == 401
    assert "Authorization: Bearer TOKEN" in answer["error"]
    assert client.store.version == 0


def test_a_token_that_is_no_ascii_is_only_wrong(client: _Client) -> None:
    request = b"GET /state HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xc3\r\n\r\n"
    assert client.raw(request).startswith(b"HTTP/1.0 401 ")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_other_names_for_this_machine_are_refused(client: _Client, host: str) -> None:
    """A page in a browser that had its name point to 127.0.0.1 would send its own."""
    status, answer = client.ask("POST", "/panic", Host=host)
    assert (status, answer["error"]) == (403, "ask for 127.0.0.1 by that address")
    assert client.store.version == 0


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "LOCALHOST:80", "[::1]:80"])
def test_own_names_are_fine(client: _Client, host: str) -> None:
    assert client.ask("GET", "/stats", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/nothing", 404, "there are /state, /stats, /actions"),
        ("POST", "/nothing", 404, "/next-background"),
        ("GET", "/panic", 405, "use POST"),
        ("POST", "/state", 405, "use GET"),
        ("DELETE", "/state", 501, "Unsupported method"),
    ],
)
def test_what_is_not_there(
    client: _Client, method: str, path: str, status: int, message: str
) -> None:
    got, answer = client.ask(method, path)
    assert got == status
    assert message in answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 60_000])
def test_a_body_that_is_no_object(client: _Client, body: bytes) -> None:
    status, answer = client.ask("POST", "/set", body)
    assert status == 400
    assert "send a JSON object" in answer["error"]


@pytest.mark.parametrize(
    "value", [b"NaN", b"1e999", b"1" * 4000, b"[[1]]", b'"' + b"x" * 9999 + b'"']
)
def test_odd_values_are_refused_like_others(client: _Client, value: bytes) -> None:
    status, answer = client.ask("POST", "/set", b'{"zoom": ' + value + b"}")
    assert status == 400
    assert answer["error"].endswith("write a number from 1 to 4")
    assert len(answer["error"]) < 200


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (b"Content-Length: 65537", b"413"),
        (b"Content-Length: 99999999999999", b"411"),
        (b"Content-Length: -1", b"411"),
        (b"Transfer-Encoding: chunked", b"411"),
    ],
)
def test_a_body_of_unfit_length(client: _Client, field: bytes, status: bytes) -> None:
    request = (
        b"POST /set HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a-token-for-tests\r\n"
    )
    answer = client.raw(request + field + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 " + status)
    assert b'{"error": ' in answer


@pytest.mark.parametrize("request_", [b"", b"\r\n", b"hello\r\n\r\n", b"\0" * 70_000, b"\xff\r\n"])
def test_noise_does_not_end_it(client: _Client, request_: bytes) -> None:
    with suppress(ConnectionError):  # hanging up is an answer as well
        client.raw(request_)
    assert client.ask("GET", "/stats")[0] == 200


def test_a_silent_client_neither_blocks_others_nor_the_end(client: _Client) -> None:
    with socket.create_connection(("127.0.0.1", client.port)) as silent:
        assert client.ask("GET", "/stats")[0] == 200
        client.control.close()
        silent.settimeout(10)
        assert silent.recv(1) == b""


def test_connections_that_say_nothing_keep_nobody_out(client: _Client) -> None:
    idle = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(40)]
    try:
        assert client.ask("GET", "/stats")[0] == 200
        idle[0].settimeout(10)
        assert idle[0].recv(1) == b"", "the oldest had to make room"
    finally:
        for connection in idle:
            connection.close()


def test_a_crowd_that_comes_at_once_does_not_hold_up_a_panic() -> None:
    client = _Client()
    with client.control, ExitStack() as crowd:
        # Nobody takes them in yet, so that all of them have to find room in the system's queue.
        for _ in range(60):
            crowd.enter_context(socket.create_connection(("127.0.0.1", client.port), timeout=5))
        client.control.start()
        assert client.ask("POST", "/panic")[0] == 200
    assert client.store.get().panic


def test_it_listens_on_this_machine_only(client: _Client) -> None:
    assert client.control.url.startswith("http://127.0.0.1:")


def _control(**arguments: Any) -> Control:
    return Control(SettingsStore(Settings()), dict, str, lambda: None, **arguments)


def test_tokens_are_random_and_long() -> None:
    with _control() as one, _control() as other:
        assert one.token != other.token
        assert len(one.token) >= 32


@pytest.mark.parametrize(
    "token", ["", "short", "with space in it", "line\nbreak-in-it", "ümlaut-token"]
)
def test_a_token_that_no_header_can_carry(token: str) -> None:
    with pytest.raises(SettingsError, match="control token: write 8 to 200"):
        _control(token=token)


def test_a_port_that_is_taken() -> None:
    with _control() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(SettingsError, match=f"control port {port}: .*; choose another, or 0"):
            _control(port=port)


def test_a_port_that_is_none() -> None:
    with pytest.raises(SettingsError, match="control port 70000"):
        _control(port=70_000)


def test_the_token_file_is_for_this_user_only_and_goes_with_the_control(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    path.write_text('{"url": "http://127.0.0.1:1", "token": "of a run that was killed"}')
    path.chmod(0o644)
    with _control(token_file=path) as control:
        assert json.loads(path.read_text()) == {"url": control.url, "token": control.token}
        if sys.platform != "win32":
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not path.exists()


@pytest.mark.parametrize("content", ["precious", '{"url": 1}', "[]", ""])
def test_a_file_of_somebody_else_is_not_taken_for_a_token_file(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(SettingsError, match="holds something else"):
        _control(token_file=path)
    assert path.read_text() == content


def test_a_token_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        _control(token_file=tmp_path / "no" / "control.json")
    with pytest.raises(SettingsError, match="cannot be written"):
        _control(token_file=tmp_path)


def test_closing_twice_and_before_the_start_is_fine() -> None:
    control = _control()
    control.close()
    control.close()
