"""A CSV or Parquet file with one row per image, and the folder of its images."""

from pathlib import Path

from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import Columns, read_table
from skinlab.data.sources.matching import manifest_of
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import TableDataset


def load(dataset: TableDataset) -> Manifest:
    """The images that the table names, with all its further columns as attributes.

    An image is found by its path below `image_root`, with or without extension, or by its bare name anywhere below
    `image_root` if only one file has it.

    Raises:
        DataError: no such table or folder, missing columns, rows without label or image, an image in two rows, a path
            that leaves `image_root`.
        SetupError: a Parquet file, and pyarrow is not installed.
    """
    table = read_table(Path(dataset.path).expanduser())
    images = table.column(dataset.image_column, "dataset.image_column")
    labels = _labels(table, dataset.label_column)
    groups = _groups(table, dataset.group_column)
    root = Path(dataset.image_root).expanduser() if dataset.image_root is not None else table.path.parent
    return manifest_of(
        table,
        images,
        root,
        labels=labels,
        groups=groups,
        attributes=table.without(dataset.image_column, dataset.label_column, dataset.group_column),
        named_by_file=True,
    )


def _labels(table: Columns, column: str) -> list[str]:
    labels = table.column(column, "dataset.label_column")
    if empty := [str(line) for line, label in zip(table.lines, labels, strict=True) if not label]:
        raise DataError(f"{table.path}: {len(empty)} rows have no {column}: lines {listed(empty)}")
    return labels


def _groups(table: Columns, column: str | None) -> list[str | None]:
    if column is None:
        return [None] * len(table)
    return [group or None for group in table.column(column, "dataset.group_column")]
