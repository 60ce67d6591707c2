"""The words of ASGI for what stands before an application: here before a service, in `skinlab.web` before the pages."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SAME_ORIGIN = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; connect-src 'self'"
"""A page's content security policy: nothing but its own server's files; the rest is up to the page."""


def host_of(headers: Mapping[bytes, bytes]) -> str:
    """The Host header without its port.

    >>> host_of({b"host": b"127.0.0.1:8000"}), host_of({b"host": b"[::1]"}), host_of({})
    ('127.0.0.1', '[::1]', '')
    """
    host = headers.get(b"host", b"").decode("latin-1")
    name, _, port = host.rpartition(":")
    return name if port.isdigit() else host
