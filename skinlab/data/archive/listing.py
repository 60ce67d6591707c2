"""The listing of a source, page by page, kept as it comes so that an interrupted one goes on where it was."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from skinlab.data.archive.entries import Page, Source, page_of_json
from skinlab.errors import DataError


class Listing:
    """The pages of a source: first those of the journal, then those that are still to be asked for.

    The journal is one JSON line a page, appended and flushed to the disk; a line that a kill left torn is asked for
    again.
    """

    def __init__(self, journal: Path, source: Source) -> None:
        self._journal = journal
        self._source = source

    def pages(self) -> Iterator[Page]:
        """All pages in order. New ones are asked for only as the caller goes on.

        Raises:
            DataError: the source's cursors run in a circle, or what the source raises.
            OSError: the journal cannot be written.
        """
        last: Page | None = None
        used: set[str] = set()
        for last in self._kept():
            used.add(last.following or "")
            yield last
        while last is None or last.following is not None:
            last = self._source.page(last.following if last else None)
            if last.following in used:
                raise DataError(f"the listing never ends: its page after '{last.following}' comes again")
            used.add(last.following or "")
            self._keep(last)
            yield last

    def _kept(self) -> Iterator[Page]:
        """The whole pages of the journal; what follows the last of them is cut off."""
        if not self._journal.exists():
            return
        with self._journal.open("r+b") as stream:
            whole = 0
            for line in stream:
                page = _page(line)
                if page is None:
                    break
                whole += len(line)
                yield page
            stream.truncate(whole)

    def _keep(self, page: Page) -> None:
        with self._journal.open("ab") as stream:
            stream.write(json.dumps(page.to_json(), separators=(",", ":")).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())


def _page(line: bytes) -> Page | None:
    """The page of a journal's line, None for one that is not whole."""
    if not line.endswith(b"\n"):
        return None
    try:
        return page_of_json(json.loads(line))
    except (ValueError, KeyError, TypeError):
        return None
