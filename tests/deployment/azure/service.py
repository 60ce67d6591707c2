"""A local stand-in for Azure over TLS: signing in, storage that keeps what is uploaded, and a log of what was asked.

What Azure ML itself does is in online.py and first_sdk.py. Faults are put in by tests.
"""

import json
import re
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.deployment.azure.containers import Container

if TYPE_CHECKING:
    from collections.abc import Callable

EXPIRED = "an-expired-token"
SUBSCRIPTION, GROUP, WORKSPACE = "11111111-2222-3333-4444-555555555555", "lab", "skin"
PLACE = [f"deployment.subscription={SUBSCRIPTION}", f"deployment.resource_group={GROUP}"]
PLACE += [f"deployment.workspace={WORKSPACE}"]
ROOT = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    f"/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
)


@dataclass
class Call:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}


@dataclass
class Answer:
    """What is said to a request."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, code: str, message: str) -> Answer:
    """An error as Azure words it."""
    return Answer(status, {"error": {"code": code, "message": message}})


class Service:
    """The server; subclasses add routes.

    Attributes:
        calls: everything that was asked, method and path.
        blobs: content by path.
        faults: (method, pattern of the path) and what is answered then; a fault stays until it is removed.
        containers: what runs, by a name of the subclass.
        token: what signing in gives.
    """

    def __init__(self, folder: Path, certificate: Path) -> None:
        self.folder = folder
        self.calls: list[tuple[str, str, Any]] = []
        self.blobs: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.blocks: dict[tuple[str, str], bytes] = {}
        self.faults: list[tuple[str, str, Answer]] = []
        self.containers: dict[str, Container] = {}
        self.token = "a-token"  # noqa: S105 - of nobody
        self.routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", r"/msi/token", self._sign_in),
            ("GET", r"/metadata", self._clouds),
            ("PUT|HEAD|GET", r"/(storage/.+)", self._blob),
        ]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self.base = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        for container in self.containers.values():
            container.stop()
        self._server.shutdown()
        self._server.server_close()

    def changes(self) -> list[tuple[str, str]]:
        """What was asked of the workspace and may have changed something, in order."""
        return [(method, path.removeprefix(f"{ROOT}/")) for method, path, _ in self.calls if method != "GET"]

    def sent(self, method: str, path: str) -> Any:
        """The last body of a request to a path below the workspace."""
        return [body for asked, where, body in self.calls if (asked, where) == (method, f"{ROOT}/{path}")][-1]

    def start(self, name: str, code: dict[str, bytes], model: dict[str, bytes]) -> None:
        """Start a container; the one of this name before is stopped."""
        self.end(name)
        self.containers[name] = Container(self.folder / uuid.uuid4().hex, code, model)

    def end(self, name: str) -> None:
        if (running := self.containers.pop(name, None)) is not None:
            running.stop()

    def below(self, prefix: str) -> dict[str, bytes]:
        """Blobs whose path begins so, by the rest of it."""
        found = {path[len(prefix) :].lstrip("/"): body for path, body in self.blobs.items() if path.startswith(prefix)}
        assert found, (prefix, list(self.blobs))
        return found

    def answer(self, call: Call) -> Answer:
        """What is said to a request."""
        if not call.path.startswith(("/msi", "/metadata", "/storage")):
            body = call.json() if call.headers.get("content-type", "").startswith("application/json") else None
            self.calls.append((call.method, call.path, body))
        for method, pattern, said in self.faults:
            if call.method == method and re.search(pattern, call.path):
                return said
        for method, pattern, route in self.routes:
            if re.fullmatch(method, call.method) and (found := re.fullmatch(pattern, call.path)):
                return route(call, *found.groups())
        return refusal(404, "ResourceNotFound", f"The Resource '{call.path}' was not found.")

    def signed_in(self, call: Call) -> Answer | None:
        """None, or the refusal of who brings no token, or one that has expired."""
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if not token or EXPIRED in token:
            return refusal(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now.")
        return None

    def _sign_in(self, call: Call) -> Answer:
        """A managed identity: azure-identity finds it by the variables IDENTITY_ENDPOINT and IDENTITY_HEADER."""
        expires = str(int(time.time()) + 86_400)
        return Answer(200, {"access_token": self.token, "expires_on": expires, "token_type": "Bearer", "resource": "x"})

    def _clouds(self, call: Call) -> Answer:
        cloud = {
            "name": "AzureCloud",
            "portal": "https://portal.azure.com",
            "resourceManager": self.base,
            "authentication": {"loginEndpoint": self.base},
            "suffixes": {"storage": "invalid"},
        }
        return Answer(200, [cloud])

    def _blob(self, call: Call, path: str) -> Answer:
        """Storage of blobs: whole ones and ones in blocks, metadata."""
        stamp = {"ETag": '"0x1"', "Last-Modified": "Wed, 25 Nov 2026 00:00:00 GMT", "x-ms-version": "2021-12-02"}
        part = call.query.get("comp")
        if call.method == "PUT":
            if part == "block":
                self.blocks[path, call.query["blockid"]] = call.body
            elif part == "blocklist":
                ids = re.findall(r"<(?:Latest|Uncommitted)>(.*?)</", call.body.decode())
                self.blobs[path] = b"".join(self.blocks[path, one] for one in ids)
            elif part is None:
                self.blobs[path] = call.body
            self.metadata[path] = {name: value for name, value in call.headers.items() if name.startswith("x-ms-meta-")}
            return Answer(200 if part == "metadata" else 201, None, stamp)
        if path not in self.blobs:
            return Answer(404, None, {"x-ms-error-code": "BlobNotFound"})
        return Answer(200, self.blobs[path], stamp | self.metadata[path] | {"x-ms-blob-type": "BlockBlob"})

    def _handler(service: "Service") -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(parts.query))
                said = service.answer(
                    Call(self.command, unquote(parts.path), query, headers, self._read(length, headers))
                )
                body = said.body if isinstance(said.body, bytes) else b""
                if said.body is not None and not isinstance(said.body, bytes):
                    body = json.dumps(said.body).encode()
                    said.headers.setdefault("Content-Type", "application/json")
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def _read(self, length: int, headers: dict[str, str]) -> bytes:
                if headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(length)
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_: Any) -> None:
                pass

        for method in ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"):
            setattr(Handler, f"do_{method}", Handler._handle)
        return Handler
