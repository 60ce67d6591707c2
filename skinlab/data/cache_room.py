"""Keeps the cache folder below the size that the user's settings allow: what was not used for longest goes first.

What a running process uses stays, and so does the memory of file hashes, which is small and saves reading every file.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from skinlab import paths, settings
from skinlab.data import locks
from skinlab.data.cache_entries import ARRAY, HASHES, IMAGES, entries, remove, used_bytes
from skinlab.data.storage import TEMPORARY
from skinlab.errors import OutputError

_log = logging.getLogger(__name__)


def make_room(size: int) -> None:
    """Delete from the cache until `size` bytes more fit.

    Raises:
        OutputError: they do not fit, whatever is deleted.
        OSError: the cache folder cannot be written.
    """
    _check(size)
    with locks.alone(_lock()):
        _evict(size)


@contextlib.contextmanager
def reserved(path: Path, size: int) -> Iterator[BinaryIO]:
    """Make room, and in it a new file of `size` bytes to write into, so that other processes see the room as taken.

    The file is in use until the block ends.

    Raises:
        OutputError: it does not fit, whatever is deleted.
        OSError: the cache folder cannot be written.
    """
    _check(size)
    with contextlib.ExitStack() as opened:
        with locks.alone(_lock()):
            _remove_abandoned(path.parent)
            _evict(size)
            stream = opened.enter_context(path.open("xb"))
            locks.share(stream.fileno(), path)
            os.truncate(stream.fileno(), size)
        yield stream


def _lock() -> Path:
    """The file that whoever makes room locks, so that two do not count on the same bytes."""
    return paths.cache() / ".lock"


def _check(size: int) -> None:
    cap = settings.cache_bytes()
    if size > cap:
        raise OutputError(
            f"{gigabytes(size)} are needed in the cache folder {paths.cache()}, which may hold {gigabytes(cap)}: "
            + settings.cache_advice()
        )


def _evict(size: int) -> None:
    cap = settings.cache_bytes()
    excess = used_bytes() + size - cap
    for entry in entries() if excess > 0 else []:
        if excess > 0 and entry.kind != HASHES and remove(entry):
            excess -= entry.size
            day = datetime.fromtimestamp(entry.last_use, UTC).date()
            _log.info(
                "deleted from the cache to make room: %s, %s, last used %s", entry.path, gigabytes(entry.size), day
            )
    if excess > 0:
        raise OutputError(
            f"{gigabytes(size)} more do not fit into the cache folder {paths.cache()}, which may hold "
            f"{gigabytes(cap)} and is in use by running processes: wait for them, or {settings.cache_advice()}"
        )


def _remove_abandoned(folder: Path) -> None:
    """Delete the reserved files of processes that were killed; those of living ones are locked from the start."""
    if folder.name != IMAGES:
        return
    for path in folder.glob(f"{TEMPORARY}{ARRAY.removeprefix('.')}-*"):
        with contextlib.suppress(FileNotFoundError), locks.unused(path) as free:
            if free:
                path.unlink()


def gigabytes(size: int) -> str:
    """A size in words.

    >>> gigabytes(1_234_000_000), gigabytes(56_000)
    ('1.23 GB', '0.06 MB')
    """
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.2f} MB"  # noqa: PLR2004 - where MB get long
