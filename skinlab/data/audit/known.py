"""Published lists about a data set: images that show one photograph, and images that are wrong and to be left out.

Lists have no common form: ISIC_2020_Training_Duplicates.csv has two columns of ids, that of HAM10000's copies a column
of similarities before two of file names, that of Fitzpatrick17k's errors no header. So a row names whatever images of
the data set stand in it, in any column, with or without folder and extension.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import read_table
from skinlab.data.sources.files import without_extension
from skinlab.data.spellings import composed
from skinlab.errors import DataError


@dataclass(frozen=True)
class Named:
    """What lists say of a data set.

    Attributes:
        sets: rows of the manifest that each row of a list names.
        absent: how many rows of each list name too few images of the data set, by the list's path; none without one.
    """

    sets: list[list[int]]
    absent: dict[str, int]


def copies(paths: Sequence[str], image_ids: Sequence[str]) -> Named:
    """The images that lists call copies of each other.

    Args:
        paths: of the lists.
        image_ids: of the data set.

    Raises:
        DataError: a list cannot be read.
    """
    return _named(paths, image_ids, least=2)


def without_errors(manifest: Manifest, paths: Sequence[str]) -> tuple[Manifest, list[str], dict[str, int]]:
    """The data set without the images that lists call wrong.

    Returns:
        The manifest, the ids that were left out, and the rows of lists that name no image, by the list's path.

    Raises:
        DataError: a list cannot be read, or names several images in a row.
    """
    if not paths:
        return manifest, [], {}
    named = _named(paths, manifest.image_ids, least=1)
    if pairs := [[manifest.image_ids[row] for row in rows] for rows in named.sets if len(rows) > 1]:
        raise DataError(
            f"audit.known_errors: {len(pairs)} rows name several images ({', '.join(pairs[0])}), as lists of copies "
            "do: give the list to audit.known_duplicates"
        )
    wrong = {row for (row,) in named.sets}
    kept = manifest.take([row for row in range(len(manifest)) if row not in wrong])
    return kept, [manifest.image_ids[row] for row in sorted(wrong)], named.absent


def _named(paths: Sequence[str], image_ids: Sequence[str], least: int) -> Named:
    index = _index(image_ids)
    sets: list[list[int]] = []
    absent: dict[str, int] = {}
    for path in paths:
        found = [sorted({index[name] for name in map(_bare, cells) if name in index}) for cells in _rows(Path(path))]
        found = found if found[0] else found[1:]  # a header names no image
        enough = [rows for rows in found if len(rows) >= least]
        sets += enough
        if len(enough) < len(found):
            absent[path] = len(found) - len(enough)
    return Named(sets, absent)


def _rows(path: Path) -> Iterator[Sequence[str]]:
    """The rows of a table, what stands in the place of a header among them."""
    table = read_table(path.expanduser())
    yield tuple(table.columns)
    yield from zip(*table.columns.values(), strict=True)


def _index(image_ids: Iterable[str]) -> dict[str, int]:
    """The row of each image by its bare name; names that several images have mean none."""
    rows: dict[str, int | None] = {}
    for row, image_id in enumerate(image_ids):
        name = _bare(image_id)
        rows[name] = None if name in rows else row
    return {name: row for name, row in rows.items() if row is not None}


def _bare(name: str) -> str:
    return without_extension(composed(name).replace("\\", "/").rpartition("/")[2])
