"""Which image file a value of a table means. Files are known by name only; their content is not looked at."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from skinlab.data.sources.columns import Columns
from skinlab.data.sources.files import without_extension
from skinlab.data.wording import listed
from skinlab.errors import DataError

_log = logging.getLogger(__name__)


def match_images(table: Columns, values: Sequence[str], root: Path, found: Sequence[str]) -> list[str]:
    """The file of each row; each file once.

    An image is found by its path below `root`, with or without extension, or by its bare name anywhere below `root` if
    only one file has it. Images that no row names are said in the log.

    Args:
        table: for messages.
        values: of each row, the path or name of its image.
        root: the folder of images, for messages.
        found: its image files, relative to it.

    Returns:
        For each row a member of `found`.

    Raises:
        DataError: a path that leaves `root`, rows without image, names of several files, an image in two rows.
    """
    names = _inside_root(table, values, root)
    index = _Index(found)
    files = [index.files(name) for name in names]
    if missing := [name or "(empty)" for name, matches in zip(names, files, strict=True) if not matches]:
        raise DataError(f"{table.path}: {len(missing)} rows have no image in {root}: {listed(missing)}")
    if unclear := [name for name, matches in zip(names, files, strict=True) if len(matches) > 1]:
        example = ", ".join(index.files(unclear[0])[:2])
        raise DataError(
            f"{table.path}: {len(unclear)} names fit several files in {root}: {listed(unclear)} ({example})"
        )
    matched = [matches[0] for matches in files]
    if twice := [name for name, count in Counter(matched).items() if count > 1]:
        raise DataError(f"{table.path}: {len(twice)} images are in more than one row: {listed(sorted(twice))}")
    _tell_unlisted(table, root, found, matched)
    return matched


def _tell_unlisted(table: Columns, root: Path, found: Sequence[str], matched: Sequence[str]) -> None:
    if len(matched) == len(found):
        return
    named = set(matched)
    unlisted = [path for path in found if path not in named]
    _log.warning("%s: %d images in %s have no row: %s", table.path, len(unlisted), root, listed(unlisted))


def _inside_root(table: Columns, values: Sequence[str], root: Path) -> list[str]:
    """The values as paths relative to `root`; those that lead out of it are refused."""
    absolute = root.absolute()
    names = [_relative(value, absolute) for value in values]
    outside = [f"{values[i]} (line {table.lines[i]})" for i, name in enumerate(names) if name is None]
    if outside:
        raise DataError(
            f"{table.path}: {len(outside)} rows lead out of the image folder {root}: {listed(outside)}; "
            "correct them, or set the folder that images are relative to"
        )
    return [name for name in names if name is not None]


def _relative(value: str, root: Path) -> str | None:
    """The value as a path relative to `root`; None where it leads out."""
    if "/" not in value and "\\" not in value and value != "..":
        return value  # a bare name, as most are: no Path object for each of a million
    path = PurePath(value)
    if path.is_absolute() and path.is_relative_to(root):
        path = path.relative_to(root)
    return None if path.is_absolute() or ".." in path.parts else path.as_posix()


class _Index:
    """Image files by relative path, by relative path without extension, and by bare name."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = set(paths)
        self._by_stem: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            stem = without_extension(path)
            self._by_stem.setdefault(stem, []).append(path)
            if "/" not in path:
                continue  # its bare name is its path
            for name in (path.rpartition("/")[2], stem.rpartition("/")[2]):
                self._by_name.setdefault(name, []).append(path)

    def files(self, value: str) -> list[str]:
        """The files that a value of the table may mean; the closest kind of match wins."""
        if value in self._paths:
            return [value]
        return self._by_stem.get(value) or self._by_name.get(value) or []
