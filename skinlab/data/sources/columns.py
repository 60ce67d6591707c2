"""Tables of text by column: delimited text and Parquet files read whole. Knows nothing of images and labels."""

import codecs
import csv
import gzip
import io
import logging
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from skinlab.data.spellings import Missing
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError
from skinlab.schema import TabularDataset

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

PARQUET = b"PAR1"
SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|"}
GUESSED = "windows-1252"
"""What 8-bit text is taken for; Latin-1 is a part of it."""
TABLE_LIMIT = 4 << 30
"""Bytes of text that a table may have, packed ones when unpacked."""

_SAMPLE = 1 << 18
_SAMPLE_ROWS = 200
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order marks; UTF-32's before UTF-16's, which begin it."""
_NOT_TEXT = {
    b"PK\x03\x04": "an Excel workbook or a zip archive; save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the table as CSV",
    b"\x89HDF": "an HDF5 file, not a table of text",
    b"SQLite": "an SQLite data base; export the table as CSV",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """How a table is read, as far as it was declared.

    Attributes:
        missing: the texts that mean that nothing is known.
        separator: between the values of a line; None: found out.
        encoding: of the text; None: found out.
    """

    missing: Missing = field(default_factory=Missing)
    separator: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Columns:
    """A table by column; blanks around a value are no part of it, and one that means "unknown" is empty.

    Attributes:
        path: the file, for messages.
        columns: values by column name, in the order of the file.
        lines: the number of each row for messages: its line in a text file, its position in a Parquet file.
        binary: names of columns that hold bytes, which are not read.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: Sequence[int]
    binary: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str, key: str) -> list[str]:
        """A column by its name.

        Raises:
            DataError: there is none; names the nearest, and `key` as what to set.
        """
        if name in self.binary:
            raise DataError(f"{self.path}: column {name} holds bytes where text was meant; set {key} to another column")
        if name not in self.columns:
            hint = nearest(name, self.columns)
            raise DataError(
                f"{self.path} has no column {name}{hint}; set {key} to one of: {listed(list(self.columns))}"
                + _unnamed_hint(self.columns)
            )
        return self.columns[name]

    def without(self, *names: str | None) -> dict[str, list[str]]:
        """The further columns."""
        return {name: values for name, values in self.columns.items() if name not in names}


def reading_of(dataset: TabularDataset) -> Reading:
    """How the tables of a data set are read."""
    return Reading(Missing(dataset.missing_values), dataset.separator, dataset.encoding)


def read_table(path: Path, reading: Reading | None = None) -> Columns:
    """A table with a header: delimited text, packed with gzip or not, or Parquet, whichever the content is.

    Args:
        path: the file.
        reading: what was declared about it.

    Raises:
        DataError: no such file, it cannot be read, has no rows, or two columns of one name.
        SetupError: a Parquet file, and pyarrow is not installed.
    """
    reading = reading or Reading()
    if _head(path).startswith(PARQUET) or path.suffix.lower() in (".parquet", ".pq"):
        from skinlab.data.sources.parquet import read_parquet

        return read_parquet(path, reading.missing)
    lines, rows = read_rows(path, reading)
    if len(rows) < 2:  # noqa: PLR2004 - a header and a row
        raise DataError(f"{path} has no rows")
    return with_header(path, rows[0], rows[1:], lines[1:], reading.missing)


def with_header(
    path: Path, header: Sequence[str], rows: Sequence[list[str]], lines: Sequence[int], missing: Missing
) -> Columns:
    """Rows as columns. Columns without a name are left out: nothing can mean them.

    Raises:
        DataError: two columns have one name.
    """
    table = dict(enumerate(zip(*rows, strict=True)))
    unnamed = [place for place, name in enumerate(header) if not name]
    if written := [str(place + 1) for place in unnamed if any(table[place])]:
        _log.info("%s: columns without a name are left out: column %s", path, listed(written))
    check_header(path, [name for name in header if name])
    named = [(place, name) for place, name in enumerate(header) if name]
    return Columns(path, {name: missing.blanked(table[place]) for place, name in named}, lines)


def read_rows(path: Path, reading: Reading | None = None) -> tuple[list[int], list[list[str]]]:
    """The lines and values of a text file, the header among them; empty lines are passed over.

    Raises:
        DataError: no such file, it cannot be read, or its rows are not of one length.
    """
    reading = reading or Reading()
    head = _head(path)
    if reason := next((reason for magic, reason in _NOT_TEXT.items() if head.startswith(magic)), None):
        raise DataError(f"{path} is {reason}")
    try:
        with path.open("rb") as packed, _unpacked(packed, head) as stream:
            return _read(path, stream, reading)
    except UnicodeError as error:
        encoding = reading.encoding or "UTF-8"
        raise DataError(f"{path} is not {encoding} text; save it as UTF-8, or set dataset.encoding") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def check_unique(table: Columns, ids: Sequence[str]) -> None:
    """Refuses a table that says something of one image twice; rows without an id are not judged."""
    if twice := [name for name, count in Counter(ids).items() if count > 1 and name]:
        raise DataError(f"{table.path}: {len(twice)} ids are in more than one row: {listed(sorted(twice))}")


def check_header(path: Path, header: Sequence[str]) -> None:
    """Refuses two columns of one name."""
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise DataError(f"{path} has more than one column {listed(repeated)}; rename them{_unnamed_hint(header)}")


def _unnamed_hint(header: Iterable[str]) -> str:
    """What to look at where the first line is data."""
    return "; the first line must name the columns" if any(map(_is_number, header)) else ""


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdigit()


def _head(path: Path) -> bytes:
    if not path.is_file():
        raise DataError(f"no such table: {path}")
    try:
        with path.open("rb") as stream:
            return stream.read(8)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _unpacked(stream: BinaryIO, head: bytes) -> BinaryIO:
    return gzip.open(stream) if head.startswith(b"\x1f\x8b") else stream  # type: ignore[return-value]


def _read(path: Path, stream: BinaryIO, reading: Reading) -> tuple[list[int], list[list[str]]]:
    """The rows, after what was not declared is found out and said."""
    content = stream.read(TABLE_LIMIT + 1)
    if len(content) > TABLE_LIMIT:
        raise DataError(f"{path} has more than {TABLE_LIMIT >> 30} GiB of text")
    encoding = reading.encoding or _encoding(content)
    text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    sample = text.read(_SAMPLE)
    text.seek(0)
    if "\0" in sample:
        raise DataError(f"{path} is not text: it holds NUL characters; set dataset.encoding if it is of another kind")
    separator = reading.separator or _separator(path, sample)
    named = next(name for name, one in SEPARATORS.items() if one == separator)
    if encoding not in ("utf-8", "utf-8-sig") or separator != ",":
        guess = " (a guess: it is not UTF-8)" if encoding == GUESSED and not reading.encoding else ""
        _log.info("%s: read as %s%s, separated by %s (dataset.encoding, .separator)", path, encoding, guess, named)
    lines: list[int] = []
    try:
        return lines, list(_rows(path, text, separator, lines))
    except csv.Error as error:
        raise DataError(f"{path} is not a table separated by {named}: {error}") from error


def _encoding(content: bytes) -> str:
    """The encoding by its byte-order mark, else UTF-8, UTF-16 without a mark, or the 8-bit one of Western Europe."""
    if marked := next((name for mark, name in _MARKS.items() if content.startswith(mark)), None):
        return marked
    head = content[:_SAMPLE]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.utf_8_decode(content, "strict", True)  # noqa: FBT003 - its only form
    except UnicodeDecodeError:
        return GUESSED
    return "utf-8"


def _separator(path: Path, sample: str) -> str:
    """The separator that divides all of the first lines into as many values, more than one.

    Raises:
        DataError: two do.
    """
    shapes = {separator: _shape(sample, separator) for separator in SEPARATORS.values()}
    dividing = [separator for separator, shape in shapes.items() if len(shape) == 1 and max(shape) > 1]
    if not dividing:  # a single column, or a line that is not like the others: the rows will tell
        return max(shapes, key=lambda separator: next(iter(shapes[separator]), 0))
    most = max(max(shapes[separator]) for separator in dividing)
    best = [separator for separator in dividing if max(shapes[separator]) == most]
    if len(best) > 1:
        names = " or ".join(name for name, one in SEPARATORS.items() if one in best)
        raise DataError(f"{path}: its columns may be separated by {names}: set dataset.separator")
    return best[0]


def _shape(sample: str, separator: str) -> list[int]:
    """Numbers of values of the first lines, each number once, that of the header first; 0 for one that is no line."""
    complete = sample if len(sample) < _SAMPLE else sample[: sample.rfind("\n") + 1]
    found: dict[int, None] = {}
    try:
        for number, row in enumerate(_reader(io.StringIO(complete, newline=""), separator)):
            if number == _SAMPLE_ROWS:
                break
            if row:
                found[len(row)] = None
    except csv.Error:
        return [*found] if len(sample) == _SAMPLE else [*found, 0]  # a sample may end within quotes
    return list(found)


def _reader(text: Iterable[str], separator: str) -> "CsvReader":
    return csv.reader(text, delimiter=separator, skipinitialspace=True, strict=True)


def _rows(path: Path, text: Iterable[str], separator: str, lines: list[int]) -> Iterator[list[str]]:
    """The header and the rows, noting the line of each; empty values beyond the header are passed over.

    So are lines without a separator that follow the rows after an empty line, as below PH2's table.
    """
    reader = _reader(text, separator)
    width, after_empty, notes = 0, False, 0
    for row in reader:
        short = len(row) == 1 and width > 1
        if not row or (short and not row[0].strip()):
            after_empty = True
            continue
        if short and (after_empty or notes):
            notes = notes or reader.line_num
            continue
        after_empty = False
        if not width:
            width = len(row)
            row = [name.strip() for name in row]  # noqa: PLW2901 - values are cleaned column by column
        elif len(row) > width and not any(map(str.strip, row[width:])):
            row = row[:width]  # noqa: PLW2901 - Excel ends lines with empty cells
        if len(row) != width or notes:
            line, values = (notes, 1) if notes else (reader.line_num, len(row))
            raise DataError(f"{path}, line {line}: {values} values where the header has {width} columns")
        lines.append(reader.line_num)
        yield row
    if notes:
        _log.info("%s: the lines from %d on are notes below the table, not read", path, notes)
