"""What lies in the cache folder: which entries, how large, when last used, whether in use; and how one is deleted.

An entry is a file or folder one level below the cache folder (decoded images have a second file, their notes), or the
memory of file hashes. What is in it, `skinlab.data.cache_contents` knows.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skinlab import paths
from skinlab.data import locks
from skinlab.data.storage import TEMPORARY, remove_folder

IMAGES, PHANTOMS, UNPACKED, AUDIT, THUMBNAILS, HASHES = (
    "images",
    "synthetic",
    "unpacked",
    "audit",
    "thumbnails",
    "hashes.sqlite",
)
"""Names in the cache folder, and so kinds of entries. Other folders there are entries' too."""

ARRAY, NOTES = ".npy", ".json"
PHANTOM_TABLE = "phantoms.csv"
CONTENTS = "contents.txt"
"""Of unpacked files: how many there are."""


@dataclass(frozen=True)
class Entry:
    """Something in the cache that is kept or deleted as a whole.

    Attributes:
        kind: name of its folder in the cache folder; `HASHES` for the memory of file hashes.
        path: the file or folder.
        size: bytes.
        last_use: seconds since 1970.
    """

    kind: str
    path: Path
    size: int
    last_use: float

    @property
    def in_use(self) -> bool:
        """Whether a running process uses it now."""
        try:
            with locks.unused(_locked(self)) as free:
                return not free
        except FileNotFoundError:
            return False


def entries() -> list[Entry]:
    """All entries, the one that was not used for longest first. Takes no lock, and writes nothing."""
    found = [entry for kind, path in _paths() if (entry := _entry(kind, path)) is not None]
    return sorted(found, key=lambda entry: (entry.last_use, entry.path))


def used_bytes() -> int:
    """Bytes of everything in the cache folder, what is being written included."""
    return _size(paths.cache())


def remove(entry: Entry) -> bool:
    """Delete an entry, unless a running process uses it; tells whether it is gone.

    The memory of hashes only where it is damaged: that it is in use cannot be seen.
    """
    try:
        with locks.unused(_locked(entry)) as free:
            if not free:
                return False
            if entry.path.is_dir():
                remove_folder(entry.path)
            else:
                entry.path.unlink(missing_ok=True)
                entry.path.with_suffix(NOTES).unlink(missing_ok=True)
    except FileNotFoundError:
        return True
    return True


def touch(path: Path) -> None:
    """Note that an entry is used now. In a cache that may only be read nothing is deleted either, so it may fail."""
    with contextlib.suppress(OSError):
        os.utime(path)


def _paths() -> Iterator[tuple[str, Path]]:
    root = paths.cache()
    if (root / HASHES).is_file():
        yield HASHES, root / HASHES
    for folder in _children(root):
        if folder.is_dir():
            names = _children(folder)
            arrays = {child.stem for child in names if child.suffix == ARRAY}
            yield from (
                (folder.name, child)
                for child in names
                if not (child.suffix == NOTES and (child.stem in arrays or folder.name == IMAGES))
            )


def _children(folder: Path) -> list[Path]:
    try:
        return [child for child in folder.iterdir() if not child.name.startswith(TEMPORARY)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _entry(kind: str, path: Path) -> Entry | None:
    notes = path.with_suffix(NOTES)
    try:
        size = _size(path) + (notes.stat().st_size if path.suffix == ARRAY and notes.exists() else 0)
        return Entry(kind, path, size, path.stat().st_mtime)
    except FileNotFoundError:  # deleted meanwhile
        return None


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; of those that are there still when it is their turn."""
    total, waiting = 0, [path]
    while waiting:
        with contextlib.suppress(FileNotFoundError):
            here = waiting.pop()
            if not here.is_dir():
                total += here.stat().st_size
                continue
            with os.scandir(here) as inside:
                for item in inside:
                    if item.is_dir(follow_symlinks=False):
                        waiting.append(Path(item))
                    else:
                        total += item.stat(follow_symlinks=False).st_size
    return total


def _locked(entry: Entry) -> Path:
    """The file that users of an entry lock: network file systems lock no folders."""
    inside = (entry.path / PHANTOM_TABLE, entry.path / CONTENTS)
    return next((file for file in inside if file.is_file()), entry.path)
