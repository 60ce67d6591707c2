"""The rows of metadata.csv while a fetch goes on, held small: the whole archive has half a million."""

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from skinlab.data.archive.entries import Entry


@dataclass(slots=True)
class _Held:
    name: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    fetches: tuple[int, ...]


class Rows:
    """What is wanted, by file; equal texts are kept once."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._columns: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, entry: Entry, fetch: int) -> bool:
        """Note that a fetch (1, 2, ...) names an entry; whether it is the first to do so. The first row stays."""
        if (held := self._held.get(entry.file)) is not None:
            held.fetches += (fetch,)
            return False
        columns = tuple(entry.row)
        columns = self._columns.setdefault(columns, columns)
        values = tuple(sys.intern(value) for value in entry.row.values())
        self._held[entry.file] = _Held(sys.intern(entry.name), columns, values, (fetch,))
        return True

    def row(self, file: str) -> dict[str, str] | None:
        """The row of a file, None where nothing named it yet."""
        held = self._held.get(file)
        return None if held is None else dict(zip(held.columns, held.values, strict=True))

    def table(self, without: Collection[str]) -> Iterator[dict[str, str]]:
        """The rows of metadata.csv, sorted by file, but for entries of these names."""
        for file, held in sorted(self._held.items()):
            if held.name not in without:
                further = {"file": file, "fetch": " ".join(map(str, held.fetches))}
                yield {**dict(zip(held.columns, held.values, strict=True)), **further}
