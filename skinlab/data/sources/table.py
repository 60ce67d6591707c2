"""A table with one row per image, and the folder or archive of its images, or the images in a column of it.

Most published data sets are a declaration of this source and nothing more: see conf/dataset/.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from skinlab.data.classes import labels_of
from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import Columns, read_table, reading_of
from skinlab.data.sources.groups import LESION, PATIENT, groups_of
from skinlab.data.sources.lookup import Holder, holder, joined
from skinlab.data.sources.matching import Matched, manifest_of, of_files
from skinlab.data.sources.pictures import pictures
from skinlab.data.sources.subsets import of_column, of_rows
from skinlab.data.sources.truth import one_hot, translated
from skinlab.data.sources.unpacked import images_of_column, is_container
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import TableDataset

T = TypeVar("T")
_log = logging.getLogger(__name__)


def load(dataset: TableDataset) -> Manifest:
    """The images that the table names or holds, with all its further columns as attributes.

    An image is found by its path below `image_root`, with or without extension, or by its bare name anywhere below
    `image_root` if only one file has it.

    Raises:
        DataError: no such table or folder, missing columns, rows without image, an image in two rows, a path that
            leaves `image_root`.
        SetupError: a package that reads this kind of file is not installed.
    """
    path, held = _place(dataset)
    table = _with_metadata(read_table(path, reading_of(dataset)), dataset, held)
    images, groups = _names(dataset.image_column), _names(dataset.group_column)
    for name in groups:
        table.column(name, "dataset.group_column")
    split = [dataset.given_split] if isinstance(dataset.given_split, str) else []
    attributes = table.without(*images, *_names(dataset.label_column), *groups, *split)
    labels, group_ids = _labels(table, dataset), _groups(table, dataset)
    subsets = _subsets(table, dataset, held)
    if images[0] in table.binary:
        folder, files = images_of_column(table.path, images[0])
        without = [f"row {line}" for line, file in zip(table.lines, files, strict=True) if not file]
        return of_files(
            table,
            Matched([file or None for file in files], without),
            folder,
            f"column {images[0]}",
            dataset,
            labels=labels,
            groups=group_ids,
            attributes=attributes,
            subsets=subsets,
        )
    found = pictures(table, images, labels, group_ids)
    return manifest_of(
        replace(table, lines=_at(table.lines, found.rows)),
        found.names,
        _image_root(path, dataset, held),
        dataset,
        labels=found.labels,
        groups=found.groups,
        attributes={name: _at(values, found.rows) for name, values in attributes.items()} | found.kinds,
        subsets=None if subsets is None else _at(subsets, found.rows),
        named_by_file=not dataset.table,
        any_case=bool(dataset.table),
    )


def _at(values: Sequence[T], rows: Sequence[int]) -> Sequence[T]:
    """The values of rows; those of all rows in their order are not copied."""
    return values if isinstance(rows, range) else [values[row] for row in rows]


def _names(declared: str | Sequence[str] | None) -> list[str]:
    return [declared] if isinstance(declared, str) else list(declared or ())


def _place(dataset: TableDataset) -> tuple[Path, Holder | None]:
    """The table, and what holds it where further files are looked for there."""
    declared = Path(dataset.path).expanduser()
    if dataset.table and (is_container(declared) or not declared.is_file()):
        held = holder(dataset.path)
        found = held.table(dataset.table)
        if is_container(found):  # a file of arrays in a folder
            held = holder(str(found))
            found = held.table(dataset.table)
        return found, held
    by_name = dataset.metadata or isinstance(dataset.image_root, list) or isinstance(dataset.given_split, Mapping)
    return declared, holder(str(declared.parent)) if by_name else None


def _with_metadata(table: Columns, dataset: TableDataset, held: Holder | None) -> Columns:
    """The table with those of the further tables that are there, joined by the image or else by the group."""
    keys = [name for name in (*_names(dataset.image_column), *_names(dataset.group_column)) if name in table.columns]
    paths = [path for name in dataset.metadata if held and (path := held.find([name]))]
    for path in paths:
        other = read_table(path, reading_of(dataset))
        key = next((name for name in keys if name in other.columns), None)
        if key is None:
            raise DataError(
                f"{path} has none of the columns {listed(keys)}, by which dataset.metadata is joined, but: "
                f"{listed(list(other.columns))}"
            )
        table = joined(table, [(key, other)], key, dataset.on_spelling)
    return table


def _labels(table: Columns, dataset: TableDataset) -> list[str]:
    names = _names(dataset.label_column)
    columns = [table.column(name, "dataset.label_column") for name in names]
    labels = columns[0] if len(names) == 1 else one_hot(table, names, None, "correct them")
    rows = table.columns.get(_names(dataset.image_column)[0]) or [f"row {line}" for line in table.lines]
    return translated(table, ", ".join(names), labels, rows, dataset.label_values, labels_of(dataset.classes))


def _groups(table: Columns, dataset: TableDataset) -> list[str | None]:
    beside = [name for name in (PATIENT, LESION) if name in table.columns]
    if dataset.group_column is None and beside:
        _log.warning(
            "%s has a column %s: without dataset.group_column=%s images of one may lie in two subsets",
            table.path,
            beside[0],
            beside[0],
        )
    return groups_of(table, dataset, _names(dataset.group_column))


def _subsets(table: Columns, dataset: TableDataset, held: Holder | None) -> list[str] | None:
    """The subset of each row in the split that the data set comes with; None: it comes with none."""
    split = dataset.given_split
    if isinstance(split, str):
        return of_column(table, split)
    if split is None or held is None:
        return None
    return of_rows(len(table), {subset: read_table(held.table([name])) for subset, name in split.items()})


def _image_root(path: Path, dataset: TableDataset, held: Holder | None) -> Path:
    root = dataset.image_root
    if isinstance(root, str):
        return Path(root).expanduser()
    return path.parent if held is None else held.images(root or [])
