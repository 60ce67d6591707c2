"""Which addresses may be fetched from, and how they are shown; connects to nothing."""

import ipaddress
from typing import Literal
from urllib.parse import urljoin, urlsplit

PlainHttp = Literal["never", "loopback", "any"]
"""Where http without encryption will do: nowhere, on this machine, or for any host that the user names."""


def problem(address: str, plain_http: PlainHttp) -> str | None:
    """Why an address is not fetched from, or None.

    Example:
        >>> problem("http://example.org/a.jpg", "never")
        'http://example.org/a.jpg is not https'
        >>> problem("http://127.0.0.1:8000/a.jpg", "loopback") is None
        True
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"{address!r} is not an address"
    if parts.scheme not in ("http", "https") or not host:
        return f"{shown(address)} is not https" if plain_http != "any" else f"{shown(address)} is not http(s)"
    if parts.username is not None or parts.password is not None:
        return f"the address at {host} holds a user name or a password"
    if parts.scheme == "http" and not (plain_http == "any" or (plain_http == "loopback" and is_loopback(host))):
        return f"{shown(address)} is not https"
    return None


def redirected(address: str, location: str, plain_http: PlainHttp) -> tuple[str, str | None]:
    """Where a redirect leads, and why it is not followed, or None.

    It may not drop encryption, nor lead from elsewhere into this machine.

    Example:
        >>> redirected("https://a.org/x", "/y", "any")
        ('https://a.org/y', None)
        >>> redirected("https://a.org/x", "http://a.org/y", "any")[1]
        'the redirect to http://a.org/y drops encryption'
    """
    target = urljoin(address, location)
    if reason := problem(target, plain_http):
        return target, f"the redirect is refused: {reason}"
    before, after = urlsplit(address), urlsplit(target)
    if before.scheme == "https" and after.scheme == "http":
        return target, f"the redirect to {shown(target)} drops encryption"
    if is_loopback(after.hostname or "") and not is_loopback(before.hostname or ""):
        return target, f"the redirect to {shown(target)} leads into this machine"
    return target, None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name; nothing is looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_neighbour(address: str) -> bool:
    """Whether a numeric address is of this machine or its own network, and of no server on the internet.

    >>> [is_neighbour(address) for address in ("127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254", "93.184.216.34")]
    [True, True, True, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return not (mapped or found).is_global


def shown(address: str) -> str:
    """An address for messages and records: without its query, which may be a signature, and without user names.

    Example:
        >>> shown("https://example.org/a.jpg?Signature=secret")
        'https://example.org/a.jpg'
    """
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme else address
