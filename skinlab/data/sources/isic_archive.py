"""Images of the ISIC Archive in their local copy, with the archive's metadata as labels, groups and attributes."""

from pathlib import Path

from skinlab.data.archive.declaration import ArchiveQuery, Declared, query_of
from skinlab.data.archive.folder import METADATA
from skinlab.data.manifest import LeftAside, Manifest
from skinlab.data.sources.columns import Columns
from skinlab.data.sources.fetched import Row, fetched_rows
from skinlab.data.sources.files import absolute
from skinlab.data.sources.groups import groups_of
from skinlab.data.spellings import Missing
from skinlab.data.wording import nearest
from skinlab.errors import DataError
from skinlab.schema import IsicArchiveDataset


def load(dataset: IsicArchiveDataset) -> Manifest:
    """The fetched images under the declared licences that have a value in the label field.

    The group is the patient, or the lesion, where one is given; every other column is an attribute.

    Raises:
        DataError: no such local copy or label field, or no image is left.
    """
    root = Path(dataset.path).expanduser()
    query = query_of(dataset)
    command = query.command(dataset.path)
    rows = fetched_rows(root, lambda declared: _covers(declared, query), command)
    _check_field(dataset, rows)
    licensed = [row for row in rows if query.takes(row["copyright_license"])]
    if not any(row[dataset.label_field] for row in licensed):
        raise DataError(f"no image of {root} has a {dataset.label_field} and one of dataset.licenses")
    licensed.sort(key=lambda row: row["isic_id"])
    return _manifest(root, licensed, dataset, len(rows) - len(licensed))


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


def _manifest(root: Path, rows: list[Row], dataset: IsicArchiveDataset, unlicensed: int) -> Manifest:
    taken = ("isic_id", "file", "fetch", dataset.label_field)
    missing = Missing(dataset.missing_values)
    values = {name: missing.blanked(row[name] for row in rows) for name in rows[0]}
    table = Columns(root / METADATA, values, range(2, len(rows) + 2))
    beside = {"image under another licence": unlicensed} if unlicensed else {}
    return Manifest(
        image_ids=[row["isic_id"] for row in rows],
        paths=[absolute(root, row["file"]) for row in rows],
        labels=values[dataset.label_field],
        groups=groups_of(table, dataset),
        attributes=table.without(*taken),
        left_aside=LeftAside(beside),
    )
