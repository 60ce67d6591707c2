"""The keys of a service: read from a file, made, compared. They appear in no message and no log."""

import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from skinlab.errors import ConfigError

SHORTEST = 16
PRIVATE = 0o600
OTHERS = 0o077
"""The permissions of anybody but the owner."""
SCHEME = b"bearer "


class Keys:
    """Keys that a request may show.

    Args:
        keys: at least one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def allow(self, authorization: bytes | None) -> bool:
        """Whether the Authorization header is `Bearer KEY`; takes the same time for each wrong key of a length."""
        if authorization is None or authorization[: len(SCHEME)].lower() != SCHEME:
            return False
        shown = authorization[len(SCHEME) :].strip()
        return any([hmac.compare_digest(shown, key) for key in self._keys])  # noqa: C419 - every key is compared


def read(path: Path) -> list[str]:
    """The keys in a file, one a line; empty lines and lines that begin with # are left out.

    Raises:
        ConfigError: it cannot be read, others may read it, it holds none, or one that is too short.
    """
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the key file {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if mode & OTHERS:
        raise ConfigError(f"the key file {path} can be read by others: chmod 600 {path}")
    return checked([line.strip() for line in text.splitlines()], str(path))


def checked(lines: Sequence[str], where: str) -> list[str]:
    """Keys without what is none.

    Raises:
        ConfigError: none is left, or one is too short or has characters that no header can hold.
    """
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ConfigError(f"{where} holds no key: write one a line, at least {SHORTEST} characters each")
    if any(len(key) < SHORTEST or not key.isascii() or not key.isprintable() or " " in key for key in keys):
        raise ConfigError(f"{where}: a key needs at least {SHORTEST} printable ASCII characters without blanks")
    return keys


def write(path: Path, keys: Sequence[str]) -> None:
    """Write a key file that its owner alone can read, from its first byte on."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "w") as file:
        file.write("".join(f"{key}\n" for key in keys))
    temporary.replace(path)


def made() -> str:
    """A new key."""
    return secrets.token_urlsafe(32)
