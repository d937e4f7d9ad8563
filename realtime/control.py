"""A control for other programs on this machine, such as a stream deck: HTTP on 127.0.0.1.

    GET  /state     the settings, and    GET  /stats    the figures of the last seconds
                    what is wrong
    GET  /actions   verbs and options    POST /set      {"option": value, ...}
    POST /VERB      what a key of the preview does: /panic, /next-background, /mirror, ...

    curl -H "Authorization: Bearer TOKEN" -X POST http://127.0.0.1:PORT/panic

Whoever asks must know the token: other users of this machine can reach the port as well, and so can
any page in a browser. An answer is one line of JSON, {"error": ...} where it failed.

The settings say what is wanted. A background is opened while frames go on with the old one; where
that fails, "problem" in /state says why and what is shown, until another one is wanted.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from realtime._version import __version__
from realtime.closing import Closing
from realtime.errors import RealtimeError, SettingsError
from realtime.keys import ACTIONS
from realtime.settings import OPTIONS, SettingsStore

_ADDRESS = "127.0.0.1"

# A page in a browser can have its own name point here; its requests then carry that name.
_OWN_NAMES = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)

_TOKEN = re.compile(r"[!-~]{8,200}")

_MOST_BYTES = 1 << 16
_MOST_CONNECTIONS = 16

# Seconds that a client may take over each part of its request.
_PATIENCE = 5.0

# Seconds between looks at whether to end: the most that closing waits.
_POLL = 0.05

_VERBS = {f"/{action.verb}": action for action in ACTIONS}


class _Refused(Exception):  # noqa: N818 - an answer, not a failure
    """The request is answered with an error."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control(Closing):
    """Listens from `start` to `close`. A context manager.

    Args:
        store: the settings to show and to change.
        figures: gives what /stats shows, as plain values.
        problem: gives what keeps the settings from being what is shown, in one line; empty where
            nothing does.
        quit: ends the run; called from a thread of this.
        port: to listen on; 0 for any that is free.
        token: that requests must carry; None for a new random one.
        token_file: where to write address and token for other programs, readable by this user
            only; removed at the end.

    Attributes:
        url: where it listens.
        token: that requests must carry.
        random: whether the token is new.

    Raises:
        SettingsError: the port is taken, the token is unusable, or its file cannot be written.
    """

    def __init__(
        self,
        store: SettingsStore,
        figures: Callable[[], dict[str, Any]],
        problem: Callable[[], str],
        quit: Callable[[], None],
        *,
        port: int = 0,
        token: str | None = None,
        token_file: str | Path | None = None,
    ) -> None:
        self.random = token is None
        self.token = secrets.token_urlsafe(24) if token is None else token
        if not _TOKEN.fullmatch(self.token):
            raise SettingsError("control token: write 8 to 200 letters, digits or signs, no spaces")
        try:
            self._server = _Server(port, self.token, store, figures, problem, quit)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"control port {port}: {reason}; choose another, or 0 for any that is free"
            ) from None
        self.url = f"http://{_ADDRESS}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="realtime-control"
        )
        self._token_file = None if token_file is None else Path(token_file)
        try:
            self._write_token()
        except OSError as error:
            self._server.server_close()
            raise SettingsError(
                f"{token_file}: cannot be written ({error.strerror}); choose another file"
            ) from None

    def _write_token(self) -> None:
        if self._token_file is None:
            return
        if os.path.lexists(self._token_file) and not _is_token_file(self._token_file):
            raise FileExistsError(None, "it exists and holds something else")
        # Only a file that is new is sure to be ours, with these permissions from its first byte.
        self._token_file.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(self._token_file, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps({"url": self.url, "token": self.token}) + "\n")

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def close(self) -> None:
        """Ends every connection and joins every thread. Idempotent."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        if self._token_file is not None:
            self._token_file.unlink(missing_ok=True)
            self._token_file = None


def _is_token_file(path: Path) -> bool:
    """Whether it is one that was left behind here, so that nothing is lost with it."""
    try:
        left = json.loads(path.read_text("utf-8"))
    except ValueError:
        return False
    return isinstance(left, dict) and left.keys() == {"url", "token"}


class _Server(ThreadingMixIn, TCPServer):
    """One thread for each connection, all joined by `server_close`, and only so many at once."""

    daemon_threads = False
    block_on_close = True
    # After a restart the old port is still lingering. On Windows it would mean sharing the port.
    allow_reuse_address = os.name != "nt"
    # Of socketserver's 5 a burst of connections leaves none free: the system drops who comes then,
    # and a panic would wait a second until it is sent again.
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        token: str,
        store: SettingsStore,
        figures: Callable[[], dict[str, Any]],
        problem: Callable[[], str],
        quit: Callable[[], None],
    ) -> None:
        self.token = token.encode("ascii")
        self.store = store
        self.figures = figures
        self.problem = problem
        self.quit = quit
        self._lock = threading.Lock()
        # The oldest first.
        self._open: dict[socket.socket, None] = {}
        super().__init__((_ADDRESS, port), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Makes room: those who connect and say nothing must not keep a panic out."""
        with self._lock:
            while len(self._open) >= _MOST_CONNECTIONS:
                oldest = next(iter(self._open))
                del self._open[oldest]
                _wake(oldest)
        return True

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = None
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        threading.current_thread().name = "realtime-control-request"
        super().process_request_thread(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no concern of ours; anything else is a defect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        with self._lock:
            for connection in self._open:
                _wake(connection)
        super().server_close()


def _wake(connection: socket.socket) -> None:
    """Ends a connection, and with it the waiting of the thread that serves it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request, and closes the connection."""

    server: _Server
    timeout = _PATIENCE
    server_version = f"realtime/{__version__}"
    sys_version = ""

    _content = b""
    _ending = False

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        try:
            self._answer(self._post)
        finally:  # also where the client does not wait for the answer
            if self._ending:
                self.server.quit()

    def _answer(self, respond: Callable[[str], dict[str, Any]]) -> None:
        try:
            # What a client still sends when the connection closes could cost it the answer.
            self._content = self._read()
            self._admit()
            answer = respond(self.path.partition("?")[0])
        except _Refused as refused:
            self.send_error(refused.status, str(refused))
        except RealtimeError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._send(HTTPStatus.OK, answer)

    def _read(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"[0-9]{1,9}", length):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "send the body with its Content-Length")
        if int(length) > _MOST_BYTES:
            raise _Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send a body of at most {_MOST_BYTES} bytes"
            )
        return self.rfile.read(int(length))

    def _admit(self) -> None:
        host = self.headers.get("Host", "")
        if not _OWN_NAMES.fullmatch(host):
            raise _Refused(HTTPStatus.FORBIDDEN, f"ask for {_ADDRESS} by that address")
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(token.strip().encode("utf-8", "replace"), self.server.token)
        if kind.lower() != "bearer" or not right:
            raise _Refused(HTTPStatus.UNAUTHORIZED, "send the header 'Authorization: Bearer TOKEN'")

    def _get(self, path: str) -> dict[str, Any]:
        if path == "/state":
            return self._state()
        if path == "/stats":
            return self.server.figures()
        if path == "/actions":
            return {
                "actions": {action.verb: action.help for action in ACTIONS},
                "options": {
                    name: f"{option.help} Allowed: {option.allowed}."
                    for name, option in OPTIONS.items()
                    if not option.restart
                },
            }
        raise self._unknown(path, post=False)

    def _post(self, path: str) -> dict[str, Any]:
        store = self.server.store
        if path == "/set":
            changes = self._changes()
            store.edit(lambda _: changes)
        elif path in _VERBS:
            self._ending = not _VERBS[path].perform(store)
        else:
            raise self._unknown(path, post=True)
        return self._state()

    def _changes(self) -> dict[str, Any]:
        try:
            changes = json.loads(self._content)
        except (ValueError, RecursionError):
            changes = None
        if not isinstance(changes, dict):
            raise _Refused(
                HTTPStatus.BAD_REQUEST, 'send a JSON object of options, such as {"mirror": true}'
            )
        return changes

    def _unknown(self, path: str, *, post: bool) -> _Refused:
        gets = ("/state", "/stats", "/actions")
        posts = ("/set", *_VERBS)
        if path in (gets if post else posts):
            method = "GET" if post else "POST"
            return _Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{path}: use {method}")
        known = posts if post else gets
        return _Refused(
            HTTPStatus.NOT_FOUND, f"there is no such thing; there are {', '.join(known)}"
        )

    def _state(self) -> dict[str, Any]:
        store = self.server.store
        return {
            "version": store.version,
            "settings": store.get().as_dict(),
            "problem": self.server.problem(),
        }

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers with an error, as one line of JSON; also what the base class finds wrong."""
        self.close_connection = True
        self._send(HTTPStatus(code), {"error": message or HTTPStatus(code).phrase})

    def _send(self, status: HTTPStatus, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal belongs to the run."""
