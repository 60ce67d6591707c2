"""Images from the ISIC Archive or from a table of addresses: what `skinlab data fetch` does."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinlab.api import display, frames
from skinlab.commands import data_fetch
from skinlab.data.archive.fetch import Summary
from skinlab.data.archive.folder import METADATA

if TYPE_CHECKING:
    import pandas as pd


class FetchView:
    """A local copy, and how the fetch ended.

    Attributes:
        path: the folder; `dataset.path` of `dataset=isic_archive` or `dataset=urls`.
        summary: how many files came, and what could not be had.
    """

    def __init__(self, path: Path, summary: Summary) -> None:
        self.path = path
        self.summary = summary

    def __repr__(self) -> str:
        failed = f", {len(self.summary.failures)} failed" if self.summary.failures else ""
        return f"<{self.summary.complete} images in {self.path}{failed}>"

    @property
    def metadata(self) -> "pd.DataFrame":
        """A row an image: licence, attribution, lesion, patient, diagnoses, age, sex, site, ..."""
        return frames.table(self.path / METADATA, numbers="\0")

    @property
    def failures(self) -> "pd.DataFrame":
        """What could not be had, and why; the same fetch tries it again."""
        return frames.frame([{"name": failure.name, "reason": failure.reason} for failure in self.summary.failures])

    def _repr_html_(self) -> str:
        body = [[failure.name, failure.reason] for failure in self.summary.failures]
        return display.rows(f"{self.summary.complete} images in {self.path}", ["failed", "why"] if body else [], body)


def fetch(
    out: str | PathLike[str],
    *,
    query: str = "",
    collections: Sequence[int] = (),
    limit: int | None = None,
    size: Literal["full", "thumbnail"] | None = None,
    resize: int | None = None,
    licenses: Sequence[str] = (),
    urls: str | PathLike[str] | None = None,
    extend: bool = False,
) -> FetchView:
    """Fetch images with their metadata, licences and attribution; goes on where an earlier call stopped.

    Args:
        out: the folder that they go into.
        query: in the archive's search language; empty: all images.
        collections: ids of collections; none: all.
        limit: at most so many, the first in the archive's order.
        size: full files (None too), or the archive's thumbnails.
        resize: the shorter side that files are brought down to on arrival.
        licenses: only images under these.
        urls: instead of the archive: a table with the columns url, label and maybe group and name.
        extend: add to a folder that holds another fetch.

    Raises:
        ConfigError: a value that does not go with the others; it names the option of the command.
        DataError: the archive cannot be listed, or the folder holds another fetch.
        OutputError: the folder cannot be written.
    """
    given = {
        "--query": query,
        "--collections": ",".join(map(str, collections)),
        "--limit": "" if limit is None else str(limit),
        "--size": size or "",
        "--resize": "" if resize is None else str(resize),
        "--licenses": ",".join(licenses),
        "--urls": "" if urls is None else fspath(urls),
        "--out": fspath(out),
    }
    words = [f"{option}={value}" for option, value in given.items() if value]
    return FetchView(Path(out), data_fetch.fetch([*words, *(["--extend"] if extend else [])]))
