"""Which image files a user means by files, folders and `-`, in the order given. Reads no image."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from skinlab.data.sources.files import find_images
from skinlab.errors import DataError

STANDARD_INPUT = "-"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Given:
    """A file that was asked for.

    Attributes:
        row: its place in the order, from 1.
        path: as it was named; of a folder's file, the folder as named and what follows.
        problem: why there is nothing to read: a folder without images; empty where there may be.
    """

    row: int
    path: str
    problem: str = ""


def given(words: Sequence[str], lines: BinaryIO) -> Iterator[Given]:
    """The files: those named, those in named folders sorted by path, and for `-` those that the lines name.

    Args:
        words: what was typed.
        lines: a path a line, where `-` was typed; read as far as they are asked for.
    """
    named = (named for name in _names(words, lines) for named in _below(name))
    yield from (Given(row, path, problem) for row, (path, problem) in enumerate(named, start=1))


def _names(words: Sequence[str], lines: BinaryIO) -> Iterator[str]:
    for word in words:
        if word != STANDARD_INPUT:
            yield word
        else:
            yield from (os.fsdecode(name) for line in lines if (name := line.rstrip(b"\r\n")))


def _below(name: str) -> Iterator[tuple[str, str]]:
    """A file, or the images below a folder, each with what is wrong; what is not there is left to whoever reads it."""
    if not Path(name).is_dir():
        yield name, ""
        return
    try:
        found, aside = find_images(Path(name))
    except DataError as error:
        yield name, str(error)
        return
    if not found and not aside.pictures:
        yield name, "no images in this folder"
    pictures = dict.fromkeys(aside.pictures, "a picture in a format that is not read")
    yield from ((str(Path(name) / path), pictures.get(path, "")) for path in sorted([*found, *pictures]))
    if aside.kinds:
        _log.warning("%s: files that are not read: %s", name, aside)
