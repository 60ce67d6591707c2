"""A CSV table of addresses and labels as a source."""

import csv
import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from skinlab.data.archive.declaration import Declared
from skinlab.data.archive.entries import Entry, Page
from skinlab.data.sources.files import is_image
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError
from skinlab.transfer import addresses

COLUMNS = ("file", "fetch", "label", "group", "url")
_REQUIRED = ("url", "label")
_OPTIONAL = ("group", "name")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}", re.ASCII)


class UrlSource:
    """The rows of a table, as one page."""

    def __init__(self, table: Path) -> None:
        self._entries = read_urls(table)

    def declared(self, resize: int | None) -> Declared:
        """For fetch.json: the table's content, whatever it is called."""
        rows = sorted((entry.address, entry.file, *sorted(entry.row.items())) for entry in self._entries)
        digest = hashlib.sha256(repr(rows).encode()).hexdigest()
        return {"source": "urls", "sha256": digest, "images": len(rows), "resize": resize}

    def page(self, cursor: str | None) -> Page:
        """All rows."""
        return Page(self._entries, None, len(self._entries))

    def fresh(self, entry: Entry) -> str | None:
        """Nothing: there is the one address."""
        return None


def read_urls(table: Path) -> list[Entry]:
    """The entries of a CSV file with the columns url and label, and maybe group and name.

    Raises:
        DataError: it cannot be read, a row is not whole, or two rows mean the same address or file.
    """
    rows = _rows(table)
    entries = [_entry(table, line, row) for line, row in rows]
    lines = [line for line, _ in rows]
    _check_unique(table, lines, [entry.address for entry in entries], "address")
    _check_unique(table, lines, [entry.file.casefold() for entry in entries], "file name")
    return entries


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and stripped values of each row."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            _check_columns(table, list(reader.fieldnames or []))
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError as error:
        raise DataError(f"no such table: {table}") from error
    except OSError as error:
        raise DataError(f"cannot read {table}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} is not a CSV file in UTF-8: {error}") from error
    if bad := [str(line) for line, row in rows if None in row or None in row.values()]:
        raise DataError(f"{table}: {len(bad)} rows have more or fewer values than the header: lines {listed(bad)}")
    if not rows:
        raise DataError(f"{table} has no rows")
    return [(line, {name: value.strip() for name, value in row.items()}) for line, row in rows]


def _check_columns(table: Path, names: list[str]) -> None:
    for wanted in _REQUIRED:
        if wanted not in names:
            raise DataError(
                f"{table} has no column {wanted}{nearest(wanted, names)}; it needs url,label[,group][,name]"
            )
    if unknown := [name for name in names if name not in (*_REQUIRED, *_OPTIONAL)]:
        raise DataError(f"{table} has the columns {listed(unknown)} besides url,label[,group][,name]: take them out")


def _entry(table: Path, line: int, row: dict[str, str]) -> Entry:
    where = f"{table}, line {line}"
    if not row["label"]:
        raise DataError(f"{where}: no label")
    if reason := addresses.problem(row["url"], "any"):
        raise DataError(f"{where}: {reason}")
    name = row.get("name") or unquote(PurePosixPath(urlsplit(row["url"]).path).name)
    if not (_SAFE.fullmatch(name) and is_image(name)):
        raise DataError(
            f"{where}: '{name[:60]}' is no name for an image file: give one in a column name, "
            "of letters, digits, dots, - and _, e.g. lesion_1.jpg"
        )
    values = {"label": row["label"], "group": row.get("group", ""), "url": addresses.shown(row["url"])}
    return Entry(name, f"images/{name}", row["url"], None, values)


def _check_unique(table: Path, lines: list[int], values: list[str], what: str) -> None:
    by_value: dict[str, list[int]] = defaultdict(list)
    for line, value in zip(lines, values, strict=True):
        by_value[value].append(line)
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        shown = [" and ".join(map(str, by_value[value])) for value in twice]
        raise DataError(f"{table}: {len(twice)} times the same {what}: lines {listed(shown)}; leave one of each")
