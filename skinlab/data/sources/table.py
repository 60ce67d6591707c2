"""A table with one row per image, and the folder or archive of its images, or the images in a column of it."""

import logging
from pathlib import Path

from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import Columns, read_table, reading_of
from skinlab.data.sources.files import absolute, image_ids
from skinlab.data.sources.groups import LESION, PATIENT, groups_of
from skinlab.data.sources.matching import manifest_of
from skinlab.data.sources.unpacked import images_of_column
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import TableDataset

_log = logging.getLogger(__name__)


def load(dataset: TableDataset) -> Manifest:
    """The images that the table names or holds, with all its further columns as attributes.

    An image is found by its path below `image_root`, with or without extension, or by its bare name anywhere below
    `image_root` if only one file has it.

    Raises:
        DataError: no such table or folder, missing columns, rows without image, an image in two rows, a path that
            leaves `image_root`.
        SetupError: a Parquet file, and pyarrow is not installed.
    """
    table = read_table(Path(dataset.path).expanduser(), reading_of(dataset))
    labels = table.column(dataset.label_column, "dataset.label_column")
    if dataset.group_column is not None:
        table.column(dataset.group_column, "dataset.group_column")
    elif beside := [name for name in (PATIENT, LESION) if name in table.columns]:
        _log.warning(
            "%s has a column %s: without dataset.group_column=%s images of one may lie in two subsets",
            table.path,
            beside[0],
            beside[0],
        )
    groups = groups_of(table, dataset, [dataset.group_column] if dataset.group_column else [])
    attributes = table.without(dataset.image_column, dataset.label_column, dataset.group_column)
    if dataset.image_column in table.binary:
        return _with_images_inside(table, dataset, labels, groups, attributes)
    images = table.column(dataset.image_column, "dataset.image_column")
    root = Path(dataset.image_root).expanduser() if dataset.image_root is not None else table.path.parent
    return manifest_of(
        table, images, root, dataset, labels=labels, groups=groups, attributes=attributes, named_by_file=True
    )


def _with_images_inside(
    table: Columns,
    dataset: TableDataset,
    labels: list[str],
    groups: list[str | None],
    attributes: dict[str, list[str]],
) -> Manifest:
    """The images in the column of bytes; a row without bytes has none."""
    folder, names = images_of_column(table.path, dataset.image_column)
    rows = [row for row, name in enumerate(names) if name]
    without = [f"row {table.lines[row]}" for row, name in enumerate(names) if not name]
    if without and dataset.on_missing == "fail":
        raise DataError(
            f"{table.path}: {len(without)} rows have no image in column {dataset.image_column}: {listed(without)}; "
            "correct them, or set dataset.on_missing=drop"
        )
    return Manifest(
        image_ids=image_ids([names[row] for row in rows]),
        paths=[absolute(folder, names[row]) for row in rows],
        labels=[labels[row] for row in rows],
        groups=[groups[row] for row in rows],
        attributes={name: [values[row] for row in rows] for name, values in attributes.items()},
        without_image=without,
    ).by_id()
