"""Images that a table of addresses names, in their local copy."""

import shlex
from pathlib import Path

from skinlab.data.archive.declaration import Declared
from skinlab.data.archive.urls import UrlSource
from skinlab.data.manifest import Manifest
from skinlab.data.sources.fetched import fetched_rows
from skinlab.data.sources.files import absolute, image_ids
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
    names = image_ids([row["file"].removeprefix("images/") for row in rows])
    order = sorted(range(len(rows)), key=names.__getitem__)
    return Manifest(
        image_ids=[names[i] for i in order],
        paths=[absolute(root, rows[i]["file"]) for i in order],
        labels=[rows[i]["label"] for i in order],
        groups=[rows[i]["group"] or None for i in order],
        attributes={"url": [rows[i]["url"] for i in order]},
    )
