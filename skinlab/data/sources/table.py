"""A CSV file with one row per image, and the folder of its images."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import TextIO

from skinlab.data.manifest import Manifest
from skinlab.data.sources.files import absolute, find_images, image_ids, without_extension
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError
from skinlab.schema import TableDataset


@dataclass(frozen=True)
class _Table:
    """A CSV file by column; `lines` are line numbers for messages."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]


def load(dataset: TableDataset) -> Manifest:
    """The images that the table names, with all its further columns as attributes.

    An image is found by its path below `image_root`, with or without extension, or by its bare name anywhere below
    `image_root` if only one file has it.

    Raises:
        DataError: no such table or folder, missing columns, rows without label or image, an image in two rows, a path
            that leaves `image_root`.
    """
    table = _read(Path(dataset.path).expanduser())
    _check_columns(table, dataset)
    root = Path(dataset.image_root).expanduser() if dataset.image_root is not None else table.path.parent
    found, others = find_images(root)
    files = _resolve(table, dataset.image_column, root, found)
    labels = _labels(table, dataset.label_column)
    names = image_ids(files)
    rows = sorted(range(len(names)), key=names.__getitem__)
    taken = {dataset.image_column, dataset.label_column, dataset.group_column}
    further = {name: values for name, values in table.columns.items() if name not in taken}
    return Manifest(
        image_ids=[names[i] for i in rows],
        paths=[absolute(root, files[i]) for i in rows],
        labels=[labels[i] for i in rows],
        groups=_groups(table, dataset.group_column, rows),
        attributes={name: [values[i] for i in rows] for name, values in further.items()},
        ignored_files=others + len(found) - len(files),
    )


def _read(path: Path) -> _Table:
    if not path.is_file():
        raise DataError(f"no such table: {path}")
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = _rows(path, stream, lines) or [[]]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV (UTF-8)") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file: {error}") from error
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise DataError(f"{path} has more than one column {listed(repeated)}; rename them")
    if not rows:
        raise DataError(f"{path} has no rows")
    return _Table(path, dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)), lines[1:])


def _rows(path: Path, stream: TextIO, lines: list[int]) -> list[list[str]]:
    """Header and rows without surrounding blanks, noting the line of each; empty lines are passed over."""
    rows: list[list[str]] = []
    reader = csv.reader(stream, strict=True)
    for row in reader:
        if not row:
            continue
        if rows and len(row) != len(rows[0]):
            wanted = f"the header has {len(rows[0])} columns"
            raise DataError(f"{path}, line {reader.line_num}: {len(row)} values where {wanted}")
        lines.append(reader.line_num)
        rows.append([value.strip() for value in row])
    return rows


def _check_columns(table: _Table, dataset: TableDataset) -> None:
    wanted = {
        "dataset.image_column": dataset.image_column,
        "dataset.label_column": dataset.label_column,
        "dataset.group_column": dataset.group_column,
    }
    for key, name in wanted.items():
        if name is not None and name not in table.columns:
            hint = nearest(name, table.columns)
            raise DataError(f"{table.path} has no column {name}{hint}; set {key} to one of: {', '.join(table.columns)}")


def _labels(table: _Table, column: str) -> list[str]:
    labels = table.columns[column]
    if empty := [str(line) for line, label in zip(table.lines, labels, strict=True) if not label]:
        raise DataError(f"{table.path}: {len(empty)} rows have no {column}: lines {listed(empty)}")
    return labels


def _groups(table: _Table, column: str | None, rows: Sequence[int]) -> list[str | None]:
    if column is None:
        return [None] * len(rows)
    groups = table.columns[column]
    return [groups[i] or None for i in rows]


def _resolve(table: _Table, column: str, root: Path, found: Sequence[str]) -> list[str]:
    """The file of each row, relative to `root`; each file once."""
    index = _Index(found)
    values = [_inside_root(table, line, value, root) for line, value in _numbered(table, column)]
    files = [index.files(value) for value in values]
    if missing := [value or "(empty)" for value, matches in zip(values, files, strict=True) if not matches]:
        raise DataError(f"{table.path}: {len(missing)} rows have no image in {root}: {listed(missing)}")
    if unclear := [value for value, matches in zip(values, files, strict=True) if len(matches) > 1]:
        example = ", ".join(index.files(unclear[0])[:2])
        raise DataError(
            f"{table.path}: {len(unclear)} names fit several files in {root}: {listed(unclear)} ({example})"
        )
    resolved = [matches[0] for matches in files]
    if twice := [name for name, count in Counter(resolved).items() if count > 1]:
        raise DataError(f"{table.path}: {len(twice)} images are in more than one row: {listed(sorted(twice))}")
    return resolved


def _numbered(table: _Table, column: str) -> Iterator[tuple[int, str]]:
    return zip(table.lines, table.columns[column], strict=True)


def _inside_root(table: _Table, line: int, value: str, root: Path) -> str:
    """The value as a path relative to `root`; one that leads out of it is refused."""
    path = PurePath(value)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    if path.is_absolute() or ".." in path.parts:
        raise DataError(
            f"{table.path}, line {line}: {value} leads out of the image folder {root}; set dataset.image_root"
        )
    return path.as_posix() if value else ""


class _Index:
    """Image files by relative path, by relative path without extension, and by bare name."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = set(paths)
        self._by_stem: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            stem = without_extension(path)
            self._by_stem.setdefault(stem, []).append(path)
            for name in (PurePosixPath(path).name, PurePosixPath(stem).name):
                self._by_name.setdefault(name, []).append(path)

    def files(self, value: str) -> list[str]:
        """The files that a value of the table may mean; the closest kind of match wins."""
        if value in self._paths:
            return [value]
        return self._by_stem.get(value) or self._by_name.get(value) or []
