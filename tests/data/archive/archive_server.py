"""A server of the ISIC Archive's API on loopback, which fails as often and in the ways that a test asks for.

It counts what it is asked: `requests` lists every request for a file as it arrives, `transfers` counts for each file
how often its last byte was sent. Used by the tests and by benchmarks/data_fetch.py.
"""

import io
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
from PIL import Image

LICENSES = ("CC-0", "CC-BY", "CC-BY-NC")
FAILURES = ("status", "too_many", "reset", "truncated", "stall", "length")
STALL = 20.0  # seconds, far beyond the patience of any test; cut short when the server ends


@cache
def jpeg(number: int, side: int = 64) -> bytes:
    """The image of a number: noise, so that its bytes hardly compress."""
    pixels = np.random.default_rng(number).integers(0, 256, (side, side + side // 4, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def isic_id(number: int) -> str:
    return f"ISIC_{number:07}"


class Archive:
    """What the server has and how it behaves; tests change the attributes.

    Attributes:
        images: how many there are.
        failing: fraction of requests that fail, in one of the ways of FAILURES.
        page: results on a page.
        side: height of the images in pixels.
        ranges: whether parts of files are served.
        etag: whether files have an entity tag, and which suffix it ends in.
        edit: changes a result before it is sent.
        replies: fixed (status, headers, body) by path, before anything else.
        expired: addresses with this signature are refused.
    """

    def __init__(self, images: int = 12, **changes: Any) -> None:
        self.images = images
        self.failing = 0.0
        self.page = 5
        self.side = 64
        self.ranges = True
        self.etag: str | None = ""
        self.edit: Callable[[dict[str, Any]], Any] = lambda result: result
        self.replies: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.expired: str | None = None
        self.signature = "one"
        self.address = ""
        self.requests: list[str] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.transfers: Counter[str] = Counter()
        self.sent = 0
        self.failures: Counter[str] = Counter()
        self.arrived = threading.Condition()
        self.ended = threading.Event()
        self.chance = random.Random(changes.pop("seed", 0))  # noqa: S311 - a seeded test
        for name, value in changes.items():
            setattr(self, name, value)

    @property
    def api(self) -> str:
        return f"{self.address}/api/v2/"

    def note(self, path: str, headers: dict[str, str]) -> str | None:
        """Count a request, and decide whether and how it fails."""
        with self.arrived:
            self.paths.append(path)
            self.headers.append(headers)
            if path.startswith("/files/"):
                self.requests.append(path.removeprefix("/files/").partition("?")[0].removesuffix(".jpg"))
            fails = self.chance.random() < self.failing
            kind = FAILURES[self.failures.total() % len(FAILURES)] if fails else None  # all of them, in turn
            self.failures.update([kind] if kind else [])
            self.arrived.notify_all()
        return kind

    def wait_for_requests(self, number: int, seconds: float = 30) -> bool:
        """Whether so many requests have arrived in all."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.paths) >= number, seconds)

    def result(self, number: int) -> Any:
        """An image as the API tells of it."""
        name = isic_id(number)
        full = {"url": f"{self.address}/files/{name}.jpg?Signature={self.signature}", "size": len(self.body(name))}
        small = {"url": f"{self.address}/files/{name}.jpg?thumbnail&Signature={self.signature}", "size": 0}
        small["size"] = len(jpeg(number, 32))
        result = {
            "isic_id": name,
            "copyright_license": LICENSES[number % 3],
            "attribution": f"Clinic {number % 2}",
            "files": {"full": full, "thumbnail_256": small},
            "metadata": {
                "acquisition": {"pixels_x": 80, "image_type": "dermoscopic"},
                "clinical": {
                    "diagnosis_1": ("Benign", "Malignant")[number % 2],
                    "sex": ("female", "male")[number % 2],
                    "age_approx": 30 + number % 40,
                    "lesion_id": f"IL_{number // 2}" if number % 4 else None,
                    "patient_id": f"IP_{number // 4}",
                },
            },
        }
        return self.edit(result)

    def body(self, name: str, query: str = "") -> bytes:
        return jpeg(int(name.removeprefix("ISIC_")), 32 if "thumbnail" in query else self.side)

    def search(self, query: dict[str, list[str]]) -> dict[str, Any]:
        begin = int(query.get("cursor", ["0"])[0])
        end = min(begin + min(self.page, int(query["limit"][0])), self.images)
        following = {**{name: values[0] for name, values in query.items()}, "cursor": str(end)}
        return {
            "count": self.images,
            "next": f"{self.address}/api/v2/images/search/?{urlencode(following)}" if end < self.images else None,
            "previous": None,
            "results": [self.result(number) for number in range(begin, end)],
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    archive: Archive

    def do_GET(self) -> None:
        try:
            self._answer()
        except OSError:
            self.close_connection = True  # the client went away

    def log_message(self, *_: Any) -> None:
        """Not on the terminal."""

    def _answer(self) -> None:
        kind = self.archive.note(self.path, dict(self.headers.items()))
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path in self.archive.replies:
            self._send(*self.archive.replies[path])
        elif path.startswith("/files/"):
            self._file(path.removeprefix("/files/").removesuffix(".jpg"), query, kind)
        elif path.startswith("/api/v2/"):
            body = json.dumps(self._api(path.removeprefix("/api/v2/"), parse_qs(query))).encode()
            self._send_body(200, {"Content-Type": "application/json"}, body, kind)
        else:
            self._send(404, {}, b"")

    def _api(self, path: str, query: dict[str, list[str]]) -> Any:
        if path == "images/search/":
            return self.archive.search(query)
        if path.startswith("images/"):
            return self.archive.result(int(path.removeprefix("images/ISIC_").strip("/")))
        return {"id": 1, "name": "a collection"}

    def _file(self, name: str, query: str, kind: str | None) -> None:
        if self.archive.expired and f"Signature={self.archive.expired}" in query:
            self._send(403, {}, b"<Error/>")
            return
        whole = self.archive.body(name, query)
        tag = None if self.archive.etag is None else f'"{name}{self.archive.etag}"'
        headers = {} if tag is None else {"ETag": tag}
        start = self._start(tag, len(whole))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        if self._send_body(206 if start else 200, headers, whole[start:], kind):
            with self.archive.arrived:
                self.archive.transfers[name] += 1

    def _start(self, tag: str | None, length: int) -> int:
        asked = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if not self.archive.ranges or not asked or self.headers.get("If-Range") != tag or int(asked) >= length:
            return 0
        return int(asked)

    def _send_body(self, status: int, headers: dict[str, str], body: bytes, kind: str | None) -> bool:
        """The answer, or a failure in its place; whether its last byte was sent."""
        if kind == "status":
            self._send((500, 502, 503)[len(body) % 3], {}, b"oops")
        elif kind == "too_many":
            date = formatdate(time.time() - 5, usegmt=True)
            self._send(429, {"Retry-After": date if len(body) % 2 else "0"}, b"")
        elif kind == "reset":
            self._begin(status, headers, len(body))
            self._part(body[: len(body) // 3])
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif kind in ("truncated", "stall"):
            self._begin(status, headers, len(body))
            self._part(body[: 2 * len(body) // 3])
            if kind == "stall":
                self.archive.ended.wait(STALL)
        elif kind == "length":
            wrong = body[: len(body) // 2] if len(body) % 2 else body
            self._begin(status, headers, len(body) // 2 if len(body) % 2 else len(body) + 100)
            self._part(wrong)
        else:
            self._send(status, headers, body)
            return True
        self.close_connection = True
        return False

    def _begin(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _part(self, body: bytes) -> None:
        with self.archive.arrived:  # before it is written: a client that has it may look at once
            self.archive.sent += len(body)
        self.wfile.write(body)
        self.wfile.flush()

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._begin(status, headers, len(body))
        self._part(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is expected."""


@contextmanager
def serving(archive: Archive) -> Iterator[Archive]:
    """The archive at a free port of loopback."""
    handler = type("Handler", (_Handler,), {"archive": archive})
    with _Server(("127.0.0.1", 0), handler) as server:
        archive.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield archive
        finally:
            archive.ended.set()
            server.shutdown()
            thread.join(10)
