"""SHA-256 of source files, remembered so that a second run only asks the file system for sizes and times.

Remembered in one SQLite file of the cache folder, by absolute path, size and modification time.
"""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from skinlab import paths
from skinlab.data.cache_entries import HASHES, touch
from skinlab.data.images import ImageError, read_bytes
from skinlab.data.parallel import usable_cpus
from skinlab.data.storage import cache_access
from skinlab.errors import OutputError
from skinlab.paths import HOME_VARIABLE

_BLOCK = 512
_SETTLED_NS = 2_000_000_000
_CREATE = """CREATE TABLE IF NOT EXISTS files
    (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL) WITHOUT ROWID"""
_SELECT = "SELECT sha256 FROM files WHERE path = ? AND size = ? AND mtime_ns = ?"
_INSERT = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)"

State = tuple[str, int, int]
"""A file as it was: absolute path, size in bytes, modification time in ns."""


def memory_path() -> Path:
    """The file that remembers hashes."""
    return paths.cache() / HASHES


def sha256_of_files(
    files: Sequence[str], report: Callable[[int, int], None] | None = None
) -> tuple[list[str | None], list[tuple[int, str]]]:
    """The SHA-256 of each file.

    Args:
        files: absolute paths.
        report: called with (files done, files to read) while files are read; not called when all are remembered.

    Returns:
        The hashes in hex, None for a file that cannot be read; and (row, reason) for each of those.

    Raises:
        OutputError: the hashes cannot be remembered because the cache folder cannot be written.
    """
    states = [_state(file) for file in files]
    with _memory() as memory:
        touch(memory_path())
        hashes = [None if state is None else _recall(memory, state) for state in states]
        unknown = [row for row, digest in enumerate(hashes) if digest is None]
        problems: list[tuple[int, str]] = []
        for row, digest, reason in _hashed(files, unknown, report):
            hashes[row] = digest
            if digest is None:
                problems.append((row, reason))
        _remember(memory, [(states[row], hashes[row]) for row in unknown])
    return hashes, problems


def remembered() -> int:
    """How many files' hashes are remembered.

    Raises:
        OutputError: the memory cannot be read, or is damaged.
    """
    with _memory() as memory:
        return int(memory.execute("SELECT count(*) FROM files").fetchone()[0])


def forget() -> None:
    """Empty the memory. It is not deleted: another process may be writing to it.

    Raises:
        OutputError: it cannot be written.
    """
    with _memory() as memory:
        with memory:
            memory.execute("DELETE FROM files")
        memory.execute("VACUUM")


def damage() -> str | None:
    """What is wrong with the memory, if anything."""
    try:
        with contextlib.closing(sqlite3.connect(memory_path(), timeout=60)) as memory:
            found = str(memory.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else found


def _state(file: str) -> State | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None  # reading it gives the reason
    return file, found.st_size, found.st_mtime_ns


def _hashed(
    files: Sequence[str], rows: Sequence[int], report: Callable[[int, int], None] | None
) -> Iterator[tuple[int, str | None, str]]:
    """(row, hash or None, reason) for these rows, in their order."""
    with ThreadPoolExecutor(usable_cpus()) as pool:
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            for row, (digest, reason) in zip(block, pool.map(_hash, [files[row] for row in block]), strict=True):
                yield row, digest, reason
            if report is not None:
                report(start + len(block), len(rows))


def _hash(file: str) -> tuple[str | None, str]:
    try:
        return hashlib.sha256(read_bytes(file)).hexdigest(), ""
    except ImageError as error:
        return None, str(error)


@contextlib.contextmanager
def _memory() -> Iterator[sqlite3.Connection]:
    """The open memory."""
    path = memory_path()
    with cache_access(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.closing(_open(path)) as memory:
            yield memory
    except sqlite3.OperationalError as error:  # no permission, a full disk, locked for a minute
        raise OutputError(
            f"cannot use {path}: {error}; free space there, or set {HOME_VARIABLE} to a folder that can be written"
        ) from error
    except sqlite3.DatabaseError as error:
        raise OutputError(f"{path} is damaged ({error}): delete it, it will be made again") from error


def _open(path: Path) -> sqlite3.Connection:
    """A connection; what is not a database at all is thrown away, it only saves time."""
    try:
        return _connect(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    memory = sqlite3.connect(path, timeout=60)
    try:
        memory.execute(_CREATE)
    except sqlite3.Error:
        memory.close()
        raise
    return memory


def _recall(memory: sqlite3.Connection, state: State) -> str | None:
    found = memory.execute(_SELECT, state).fetchone()
    return None if found is None else str(found[0])


def _remember(memory: sqlite3.Connection, files: Sequence[tuple[State | None, str | None]]) -> None:
    """Notes new hashes, but not of a file changed a moment ago: a second change might leave its size and time alone."""
    settled = time.time_ns() - _SETTLED_NS
    rows = [
        (*state, digest) for state, digest in files if state is not None and digest is not None and state[2] < settled
    ]
    if rows:
        with memory:
            memory.executemany(_INSERT, rows)
