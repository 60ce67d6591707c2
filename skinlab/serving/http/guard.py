"""What stands before every request: keys, limits of size, number and time, an id, a line in the log.

An ASGI application around another. A refusal is a status, a message in JSON, and nothing else; keys, bodies and query
strings are never logged.
"""

import asyncio
import json
import logging
import re
import time
import uuid
from dataclasses import dataclass, field

from skinlab.serving.http.asgi import Application, Message, Receive, Scope, Send, host_of
from skinlab.serving.http.keys import Keys
from skinlab.serving.http.monitoring import Monitor
from skinlab.serving.http.settings import Settings
from skinlab.serving.portable.answering import RequestError

log = logging.getLogger(__name__)

OPEN = frozenset({"/", "/page.css", "/page.js", "/health", "/ready", "/docs", "/openapi.json", "/favicon.ico"})
"""Paths that need no key: they tell nothing of anybody's images."""
KEY_NEEDED = "a key is needed, in the header Authorization: Bearer KEY; `skinlab deployments key NAME` prints it"
COUNTED = OPEN | {"/score", "/metrics"}
UNHURRIED = frozenset({"/health", "/ready", "/metrics"})
"""Paths that are answered however much is in work."""
KNOWN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
BAD_REQUEST, SERVER_ERROR = 400, 500
BODIES = 16
"""So many bodies of the largest size are held at a time, however many requests are in work."""
LONGEST_LENGTH = 19
"""Digits of a Content-Length."""
ROOM_TO_READ = 1.0
"""Seconds in which the rest of a refused body is still read: who is cut off while sending may not see the answer."""


@dataclass
class Service:
    """What the requests of a worker share.

    Attributes:
        settings: limits.
        keys: None: no key is asked for.
        monitor: counts.
        draining: the worker is about to end: answers close their connection.
        working: requests in work.
        held: bytes of their bodies.
    """

    settings: Settings
    keys: Keys | None
    monitor: Monitor
    draining: bool = False
    working: int = 0
    held: int = 0


@dataclass
class _Exchange:
    """One request and its answer."""

    scope: Scope
    headers: dict[bytes, bytes]
    began: float = field(default_factory=time.monotonic)
    status: int = 0
    read: int = 0
    whole: bool = False

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def id(self) -> str:
        return str(self.scope["request_id"])


class Guard:
    """The application behind its guard.

    Args:
        app: what answers.
        service: limits, keys and counts.
    """

    def __init__(self, app: Application, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, dict(scope["headers"]))
        scope["request_id"] = _id(exchange.headers)
        answer = self._answering(exchange, receive, send)
        try:
            await self._guarded(exchange, receive, answer)
        except RequestError as error:
            if not exchange.status:
                await _refuse(answer, exchange, error.status, str(error))
        except Exception:
            log.exception("request %s failed by a mistake in skinlab; please report the lines below", exchange.id)
            if not exchange.status:
                await _refuse(answer, exchange, SERVER_ERROR, "the service failed; its log says more")
        self._record(exchange)

    async def _guarded(self, exchange: _Exchange, receive: Receive, answer: Send) -> None:
        service = self._service
        self._admit(exchange)
        if exchange.path in UNHURRIED:
            await self._app(exchange.scope, receive, answer)
            return
        if service.working >= service.settings.concurrency:
            raise RequestError(429, "too many requests at a time; come again in a second")
        service.working += 1
        service.monitor.began()
        try:
            async with asyncio.timeout(service.settings.request_s):
                await self._app(exchange.scope, self._counted(exchange, receive), answer)
        except TimeoutError as error:
            raise RequestError(408, f"not read and answered within {service.settings.request_s:g} s") from error
        finally:
            service.working -= 1
            service.held -= exchange.read
            service.monitor.ended()

    def _admit(self, exchange: _Exchange) -> None:
        """Refuse by what the head of a request says."""
        service, headers = self._service, exchange.headers
        if service.keys is not None and exchange.path not in OPEN:
            if not service.keys.allow(headers.get(b"authorization")):
                raise RequestError(401, KEY_NEEDED)
        elif service.keys is None and host_of(headers) not in service.settings.hosts:
            raise RequestError(421, "this service asks for no key and answers to its own address alone")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > LONGEST_LENGTH:
            raise RequestError(400, "Content-Length is no number of bytes")
        if int(length) > service.settings.body_bytes:
            raise _too_large(service.settings)

    def _counted(self, exchange: _Exchange, receive: Receive) -> Receive:
        """The body as it comes, refused where it is larger than it may be, or all of them together are."""
        service = self._service

        async def counted() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestError(400, "the sender went away")
            _note(exchange, message)
            service.held += len(message.get("body", b""))
            if exchange.read > service.settings.body_bytes:
                raise _too_large(service.settings)
            if service.held > BODIES * service.settings.body_bytes:
                raise RequestError(429, "too much is being sent at a time; come again in a second")
            return message

        return counted

    def _answering(self, exchange: _Exchange, receive: Receive, send: Send) -> Send:
        """Sends with the headers that every answer has; a connection with an unread body is closed."""

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                if exchange.status >= BAD_REQUEST:
                    await _drain(exchange, receive, self._service.settings.body_bytes)
                closing = self._service.draining or (exchange.status >= BAD_REQUEST and not exchange.whole)
                message["headers"] = [*message.get("headers", []), *_common(exchange, closing=closing)]
            await send(message)

        return answering

    def _record(self, exchange: _Exchange) -> None:
        seconds = time.monotonic() - exchange.began
        path = exchange.path if exchange.path in COUNTED else "other"
        self._service.monitor.answered(path, exchange.status, seconds)
        if exchange.path not in UNHURRIED:
            method = exchange.scope["method"]
            log.info("%s %s %s %d %.1f ms", exchange.id, method, path, exchange.status, 1000 * seconds)


def _common(exchange: _Exchange, *, closing: bool) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"x-request-id", exchange.id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    return [*headers, (b"connection", b"close")] if closing else headers


def _id(headers: dict[bytes, bytes]) -> str:
    """The request's own id where it has a harmless one, else a new one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if KNOWN_ID.fullmatch(given) else uuid.uuid4().hex


def _too_large(settings: Settings) -> RequestError:
    return RequestError(413, f"the request is larger than {settings.body_bytes / 1e6:g} MB")


def _note(exchange: _Exchange, message: Message) -> None:
    """How much of the body was read, and whether that was all."""
    exchange.read += len(message.get("body", b""))
    exchange.whole = not message.get("more_body", False)


async def _drain(exchange: _Exchange, receive: Receive, most: int) -> None:
    """Read on for a moment, so that the sender gets to the answer."""
    end = exchange.read + most
    try:
        async with asyncio.timeout(ROOM_TO_READ):
            while exchange.read <= end and not exchange.whole:
                _note(exchange, await receive())
    except TimeoutError:
        return


async def _refuse(answer: Send, exchange: _Exchange, status: int, reason: str) -> None:
    """Answer with a reason."""
    body = json.dumps({"error": reason, "request_id": exchange.id}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == 401:  # noqa: PLR2004 - the status is the point
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 429:  # noqa: PLR2004 - the status is the point
        headers.append((b"retry-after", b"1"))
    await answer({"type": "http.response.start", "status": status, "headers": headers})
    await answer({"type": "http.response.body", "body": body})
