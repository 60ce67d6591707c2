"""One file to fetch and the page of a listing it came on: what sources yield and the rest works on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Entry:
    """A file to fetch.

    Attributes:
        name: unique in its source.
        file: where it goes, relative to the local copy: one folder and a safe name.
        address: where it is fetched from; may expire, see `Source.fresh`.
        size: in bytes, None where the source does not say.
        row: its line of metadata.csv.
    """

    name: str
    file: str
    address: str
    size: int | None
    row: dict[str, str]


@dataclass(frozen=True)
class Page:
    """A stretch of a listing.

    Attributes:
        entries: in the source's order.
        following: the cursor of the next page, None for the last.
        count: how many entries the source says there are in all, None where it does not.
    """

    entries: Sequence[Entry]
    following: str | None
    count: int | None

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        return asdict(self)


def page_of_json(value: dict[str, Any]) -> Page:
    """What `Page.to_json` wrote."""
    return Page([Entry(**entry) for entry in value["entries"]], value["following"], value["count"])


class Source(Protocol):
    """Lists what there is to fetch."""

    def page(self, cursor: str | None) -> Page:
        """The page at a cursor; None: the first."""

    def fresh(self, entry: Entry) -> str | None:
        """Where an entry is to be had now that its address is refused; None: nowhere else."""
