"""What cache entries hold, and whether it is still what was written: every byte is read again."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from skinlab.data import hashes
from skinlab.data.cache_entries import (
    AUDIT,
    CONTENTS,
    HASHES,
    IMAGES,
    NOTES,
    PHANTOM_TABLE,
    PHANTOMS,
    UNPACKED,
    Entry,
    remove,
)
from skinlab.errors import OutputError

_BLOCK = 64
_BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, OutputError)


@dataclass(frozen=True)
class Content:
    """What an entry is about.

    Attributes:
        images: how many images; None where that cannot be told.
        pixels: their width and height; None where there are none in it.
    """

    images: int | None = None
    pixels: int | None = None


Reader = Callable[[Path], Content]
Check = Callable[[Path], str | None]


def content(entry: Entry) -> Content:
    """What an entry is about, from its head alone; nothing of one that is damaged or of a kind that is not known."""
    readers: dict[str, Reader] = {
        IMAGES: _in_images,
        PHANTOMS: _in_phantoms,
        UNPACKED: lambda path: Content(_unpacked_files(path)),
        AUDIT: _in_audit,
        HASHES: lambda _path: Content(hashes.remembered()),
    }
    try:
        return readers[entry.kind](entry.path) if entry.kind in readers else Content()
    except (*_BROKEN, IndexError):
        return Content()


def _in_images(path: Path) -> Content:
    count, size, *_ = np.load(path, mmap_mode="r").shape
    return Content(count, size)


def _in_phantoms(path: Path) -> Content:
    files = _phantoms(path)
    with Image.open(files[0]) as image:
        return Content(len(files), image.width)


def _in_audit(path: Path) -> Content:
    with np.load(path) as stored:
        return Content(len(stored["brightness"]))


def _phantoms(path: Path) -> list[Path]:
    return sorted(path.glob("*.png"))


def damage(entry: Entry) -> str | None:
    """What is wrong with an entry, if anything; of a kind that is not known nothing is."""
    checks: dict[str, Check] = {
        IMAGES: _of_images,
        PHANTOMS: _of_phantoms,
        UNPACKED: _of_unpacked,
        AUDIT: _of_audit,
        HASHES: lambda _path: hashes.damage(),
    }
    try:
        found = checks[entry.kind](entry.path) if entry.kind in checks else None
    except _BROKEN as error:
        found = f"cannot be read: {' '.join(str(error).split()) or type(error).__name__}"
    return found if entry.path.exists() else None  # who has deleted it meanwhile has not damaged it


def clear(entry: Entry) -> bool:
    """Delete an entry, or empty the memory of hashes, which others may be writing to; False where it is in use."""
    if entry.kind == HASHES:
        hashes.forget()
        return True
    return remove(entry)


def _of_images(path: Path) -> str | None:
    expected = json.loads(path.with_suffix(NOTES).read_text(encoding="utf-8"))["sha256"]
    images = np.load(path, mmap_mode="r")
    digest = hashlib.sha256()
    for start in range(0, len(images), _BLOCK):
        digest.update(np.ascontiguousarray(images[start : start + _BLOCK]).data)
    return None if digest.hexdigest() == expected else "the pixels are not those that were written"


def _of_phantoms(path: Path) -> str | None:
    rows = (path / PHANTOM_TABLE).read_text(encoding="utf-8").splitlines()[1:]
    named, there = {row.partition(",")[0] for row in rows}, {file.stem for file in _phantoms(path)}
    if named - there:
        return f"{len(named - there)} of {len(named)} images are missing"
    for file in _phantoms(path):
        try:
            with Image.open(file, formats=("PNG",)) as image:
                image.verify()  # compares the checksum of every part
        except (OSError, SyntaxError) as error:
            return f"{file.name}: {error}"
    return None


def _unpacked_files(path: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(path / "files"))


def _of_unpacked(path: Path) -> str | None:
    named, there = int((path / CONTENTS).read_text(encoding="ascii")), _unpacked_files(path)
    return None if named == there else f"{named - there} of {named} files are missing"


def _of_audit(path: Path) -> str | None:
    with np.load(path) as stored:
        for name in stored.files:
            stored[name]  # reading compares with the archive's checksum
    return None
