"""Was a directory made by this user on this machine? What a record says of itself anybody can write.

Each time skinlab writes the record of a run or sweep, it adds a mark: an HMAC of the record, of the path of the
directory and of its number in the file system, by a secret key in the user's home. A copy, an archive, a moved
directory or a record that somebody changed has no good mark. Such a run opens, lists, compares and evaluates; what
goes further asks for `--trust`.
"""

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from skinlab import paths, schema
from skinlab.errors import ConfigError

MARK = "mark"
_KEY_BYTES = 32


def marked(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with this user's mark, as the last key; null where no key can be kept.

    Args:
        folder: the directory that the record is of.
        record: all that is to be believed of it, JSON-able.
    """
    plain = _plain(record)
    key = _key(make=True)
    return plain | {MARK: None if key is None else _mark(key, folder, plain)}


def is_own(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether this user's skinlab wrote the record, in this very directory."""
    key, found = _key(make=False), record.get(MARK)
    if key is None or not isinstance(found, str):
        return False
    try:
        return hmac.compare_digest(found.encode(), _mark(key, folder, _plain(record)).encode())
    except OSError:
        return False


def require(owned: bool, trusted: bool, path: Path, consequence: str) -> None:
    """Refuse to go on with what is foreign, unless the user said so.

    Args:
        owned: see `is_own`.
        trusted: whether `--trust` was given.
        path: of the run, sweep or bundle.
        consequence: what would happen, e.g. "resuming it reads images".

    Raises:
        ConfigError: it is foreign, and not trusted.
    """
    if not (owned or trusted):
        raise ConfigError(
            f"{path} was not made here by you, or was changed since: {consequence}; look at it, then say --trust"
        )


def resuming(config: schema.Config) -> str:
    """What resuming a run of this declaration does besides computing."""
    images = getattr(config.dataset, "path", None) or f"dataset={config.dataset.name}"
    weights = "" if config.network.weights in ("none", "imagenet") else f", reads the weights {config.network.weights}"
    sinks = [sink.uri for sink in (config.tracking.mlflow, config.tracking.azureml) if sink is not None and sink.uri]
    reports = f", and reports to {' and '.join(sinks)} with your credentials" if sinks else ""
    return f"resuming it reads the images of {images}{weights}{reports}"


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != MARK}


def _mark(key: bytes, folder: Path, record: Mapping[str, Any]) -> str:
    place = folder.resolve()
    text = json.dumps([str(place), place.stat().st_ino, record], sort_keys=True)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _key(*, make: bool) -> bytes | None:
    """The secret of this user; None where there is none, or others can read or write it."""
    file = paths.home() / f"trust-{os.getuid()}.key"
    try:
        return _read(file)
    except FileNotFoundError:
        if not make:
            return None
    except OSError:
        return None
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_once(file)
        return _read(file)
    return None


def _read(file: Path) -> bytes | None:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        own = stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()
        key = os.read(descriptor, _KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    return key if own and not found.st_mode & 0o077 and len(key) == _KEY_BYTES else None


def _write_once(file: Path) -> None:
    """Write a new key; of several processes the first wins, and no one sees half of it."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_KEY_BYTES))
        os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        os.close(descriptor)
        temporary.unlink()
