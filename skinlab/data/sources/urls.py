"""Images that a table of addresses names, in their local copy."""

import shlex
from pathlib import Path

from skinlab.data.archive.declaration import Declared
from skinlab.data.archive.urls import UrlSource
from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import Columns
from skinlab.data.sources.fetched import fetched_rows
from skinlab.data.sources.files import absolute, image_ids
from skinlab.data.sources.groups import groups_of
from skinlab.data.spellings import Missing
from skinlab.errors import DataError
from skinlab.schema import UrlsDataset


def load(dataset: UrlsDataset) -> Manifest:
    """The fetched images of the table.

    Raises:
        DataError: the table is wrong, or was not fetched as it stands now.
    """
    root = Path(dataset.path).expanduser()
    declared = UrlSource(Path(dataset.table_path).expanduser()).declared(None)
    command = shlex.join(["skinlab", "data", "fetch", "--urls", dataset.table_path, "--out", dataset.path])

    def matches(held: Declared) -> bool:
        return {**held, "resize": None} == declared  # in whatever size

    rows = fetched_rows(root, matches, command)
    if not rows:
        raise DataError(f"no image of {dataset.table_path} could be fetched: run `{command}` again")
    missing = Missing(dataset.missing_values)
    table = Columns(
        Path(dataset.table_path), {"group": missing.blanked(row["group"] for row in rows)}, range(len(rows))
    )
    groups = groups_of(table, dataset, ("group",))
    names = image_ids([row["file"].removeprefix("images/") for row in rows])
    order = sorted(range(len(rows)), key=names.__getitem__)
    return Manifest(
        image_ids=[names[i] for i in order],
        paths=[absolute(root, rows[i]["file"]) for i in order],
        labels=missing.blanked(rows[i]["label"] for i in order),
        groups=[groups[i] for i in order],
        attributes={"url": [rows[i]["url"] for i in order]},
    )
