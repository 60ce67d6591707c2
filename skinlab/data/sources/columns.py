"""Tables of text by column: CSV and Parquet files read whole. Knows nothing of images and labels."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError, SetupError

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET = frozenset({".parquet", ".pq"})
_TAKEN = 65_536
"""Values of a Parquet column that are in memory twice."""


@dataclass(frozen=True)
class Columns:
    """A table by column; blanks around a value are no part of it, an empty value is unknown.

    Attributes:
        path: the file, for messages.
        columns: values by column name, in the order of the file.
        lines: the number of each row for messages: its line in a CSV file, its position in a Parquet file.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str, key: str) -> list[str]:
        """A column by its name.

        Raises:
            DataError: there is none; names the nearest, and `key` as what to set.
        """
        if name not in self.columns:
            hint = nearest(name, self.columns)
            raise DataError(f"{self.path} has no column {name}{hint}; set {key} to one of: {', '.join(self.columns)}")
        return self.columns[name]

    def without(self, *names: str | None) -> dict[str, list[str]]:
        """The further columns."""
        return {name: values for name, values in self.columns.items() if name not in names}


def read_table(path: Path) -> Columns:
    """A CSV file with a header, or a Parquet file (by its extension).

    Raises:
        DataError: no such file, it cannot be read, has no rows, or two columns of one name.
        SetupError: a Parquet file, and pyarrow is not installed.
    """
    if not path.is_file():
        raise DataError(f"no such table: {path}")
    if path.suffix.lower() in PARQUET:
        return _read_parquet(path)
    lines, rows = read_rows(path)
    if len(rows) < 2:  # noqa: PLR2004 - a header and a row
        raise DataError(f"{path} has no rows")
    return with_header(path, rows[0], rows[1:], lines[1:])


def with_header(path: Path, header: Sequence[str], rows: Sequence[list[str]], lines: Sequence[int]) -> Columns:
    """Rows as columns.

    Raises:
        DataError: two columns have one name.
    """
    _check_header(path, header)
    return Columns(path, dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)), lines)


def read_rows(path: Path) -> tuple[list[int], list[list[str]]]:
    """The lines and values of a CSV file, the header among them; empty lines are passed over.

    Raises:
        DataError: no such file, it cannot be read, or its rows are not of one length.
    """
    if not path.is_file():
        raise DataError(f"no such table: {path}")
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = _rows(path, stream, lines)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV (UTF-8)") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file: {error}") from error
    return lines, rows


def check_unique(table: Columns, ids: Sequence[str]) -> None:
    """Refuses a table that says something of one image twice."""
    if twice := [name for name, count in Counter(ids).items() if count > 1]:
        raise DataError(f"{table.path}: {len(twice)} ids are in more than one row: {listed(sorted(twice))}")


def _rows(path: Path, stream: TextIO, lines: list[int]) -> list[list[str]]:
    """Rows without surrounding blanks, noting the line of each."""
    rows: list[list[str]] = []
    reader = csv.reader(stream, strict=True)
    for row in reader:
        if not row:
            continue
        if rows and len(row) != len(rows[0]):
            wanted = f"the header has {len(rows[0])} columns"
            raise DataError(f"{path}, line {reader.line_num}: {len(row)} values where {wanted}")
        lines.append(reader.line_num)
        rows.append([value.strip() for value in row])
    return rows


def _check_header(path: Path, header: Sequence[str]) -> None:
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise DataError(f"{path} has more than one column {listed(repeated)}; rename them")


def _read_parquet(path: Path) -> Columns:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise SetupError(f"{path}: Parquet files are read with pyarrow; pip install skinlab[parquet]") from error
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"cannot read {path} as Parquet: {reason}") from error
    _check_header(path, table.column_names)
    if not table.num_rows:
        raise DataError(f"{path} has no rows")
    columns = {name: _texts(table.column(name)) for name in table.column_names}
    return Columns(path, columns, range(1, table.num_rows + 1))


def _texts(column: "pa.ChunkedArray") -> list[str]:
    """Values as they would be written in a CSV file; null is empty."""
    texts: list[str] = []
    for start in range(0, len(column), _TAKEN):
        values = column.slice(start, _TAKEN).to_pylist()
        texts += ["" if value is None else str(value).strip() for value in values]
    return texts
