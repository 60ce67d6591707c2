"""Where the tables and images of a data set lie below its folder or archive, and several tables as one."""

import fnmatch
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skinlab.data.sources.columns import Columns, check_unique
from skinlab.data.sources.files import walked
from skinlab.data.sources.unpacked import folder_of
from skinlab.data.spellings import OnSpelling, unified
from skinlab.data.wording import listed
from skinlab.errors import DataError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """A folder, or what an archive was unpacked into.

    Attributes:
        declared: as declared, for messages.
        folder: what holds the files.
        named: paths of all files and folders in it that are not hidden, relative to it, by their names in lower case.
    """

    declared: Path
    folder: Path
    named: Mapping[str, Sequence[str]]

    def find(self, names: Sequence[str]) -> Path | None:
        """The file or folder of the first of the names that is there, in any case, the nearest to the top.

        Args:
            names: file names; * is any text.

        Raises:
            DataError: several of one name lie equally near.
        """
        for name in names:
            pattern = name.casefold()
            known = fnmatch.filter(self.named, pattern) if "*" in pattern else [pattern]
            fitting = [path for one in known for path in self.named.get(one, ())]
            depth = min((path.count("/") for path in fitting), default=0)
            nearest = sorted(path for path in fitting if path.count("/") == depth)
            if len(nearest) > 1:
                raise DataError(
                    f"{self.declared} has {len(nearest)} that may be {name}: {listed(nearest)}; set dataset.path to "
                    "one, or to the folder of one"
                )
            if nearest:
                return self.folder / nearest[0]
        return None

    def table(self, names: Sequence[str]) -> Path:
        """The table of one of the names.

        Raises:
            DataError: there is none.
        """
        if (found := self.find(names)) is None:
            raise DataError(
                f"{self.declared} has no {names[0]}: dataset.path is the folder that holds it and the images"
            )
        return found

    def images(self, names: Sequence[str]) -> Path:
        """What holds the images: the first of the names that is there, else all of it."""
        return self.find(names) or self.declared


def holder(path: str) -> Holder:
    """A folder or archive with all that lies in it.

    Raises:
        DataError: there is none, or it cannot be unpacked.
    """
    declared = Path(path).expanduser()
    folder = folder_of(declared)
    named: dict[str, list[str]] = {}
    for _, prefix, folders, files in walked(folder):
        for name in (*folders, *files):
            if not name.startswith("."):
                named.setdefault(name.casefold(), []).append(prefix + name)
    return Holder(declared, folder, named)


def stacked(tables: Mapping[str, Columns], column: str) -> Columns:
    """Several tables below each other, with a column that names the one that each row is of; of one table, itself.

    Args:
        tables: by name.
        column: the name of the new column.
    """
    if len(tables) == 1:
        return next(iter(tables.values()))
    names = dict.fromkeys(name for table in tables.values() for name in table.columns)
    columns = {
        name: [value for table in tables.values() for value in table.columns.get(name, [""] * len(table))]
        for name in names
    }
    origin = [name for name, table in tables.items() for _ in range(len(table))]
    lines = [line for table in tables.values() for line in table.lines]
    first = next(iter(tables.values()))
    return Columns(first.path.parent, {**columns, column: origin}, lines)


def joined(table: Columns, further: Sequence[tuple[str, Columns]], key: str, on_spelling: OnSpelling) -> Columns:
    """A table with what others say of its rows; where several say something, the first does.

    Args:
        table: the rows.
        further: other tables, each with its column of the same ids as `key` of the table.
        key: column of the table by which the others are joined.
        on_spelling: what becomes of two spellings of one id.

    Raises:
        DataError: a table has two rows of one id, or there are two spellings of one.
    """
    columns = dict(table.columns)
    ids = table.columns[key]
    known = [False] * len(table)
    for other_key, other in further:
        check_unique(other, other.columns[other_key])
        where = f"{other.path}: column {other_key}, beside the ids of {table.path}"
        spelled = unified([*ids, *other.columns[other_key]], on_spelling, where)
        row_of = {name: row for row, name in enumerate(spelled[len(ids) :]) if name}
        rows = [row_of.get(name) for name in spelled[: len(ids)]]
        known = [row is not None or before for row, before in zip(rows, known, strict=True)]
        for name, values in other.without(other_key).items():
            mine = columns.get(name, [""] * len(table))
            columns[name] = [own or ("" if row is None else values[row]) for own, row in zip(mine, rows, strict=True)]
    if further and (absent := [name for name, found in zip(ids, known, strict=True) if not found]):
        paths = ", ".join(str(other.path) for _, other in further)
        _log.warning("%s: %d images have no row: %s", paths, len(absent), listed(absent))
    return replace(table, columns=columns)
