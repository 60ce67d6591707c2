"""Which image files a user means by files, folders and `-`, in the order given. Reads no image."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from skinlab.data.sources.files import find_images
from skinlab.errors import DataError

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Given:
    """A file that was asked for.

    Attributes:
        path: as it was named; of a folder's file, the folder as named and what follows.
        problem: why there is nothing to read: a folder without images; empty where there may be.
    """

    path: str
    problem: str = ""


def given(words: Sequence[str], lines: BinaryIO) -> Iterator[Given]:
    """The files: those named, those in named folders sorted by path, and for `-` those that the lines name.

    Args:
        words: what was typed.
        lines: a path a line, where `-` was typed; read as far as they are asked for.
    """
    for word in words:
        if word != STANDARD_INPUT:
            yield from _named(word)
            continue
        for line in lines:
            if name := os.fsdecode(line.rstrip(b"\r\n")):
                yield from _named(name)


def _named(name: str) -> Iterator[Given]:
    """A file, or the images below a folder; also what is not there, for whoever reads it to say so."""
    if not Path(name).is_dir():
        yield Given(name)
        return
    try:
        found, _ = find_images(Path(name))
    except DataError as error:
        yield Given(name, str(error))
        return
    if not found:
        yield Given(name, "no images in this folder")
    for relative in found:
        yield Given(str(Path(name) / relative))
