"""What the label log holds: one change of one label a line, chained by hashes. Touches no file.

Each entry's hash covers its own content and the hash of the entry before it, so the last hash stands for everything up
to it: it is the revision.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from skinlab import files
from skinlab.errors import DataError

NONE = "none"
"""The revision before the first entry: no corrections."""
SHORT = 12
"""Hexadecimal digits of a revision that are shown."""
SHORTEST = 4
_BEGINNING = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is entered.

    Attributes:
        image_id: the image, as the manifest names it.
        old_label: the label in effect before.
        new_label: the label in effect after.
        source_label: the label that the source itself gave at that time; equal to `new_label` where the entry takes a
            correction back.
        sha256: of the image file that was looked at, hex.
        who: a person or a program.
        why: the reason.
    """

    image_id: str
    old_label: str
    new_label: str
    source_label: str
    sha256: str
    who: str
    why: str

    @property
    def corrects(self) -> bool:
        """Whether it says anything else than the source."""
        return self.new_label != self.source_label


@dataclass(frozen=True, kw_only=True)
class Entry(Change):
    """A change as it stands in the log.

    Attributes:
        number: its place, from 1.
        when: UTC, ISO 8601.
        previous: hash of the entry before.
        hash: SHA-256 of all the rest, hex: the revision that ends here.
    """

    number: int
    when: str
    previous: str
    hash: str

    @property
    def revision(self) -> str:
        """The hash as it is shown."""
        return self.hash[:SHORT]

    def line(self) -> bytes:
        """The entry as a line of the log."""
        return json.dumps(asdict(self), ensure_ascii=False).encode() + b"\n"


_NAMES = tuple(field.name for field in fields(Entry))


def follow(last: Entry | None, change: Change, when: str) -> Entry:
    """The entry that a change becomes after the last one that is there."""
    number, previous = (last.number + 1, last.hash) if last else (1, _BEGINNING)
    content = {**asdict(change), "number": number, "when": when, "previous": previous}
    return Entry(**content, hash=_digest(content))


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def parse(content: bytes, path: Path, known: Sequence[Entry] = ()) -> tuple[list[Entry], int]:
    """The entries of a log, each checked against the one before it.

    Args:
        content: of the file; without its beginning where that is known.
        path: the file, for messages.
        known: the entries of the beginning, checked before.

    Returns:
        All entries, and how many bytes of `content` they take: what follows is a line that was never finished. A
        whole entry that only lacks its line break counts.

    Raises:
        DataError: a line was changed, or lines are missing or out of order.
    """
    *lines, tail = content.split(b"\n")
    entries = list(known)
    last = entries[-1] if entries else None
    for number, line in enumerate(lines, len(entries) + 1):
        last = _checked(line, last, f"{path}, line {number}")
        entries.append(last)
    whole = _read(tail) if tail else None
    if whole is not None and not _fault(whole, last):
        return [*entries, whole], len(content)
    return entries, len(content) - len(tail)


def _checked(line: bytes, last: Entry | None, where: str) -> Entry:
    entry = _read(line)
    fault = "it is not an entry" if entry is None else _fault(entry, last)
    if entry is None or fault:
        raise DataError(
            f"{where}: {fault}; the log was damaged or changed by hand: "
            "put it back from a copy, its entries must stay as they were written"
        )
    return entry


def _read(line: bytes) -> Entry | None:
    """The entry of a line, None where it is none."""
    try:
        content = files.json_value(line)
    except ValueError:  # of JSON or of UTF-8
        return None
    if not isinstance(content, dict) or set(content) != set(_NAMES):
        return None
    texts = all(isinstance(value, str) for name, value in content.items() if name != "number")
    return Entry(**content) if texts and type(content["number"]) is int else None


def _fault(entry: Entry, last: Entry | None) -> str:
    """What is wrong with an entry where it stands; empty where nothing is."""
    content = asdict(entry)
    del content["hash"]
    if _digest(content) != entry.hash:
        return "its content does not have its hash"
    if (entry.number, entry.previous) != ((last.number + 1, last.hash) if last else (1, _BEGINNING)):
        return f"entry {entry.number} does not follow from the line before"
    return ""


def revision_of(entries: Sequence[Entry]) -> str | None:
    """The revision that these entries are, in full; None before the first."""
    return entries[-1].hash if entries else None


def until(entries: Sequence[Entry], revision: str | None, path: Path) -> list[Entry]:
    """The entries up to a revision.

    Args:
        entries: of the whole log.
        revision: the hash of an entry or its beginning, `none`, or None for the newest.
        path: the log, for messages.

    Raises:
        DataError: there is no such revision, or there are several.
    """
    if revision is None:
        return list(entries)
    return [] if revision == NONE else list(entries[: find(entries, revision, path).number])


def find(entries: Sequence[Entry], wanted: str, path: Path) -> Entry:
    """The entry of a number, or of a hash or its beginning.

    Raises:
        DataError: there is none, or there are several.
    """
    if wanted.isdecimal() and 1 <= int(wanted) <= len(entries):
        return entries[int(wanted) - 1]
    found = [entry for entry in entries if entry.hash.startswith(wanted.lower())] if len(wanted) >= SHORTEST else []
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{path}: {wanted} begins the hashes of entries {found[0].number} and {found[1].number}")
    held = f"it has {len(entries)}, the newest is {entries[-1].revision}" if entries else "it has none"
    raise DataError(f"{path} has no entry {wanted}: {held}; `skinlab data labels` lists them")


def last_by_image(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The entry that holds for each image."""
    return {entry.image_id: entry for entry in entries}
