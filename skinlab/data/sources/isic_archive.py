"""Images of the ISIC Archive in their local copy, with the archive's metadata as labels, groups and attributes."""

import logging
from pathlib import Path

from skinlab.data.archive.declaration import ArchiveQuery, Declared, query_of
from skinlab.data.manifest import Manifest
from skinlab.data.sources.fetched import Row, fetched_rows
from skinlab.data.sources.files import absolute
from skinlab.data.wording import nearest
from skinlab.errors import DataError
from skinlab.schema import IsicArchiveDataset

_log = logging.getLogger(__name__)


def load(dataset: IsicArchiveDataset) -> Manifest:
    """The fetched images under the declared licences that have a value in the label field.

    The group is the lesion, else the patient; every other column is an attribute.

    Raises:
        DataError: no such local copy or label field, or no image is left.
    """
    root = Path(dataset.path).expanduser()
    query = query_of(dataset)
    command = query.command(dataset.path)
    rows = fetched_rows(root, lambda declared: _covers(declared, query), command)
    _check_field(dataset, rows)
    licensed = [row for row in rows if query.takes(row["copyright_license"])]
    labelled = sorted((row for row in licensed if row[dataset.label_field]), key=lambda row: row["isic_id"])
    if len(labelled) < len(licensed):
        _log.info("%d images have no %s and are left out", len(licensed) - len(labelled), dataset.label_field)
    if not labelled:
        raise DataError(f"no image of {root} has a {dataset.label_field} and one of dataset.licenses")
    return _manifest(root, labelled, dataset.label_field, ignored=len(rows) - len(labelled))


def _covers(declared: Declared, query: ArchiveQuery) -> bool:
    """Whether a fetch is the one that is asked for; it may hold more licences, which are sorted out here."""
    wanted = query.declared("")
    keys = [name for name in wanted if name not in ("api", "licenses")]
    if any(declared.get(name) != wanted[name] for name in keys):
        return False
    held = declared["licenses"]
    if query.limit is not None:  # the first N under some licences are not those under others
        return bool(held == wanted["licenses"])
    return held is None or (query.licenses is not None and set(query.licenses) <= set(held))


def _check_field(dataset: IsicArchiveDataset, rows: list[Row]) -> None:
    known = [name for name in (rows[0] if rows else {}) if name not in ("isic_id", "file", "fetch")]
    if rows and dataset.label_field not in known:
        hint = nearest(dataset.label_field, known)
        raise DataError(f"the archive says no {dataset.label_field} of these images{hint}; it says: {', '.join(known)}")


def _manifest(root: Path, rows: list[Row], label_field: str, ignored: int) -> Manifest:
    taken = ("isic_id", "file", "fetch", label_field)
    return Manifest(
        image_ids=[row["isic_id"] for row in rows],
        paths=[absolute(root, row["file"]) for row in rows],
        labels=[row[label_field] for row in rows],
        groups=[row["lesion_id"] or row["patient_id"] or None for row in rows],
        attributes={name: [row[name] for row in rows] for name in rows[0] if name not in taken},
        ignored_files=ignored,
    )
