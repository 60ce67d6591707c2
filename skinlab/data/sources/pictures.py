"""The images that the rows of a table name, where a row may name several. Looks for no file."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from skinlab.data.duplicates import merge_groups
from skinlab.data.sources.columns import Columns, check_unique
from skinlab.data.wording import listed

KIND = "image_column"
"""Attribute with the column that names an image, where there are several."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pictures:
    """Images, each once.

    Attributes:
        rows: the row of the table that each is of.
        names: what the table calls each.
        labels: class of each; empty where it is not known, or rows that share an image disagree.
        groups: lesion or patient of each.
        kinds: attribute `KIND`, where rows name several images.
    """

    rows: Sequence[int]
    names: Sequence[str]
    labels: Sequence[str]
    groups: Sequence[str | None]
    kinds: dict[str, list[str]] = field(default_factory=dict)


def pictures(table: Columns, columns: Sequence[str], labels: Sequence[str], groups: Sequence[str | None]) -> Pictures:
    """The images of all rows.

    Images of one row are of one group. Of several columns, an image that several rows name is taken once, and joins
    their groups.

    Args:
        table: the table.
        columns: that name images.
        labels: of each row.
        groups: of each row.

    Raises:
        DataError: no such column; of a single column, two rows name one image.
    """
    if len(columns) == 1:
        names = table.column(columns[0], "dataset.image_column")
        check_unique(table, names)
        return Pictures(range(len(table)), names, labels, groups)
    names = [name for column in columns for name in table.column(column, "dataset.image_column")]
    rows = [row for _ in columns for row in range(len(table))]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name or f"\0{place}", []).append(place)
    shared = [same for same in places.values() if len(same) > 1]
    of_row = [group or f"row {line}" for group, line in zip(groups, table.lines, strict=True)]
    units = merge_groups([str(place) for place in range(len(names))], [of_row[row] for row in rows], shared)
    kept = [same[0] for same in places.values()]
    doubtful = {same[0] for same in shared if len({labels[rows[place]] for place in same}) > 1}
    _tell(table, names, shared, doubtful)
    return Pictures(
        rows=[rows[place] for place in kept],
        names=[names[place] for place in kept],
        labels=["" if place in doubtful else labels[rows[place]] for place in kept],
        groups=[units[place] for place in kept],
        kinds={KIND: [columns[place // len(table)] for place in kept]},
    )


def _tell(table: Columns, names: Sequence[str], shared: Sequence[Sequence[int]], doubtful: set[int]) -> None:
    if shared:
        named = listed([names[same[0]] for same in shared])
        _log.warning("%s: %d images are of several rows, whose groups are joined: %s", table.path, len(shared), named)
    if doubtful:
        named = listed([names[place] for place in sorted(doubtful)])
        _log.warning("%s: %d of them have no label, their rows disagree: %s", table.path, len(doubtful), named)
