"""Who uses which cache entry: its users hold a shared lock on it (flock), whoever deletes it holds the exclusive one.

A lock belongs to an open file; it goes when the last descriptor is closed or the process ends, however that happens.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)
_held: dict[Path, int] = {}


def share(file: int, path: Path) -> bool:
    """Take the shared lock on an open file; False where `path` is another file by now, or none."""
    fcntl.flock(file, fcntl.LOCK_SH)
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def hold(path: Path) -> bool:
    """Keep a file from being deleted with its entry until this process ends; False where there is none."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    if not share(file, path):
        os.close(file)
        return False
    if path in _held:
        os.close(_held.pop(path))
    _held[path] = file
    return True


@contextlib.contextmanager
def unused(path: Path) -> Iterator[bool]:
    """Whether nobody uses a file; while the block runs, nobody can begin to."""
    file = _opened(path)
    try:
        yield _exclusive(file)
    finally:
        os.close(file)


@contextlib.contextmanager
def alone(file: Path, waiting: str = "") -> Iterator[None]:
    """Wait until no other process is in such a block for this file, which is made if it is not there.

    Args:
        file: an empty file; it may be deleted inside the block by who can bear that a third process does not wait.
        waiting: what to log if there is something to wait for.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _exclusive(opened):
            if waiting:
                _log.info("%s", waiting)
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _opened(path: Path) -> int:
    """Open for writing, without which network file systems give no exclusive lock; for reading where that is denied."""
    if path.is_dir() or not os.access(path, os.W_OK):
        return os.open(path, os.O_RDONLY)
    return os.open(path, os.O_RDWR)


def _exclusive(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
