"""Which image file a value of a table means. Files are known by name only; their content is not looked at."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import NoReturn

from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import Columns
from skinlab.data.sources.files import absolute, find_images, image_ids, without_extension
from skinlab.data.wording import listed
from skinlab.errors import DataError

_log = logging.getLogger(__name__)


def manifest_of(
    table: Columns,
    values: Sequence[str],
    root: Path,
    *,
    labels: Sequence[str],
    groups: Sequence[str | None],
    attributes: Mapping[str, Sequence[str]],
    named_by_file: bool = False,
) -> Manifest:
    """The images below `root` that a table's rows name.

    Args:
        table: for messages.
        values: of each row, the path or name of its image.
        root: the folder of images.
        labels: of each row.
        groups: of each row.
        attributes: further columns.
        named_by_file: image ids come from the files, not from `values`.

    Raises:
        DataError: see `match_images`.
    """
    found, others = find_images(root)
    files = match_images(table, values, root, found)
    return Manifest(
        image_ids=image_ids(files) if named_by_file else values,
        paths=[absolute(root, file) for file in files],
        labels=labels,
        groups=groups,
        attributes=dict(attributes),
        ignored_files=others + len(found) - len(files),
    ).by_id()


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
    files, several = _resolve(names, found)
    if None in files:
        _refuse(table, root, several, [name for name, file in zip(names, files, strict=True) if file is None])
    matched = [file for file in files if file is not None]
    if twice := [name for name, count in Counter(matched).items() if count > 1]:
        raise DataError(f"{table.path}: {len(twice)} images are in more than one row: {listed(sorted(twice))}")
    _tell_unlisted(table, root, found, matched)
    return matched


def _refuse(table: Columns, root: Path, several: Mapping[str, Sequence[str]], names: Sequence[str]) -> NoReturn:
    """Says what is wrong with the names that are not of exactly one file."""
    if missing := [name or "(empty)" for name in names if name not in several]:
        raise DataError(f"{table.path}: {len(missing)} rows have no image in {root}: {listed(missing)}")
    example = ", ".join(several[names[0]][:2])
    raise DataError(f"{table.path}: {len(names)} names fit several files in {root}: {listed(names)} ({example})")


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


def _resolve(names: Sequence[str], found: Sequence[str]) -> tuple[list[str | None], dict[str, list[str]]]:
    """The one file that each name means, the closest kind of match first; and the files of names that mean several."""
    files: list[str | None] = [None] * len(names)
    several: dict[str, list[str]] = {}
    for kind in (_path, _stem, _bare_names):
        wanted = {name for name, file in zip(names, files, strict=True) if file is None and name not in several}
        if not wanted:
            break
        one: dict[str, str] = {}
        for path in found:
            for name in kind(path):
                if name in wanted and one.setdefault(name, path) != path:
                    several.setdefault(name, [one[name]]).append(path)
        files = [
            file if file is not None or name in several else one.get(name)
            for name, file in zip(names, files, strict=True)
        ]
    return files, several


def _path(path: str) -> tuple[str]:
    return (path,)


def _stem(path: str) -> tuple[str]:
    return (without_extension(path),)


def _bare_names(path: str) -> tuple[str, str]:
    """With and without extension, without folders."""
    name = path.rpartition("/")[2]
    return name, without_extension(name)
