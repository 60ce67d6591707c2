"""What is fetched, as declared: comparable, recorded in fetch.json, and printable as the command that fetches it."""

import hashlib
import json
import shlex
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from skinlab.schema import IsicArchiveDataset, License

LICENSES: tuple[str, ...] = get_args(License)
Declared = dict[str, Any]
"""A declaration as it stands in fetch.json: JSON values by name, `source` among them."""


@dataclass(frozen=True)
class ArchiveQuery:
    """Which images of the ISIC Archive, and in which form.

    Attributes:
        query: in the archive's search language; empty: all images.
        collections: ids; images of any of them; empty: all.
        limit: at most so many, the first in the archive's order that have one of the licences; None: all.
        size: full, or the archive's thumbnails of 256 px.
        resize: the shorter side is brought down to this on arrival, in pixels; None: files stay as they are.
        licenses: images under others are passed over; None: all.
    """

    query: str = ""
    collections: tuple[int, ...] = ()
    limit: int | None = None
    size: Literal["full", "thumbnail"] = "full"
    resize: int | None = None
    licenses: tuple[str, ...] | None = None

    def declared(self, api: str) -> Declared:
        """For fetch.json; JSON has lists, no tuples."""
        return {"source": "isic_archive", "api": api, **json.loads(json.dumps(asdict(self)))}

    def takes(self, license_name: str) -> bool:
        """Whether images under a licence are wanted."""
        return self.licenses is None or license_name in self.licenses

    def command(self, out: str) -> str:
        """What a user types to fetch it.

        Example:
            >>> ArchiveQuery(collections=(249,), limit=10).command("data/isic")
            'skinlab data fetch --collections 249 --limit 10 --out data/isic'
        """
        words = ["skinlab", "data", "fetch"]
        words += ["--query", self.query] if self.query else []
        words += ["--collections", ",".join(map(str, self.collections))] if self.collections else []
        words += ["--limit", str(self.limit)] if self.limit is not None else []
        words += ["--size", self.size] if self.size != "full" else []
        words += ["--resize", str(self.resize)] if self.resize is not None else []
        words += ["--licenses", ",".join(self.licenses)] if self.licenses is not None else []
        return shlex.join([*words, "--out", out])


def query_of(dataset: IsicArchiveDataset) -> ArchiveQuery:
    """The query of a declared data set."""
    return ArchiveQuery(
        query=dataset.query,
        collections=tuple(sorted(set(dataset.collections))),
        limit=dataset.limit,
        size=dataset.size,
        resize=dataset.resize,
        licenses=None if dataset.licenses is None else tuple(sorted(set(dataset.licenses))),
    )


def key(declared: Declared) -> str:
    """A short name of a declaration, for its files."""
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:16]


def gist(declared: Declared) -> str:
    """A declaration in a few words: what is set.

    Example:
        >>> gist({"source": "isic_archive", "api": "https://example.org/", "query": "sex:male", "limit": None})
        'query=sex:male'
    """
    hidden = ("source", "api")
    return " ".join(f"{name}={_shown(value)}" for name, value in declared.items() if value and name not in hidden)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
