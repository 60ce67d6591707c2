"""A server of files on loopback, which breaks off as often as a test asks for."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Files:
    """What is served, and what was asked.

    Attributes:
        content: bytes by path; anything else is 404.
        breaks: so many answers more stop after half of what is asked.
        requests: path and Range header of each request.
    """

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.breaks = 0
        self.requests: list[tuple[str, str | None]] = []
        self.address = ""


@contextmanager
def serving() -> Iterator[Files]:
    files = Files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            files.requests.append((self.path, asked))
            if self.path not in files.content:
                self.send_error(404)
                return
            whole = files.content[self.path]
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(whole) - start))
            self.send_header("ETag", f'"{hashlib.md5(whole).hexdigest()}"')  # noqa: S324 - a tag, not a safeguard
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
            self.end_headers()
            body = whole[start:]
            if files.breaks > 0:
                files.breaks -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Not on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        files.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield files
        finally:
            server.shutdown()
            thread.join(10)
