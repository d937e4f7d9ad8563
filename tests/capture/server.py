"""A server of one file, which cannot be sought in, and a file that is odd when read so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av

from tests.media import remux, write_clip


@contextmanager
def serve(content: bytes) -> Iterator[str]:
    """Serves `content`, as an HTTP URL without its scheme."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Nothing to say."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # who reads may hang up when it likes
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"127.0.0.1:{server.server_port}/video"
        finally:
            server.shutdown()
            serving.join()


def write_late_sound(folder: Path) -> Path:
    """Writes a clip of 90 frames whose sound turns up after FFmpeg has seen enough to open it."""

    def silent_at_first(kind: str, index: int, packet: av.Packet[Any]) -> av.Packet[Any] | None:
        return None if kind == "audio" and index < 100 else packet

    clip = write_clip(
        folder / "clip.mpg", frames=90, codec="mpeg1video", audio="mp2", options={"bf": "0"}
    )
    return remux(clip, folder / "late.mpg", silent_at_first)
