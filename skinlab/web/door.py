"""What stands before every page: who may come in, from where, and what a page may load. An ASGI application.

The printed link holds a token that works once; it is exchanged for a cookie. A notebook's frame, which gets no cookie,
has its key in the path. Tokens, cookies and keys are compared in constant time and never logged.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs

from skinlab.serving.http.asgi import SAME_ORIGIN, Application, Message, Receive, Scope, Send, host_of

HOSTS = frozenset({"127.0.0.1", "localhost"})
"""Names under which the pages answer; any other was given to this address by somebody else (DNS rebinding)."""
ENTER, EMBEDDED = "/enter", "/embedded/"
READING = frozenset({"GET", "HEAD"})
ALONE = "frame-ancestors 'none'"
IN_NOTEBOOK = "frame-ancestors http://127.0.0.1:* http://localhost:* https://127.0.0.1:* https://localhost:*"


class _RefusalError(Exception):
    """A request that does not come in.

    Args:
        status: of the answer.
        reason: one line for whoever asked.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def _made() -> str:
    return secrets.token_urlsafe(32)


@dataclass
class Keys:
    """What opens the door; made anew whenever a server starts.

    Attributes:
        cookie: what a browser shows once it was let in.
        embedded: what stands in the path of a notebook's frame; None: there is no frame.
        spent: called whenever a token was used, and another one waits.
    """

    cookie: str = field(default_factory=_made, repr=False)
    embedded: str | None = field(default=None, repr=False)
    spent: Callable[[], None] | None = None
    _token: str = field(default_factory=_made, repr=False)

    @classmethod
    def with_frame(cls) -> Self:
        """Keys that open the door to a frame, too."""
        return cls(embedded=_made())

    @property
    def token(self) -> str:
        """What the next link holds."""
        return self._token

    def spend(self, shown: str) -> bool:
        """Whether a token is the one that was given out; it is worth nothing from then on, and another one is made."""
        if not _same(shown, self._token):
            return False
        self._token = _made()
        if self.spent is not None:
            self.spent()
        return True


class Door:
    """The pages behind their door.

    Args:
        app: what answers.
        keys: what opens it.
        port: of this server; it is in the name of the cookie, since a browser gives cookies to all ports of a machine.
    """

    def __init__(self, app: Application, keys: Keys, port: int) -> None:
        self._app, self._keys, self._port = app, keys, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        try:
            self._check_address(headers)
            if scope["path"] == ENTER:
                await self._enter(scope, headers, send)
                return
            inside = self._let_in(scope, headers)
            _check_origin(scope, headers)
        except _RefusalError as refusal:
            await _say(send, refusal.status, str(refusal))
            return
        await self._app(inside, receive, _guarded(send, embedded=inside["root_path"] != ""))

    def _check_address(self, headers: dict[bytes, bytes]) -> None:
        if host_of(headers) not in HOSTS:
            raise _RefusalError(421, "these pages answer to 127.0.0.1 alone")

    async def _enter(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> None:
        """Exchange a token for the cookie."""
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not self._known(headers) and not self._keys.spend(shown):
            raise _RefusalError(403, "this link was used already: skinlab ui has printed another one after that")
        cookie = f"{self._cookie_name}={self._keys.cookie}; Path=/; HttpOnly; SameSite=Strict"
        await _answer(send, 200, _WELCOME, [(b"content-type", b"text/html"), (b"set-cookie", cookie.encode())])

    def _let_in(self, scope: Scope, headers: dict[bytes, bytes]) -> Scope:
        """The request as the pages see it: below its root where the key is in the path."""
        path: str = scope["path"]
        if path.startswith(EMBEDDED):
            shown = path.removeprefix(EMBEDDED).partition("/")[0]
            if self._keys.embedded is not None and _same(shown, self._keys.embedded):
                return {**scope, "root_path": EMBEDDED + shown}
        elif self._known(headers):
            return {**scope, "root_path": ""}
        raise _RefusalError(401, "open the link that skinlab ui has printed")

    def _known(self, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"cookie", b"").decode("latin-1").split(";")
        shown = dict(part.strip().partition("=")[::2] for part in given)
        return _same(shown.get(self._cookie_name, ""), self._keys.cookie)

    @property
    def _cookie_name(self) -> str:
        return f"skinlab-{self._port}"


def _check_origin(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """A change is asked for by a page of this very server, or not made."""
    if scope["method"] in READING:
        return
    origin = headers.get(b"origin")
    own = origin == b"http://" + headers.get(b"host", b"")
    if not (own if origin is not None else headers.get(b"sec-fetch-site") == b"same-origin"):
        raise _RefusalError(403, "changes are taken from these pages alone")


def _same(shown: str, expected: str) -> bool:
    return hmac.compare_digest(shown.encode(), expected.encode())


def _guarded(send: Send, *, embedded: bool) -> Send:
    """Sends with the headers that every answer has."""
    policy = "; ".join([SAME_ORIGIN, "base-uri 'none'", "form-action 'self'", IN_NOTEBOOK if embedded else ALONE])

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", []))
            known = {name.lower() for name, _ in given}
            common = [*_COMMON, (b"content-security-policy", policy.encode())]
            message["headers"] = [*given, *(header for header in common if header[0] not in known)]
        await send(message)

    return guarded


_WELCOME = (
    b'<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content="0; url=/">'
    b"<title>skinlab</title><p><a href=/>To the pages</a></p></html>"
)
"""No redirect: the browser would count it as asked for by the page that the link was on, and not show the cookie."""
_COMMON = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # a key in the path is nobody's business
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


async def _say(send: Send, status: int, reason: str) -> None:
    await _answer(send, status, f"skinlab: {reason}\n".encode(), [(b"content-type", b"text/plain; charset=utf-8")])


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length, *_COMMON]})
    await send({"type": "http.response.body", "body": body})
