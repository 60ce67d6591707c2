"""The folder that the official `isic image download` writes: images, metadata.csv, attribution.txt, licenses/.

metadata.csv is that of the package isic-cli (https://github.com/ImageMarkup/isic-cli): isic_id, attribution,
copyright_license, then the acquisition and clinical fields that any of the images has. The archive renamed fields over
the years; older tables are read too, with the names that they have today.
"""

import logging
from dataclasses import replace
from pathlib import Path

from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import Columns, check_unique, read_table, reading_of
from skinlab.data.sources.files import check_folder
from skinlab.data.sources.groups import groups_of
from skinlab.data.sources.matching import manifest_of
from skinlab.data.sources.unpacked import folder_of
from skinlab.errors import DataError
from skinlab.schema import IsicCliDataset

METADATA = "metadata.csv"
ID = "isic_id"
LABELS = ("diagnosis_1", "benign_malignant", "diagnosis")
"""Columns that are taken for the label where none is declared, the first that is there."""

_PREFIXES = ("meta.clinical.", "meta.acquisition.", "metadata.clinical.", "metadata.acquisition.")
_OLDER = {
    "name": ID,
    "image_name": ID,
    "image_id": ID,
    "image": ID,
    "license": "copyright_license",
    "meta.attribution": "attribution",
    "age_approximate": "age_approx",
    "anatom_site": "anatom_site_general",
    "dermoscopic_type": "image_type",
}

_log = logging.getLogger(__name__)


def load(dataset: IsicCliDataset) -> Manifest:
    """The images of the folder; the group is the patient, or the lesion, where one is given.

    An image without a diagnosis in the label column has no label.

    Raises:
        DataError: no such folder or table, no such label column, rows without image, an image in two rows.
    """
    root = folder_of(Path(dataset.path).expanduser())
    check_folder(root)
    table = _renamed(read_table(root / METADATA, reading_of(dataset)))
    if ID not in table.columns:
        raise DataError(f"{table.path} has no column {ID}: it is not what `isic image download` writes")
    ids = table.columns[ID]
    check_unique(table, ids)
    column = _label_column(table) if dataset.label_column is None else _today(dataset.label_column)
    labels = table.column(column, "dataset.label_column")
    return manifest_of(
        table,
        ids,
        root,
        dataset,
        labels=labels,
        groups=groups_of(table, dataset),
        attributes=table.without(ID, column),
    )


def _renamed(table: Columns) -> Columns:
    """Columns by the names that the archive gives them today; where both are there, the older keeps its name."""
    columns: dict[str, list[str]] = {}
    for name, values in table.columns.items():
        today = _today(name)
        columns[name if today in columns or (today != name and today in table.columns) else today] = values
    return replace(table, columns=columns)


def _today(name: str) -> str:
    """Today's name of a column.

    >>> _today("meta.clinical.age_approximate"), _today("sex")
    ('age_approx', 'sex')
    """
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return _OLDER.get(name, name)


def _label_column(table: Columns) -> str:
    for name in LABELS:
        if name in table.columns:
            _log.info("%s: the label is column %s (dataset.label_column)", table.path, name)
            return name
    raise DataError(
        f"{table.path} has none of the columns {', '.join(LABELS)}; "
        f"set dataset.label_column to one of: {', '.join(table.columns)}"
    )
