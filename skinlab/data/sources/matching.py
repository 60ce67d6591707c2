"""Which image file a value of a table means. Files are known by name only; their content is not looked at."""

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import NoReturn

from skinlab.data.manifest import GIVEN_SPLIT, WITHOUT_ROW, Manifest
from skinlab.data.sources.columns import Columns
from skinlab.data.sources.files import absolute, extension, find_images, image_ids, is_image, without_extension
from skinlab.data.sources.unpacked import folder_of
from skinlab.data.spellings import composed
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import DatasetBase

_log = logging.getLogger(__name__)


def manifest_of(
    table: Columns,
    values: Sequence[str],
    root: Path,
    dataset: DatasetBase,
    *,
    labels: Sequence[str],
    groups: Sequence[str | None],
    attributes: Mapping[str, Sequence[str]],
    subsets: Sequence[str] | None = None,
    named_by_file: bool = False,
    any_case: bool = False,
) -> Manifest:
    """The images below `root` that a table's rows name.

    Args:
        table: for messages.
        values: of each row, the path or name of its image.
        root: the folder of images, or an archive of it.
        dataset: what becomes of rows without an image.
        labels: of each row.
        groups: of each row.
        attributes: further columns.
        subsets: of each row, its subset in the split that the data set comes with; None: it comes with none.
        named_by_file: image ids come from the files, not from `values`.
        any_case: a name in another case is the file's, where no other file is.

    Raises:
        DataError: see `match_images`.
    """
    folder = folder_of(root)
    found, aside = find_images(folder)
    matched = match_images(table, values, root, found, any_case=any_case)
    manifest = of_files(
        table,
        matched,
        folder,
        str(root),
        dataset,
        labels=labels,
        groups=groups,
        attributes=attributes,
        subsets=subsets,
        ids=None if named_by_file else values,
    )
    kinds = {**aside.kinds, WITHOUT_ROW: len(found) - len(manifest)}
    return replace(manifest, left_aside=replace(aside, kinds={kind: count for kind, count in kinds.items() if count}))


def of_files(
    table: Columns,
    matched: "Matched",
    folder: Path,
    where: str,
    dataset: DatasetBase,
    *,
    labels: Sequence[str],
    groups: Sequence[str | None],
    attributes: Mapping[str, Sequence[str]],
    subsets: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
) -> Manifest:
    """The images of the rows that have a file.

    Args:
        table: for messages.
        matched: the file of each row.
        folder: what the files are relative to.
        where: images were looked for, for messages.
        dataset: what becomes of rows without an image.
        labels: of each row.
        groups: of each row.
        attributes: further columns.
        subsets: of each row, as for `manifest_of`.
        ids: of each row, what its image is named by; None: by its file.

    Raises:
        DataError: rows have no image, and that is refused.
    """
    if matched.without and dataset.on_missing == "fail":
        raise DataError(
            f"{table.path}: {len(matched.without)} rows have no image in {where}: {listed(matched.without)}; correct "
            "them, or set dataset.on_missing=drop"
        )
    rows = [row for row, file in enumerate(matched.files) if file is not None]
    files = [file for file in matched.files if file is not None]
    columns = attributes if subsets is None else {**attributes, GIVEN_SPLIT: subsets}
    return Manifest(
        image_ids=image_ids(files if ids is None else [ids[row] for row in rows]),
        paths=[absolute(folder, file) for file in files],
        labels=[labels[row] for row in rows],
        groups=[groups[row] for row in rows],
        attributes={name: [column[row] for row in rows] for name, column in columns.items()},
        given_split=subsets is not None,
        without_image=matched.without,
    ).by_id()


@dataclass(frozen=True)
class Matched:
    """Which file each row of a table means.

    Attributes:
        files: the file of each row; None where there is none.
        without: what the rows without a file call it, each with the nearest file there is.
    """

    files: Sequence[str | None]
    without: Sequence[str]


def match_images(
    table: Columns, values: Sequence[str], root: Path, found: Sequence[str], *, any_case: bool = False
) -> Matched:
    """The file of each row; each file once.

    An image is found by its path below `root`, with or without extension, or by its bare name anywhere below `root` if
    only one file has it; in whatever Unicode form its letters are. Images that no row names are said in the log.

    Args:
        table: for messages.
        values: of each row, the path or name of its image.
        root: the folder of images, for messages.
        found: its image files, relative to it.
        any_case: names may be in another case than the files.

    Raises:
        DataError: a path that leaves `root`, names of several files, an image in two rows.
    """
    names = _inside_root(table, values, root)
    files, several = _resolve(names, found, any_case=any_case)
    if several:
        _refuse(table, root, several)
    missing = [name for name, file in zip(names, files, strict=True) if file is None]
    matched = [file for file in files if file is not None]
    if twice := [name for name, count in Counter(matched).items() if count > 1]:
        raise DataError(f"{table.path}: {len(twice)} images are in more than one row: {listed(sorted(twice))}")
    _tell_unlisted(table, root, found, matched)
    return Matched(files, _with_near(missing, found) if missing else ())


def _refuse(table: Columns, root: Path, several: Mapping[str, Sequence[str]]) -> NoReturn:
    """Says which names mean more than one file."""
    names = list(several)
    example = ", ".join(several[names[0]][:2])
    raise DataError(f"{table.path}: {len(names)} names fit several files in {root}: {listed(names)} ({example})")


def _with_near(names: Sequence[str], found: Sequence[str]) -> list[str]:
    """Each name with a file that it may have meant, and in what the two differ."""
    near: dict[str, str] = {}
    for path in found:
        near.setdefault(_loose(path), path)
    return [
        (name or "(empty)")
        + (f" (there is {file}: {_difference(name, file)})" if (file := near.get(_loose(name))) else "")
        for name in names
    ]


def _loose(name: str) -> str:
    """Equal for names of one file but for folders, case, extension, kind of slash and leading zeros."""
    bare = composed(name).replace("\\", "/").rpartition("/")[2].casefold()
    return re.sub(r"(?<!\d)0+(?=\d)", "", without_extension(bare))


def _difference(name: str, file: str) -> str:
    r"""In what a name differs from the nearest file.

    >>> _difference("a.JPG", "a.jpg"), _difference("7", "x/007.png"), _difference("x\\a.jpg", "x/a.jpg")
    ('another case', 'lost zeros', 'another slash')
    """
    if "\\" in name:
        return "another slash"
    bare, near = name.rpartition("/")[2], file.rpartition("/")[2]
    if without_extension(bare.casefold()) == without_extension(near.casefold()):
        if extension(bare) != extension(near) and is_image(bare):
            return "another extension"
        return "another folder" if bare in (near, without_extension(near)) else "another case"
    return "lost zeros"


def _tell_unlisted(table: Columns, root: Path, found: Sequence[str], matched: Sequence[str]) -> None:
    if len(matched) == len(found):
        return
    named = set(matched)
    unlisted = [path for path in found if path not in named]
    _log.warning("%s: %d images in %s have no row: %s", table.path, len(unlisted), root, listed(unlisted))


def _inside_root(table: Columns, values: Sequence[str], root: Path) -> list[str]:
    """The values as paths relative to `root`, composed; those that lead out of it are refused."""
    top = root.absolute()
    names = [_relative(value, top) for value in values]
    outside = [f"{values[i]} (line {table.lines[i]})" for i, name in enumerate(names) if name is None]
    if outside:
        raise DataError(
            f"{table.path}: {len(outside)} rows lead out of the image folder {root}: {listed(outside)}; "
            "correct them, or set the folder that images are relative to"
        )
    return [composed(name) for name in names if name is not None]


def _relative(value: str, root: Path) -> str | None:
    """The value as a path relative to `root`; None where it leads out."""
    if "/" not in value and "\\" not in value and value != "..":
        return value  # a bare name, as most are: no Path object for each of a million
    path = PurePath(value)
    if path.is_absolute() and path.is_relative_to(root):
        path = path.relative_to(root)
    return None if path.is_absolute() or ".." in path.parts else path.as_posix()


def _resolve(
    names: Sequence[str], found: Sequence[str], *, any_case: bool
) -> tuple[list[str | None], dict[str, list[str]]]:
    """The one file that each name means, the closest kind of match first; and the files of names that mean several."""
    files: list[str | None] = [None] * len(names)
    several: dict[str, list[str]] = {}
    same_case = [(kind, str) for kind in (_path, _stem, _bare_names)]
    for kind, fold in same_case + [(kind, str.casefold) for kind, _ in same_case] * any_case:
        keys = [
            None if file is not None or name in several else fold(name) for name, file in zip(names, files, strict=True)
        ]
        wanted = {key for key in keys if key is not None and key not in several}
        if not wanted:
            break
        one: dict[str, str] = {}
        for path in found:
            for name in kind(fold(composed(path))):
                if name in wanted and one.setdefault(name, path) != path:
                    several.setdefault(name, [one[name]]).append(path)
        files = [file if key is None or key in several else one.get(key) for key, file in zip(keys, files, strict=True)]
    return files, several


def _path(path: str) -> tuple[str]:
    return (path,)


def _stem(path: str) -> tuple[str]:
    return (without_extension(path),)


def _bare_names(path: str) -> tuple[str, str]:
    """With and without extension, without folders."""
    name = path.rpartition("/")[2]
    return name, without_extension(name)
