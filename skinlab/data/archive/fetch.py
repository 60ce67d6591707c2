"""A fetch from beginning to end: list, download what is missing, write the tables. Read this first of this room.

    listing (kept page by page) -> what is wanted and not there -> a crew of threads -> metadata.csv, ATTRIBUTION.md

Everything that is finished is on the disk under its final name, so that the same call after any interruption goes on.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from skinlab.data.archive.api import ArchiveSource, plain_http
from skinlab.data.archive.crew import Crew
from skinlab.data.archive.declaration import ArchiveQuery, Declared, key
from skinlab.data.archive.download import download, settle
from skinlab.data.archive.entries import Entry, Page, Source
from skinlab.data.archive.folder import ATTRIBUTION, FAILURES, METADATA, LocalCopy, write_text
from skinlab.data.archive.listing import Listing
from skinlab.data.archive.rows import Rows
from skinlab.data.archive.tables import FIRST_COLUMNS, attribution_md, metadata_csv
from skinlab.data.archive.urls import COLUMNS, UrlSource
from skinlab.data.sources.files import without_extension
from skinlab.errors import DataError
from skinlab.transfer.download import Part
from skinlab.transfer.pace import Pacer, Patience
from skinlab.transfer.web import ExhaustedError, FetchError, RefusedError, Web

_HOPELESS = 20
"""So many files in a row that exhausted all tries mean that the server is down."""

_EXPIRED = frozenset({400, 401, 403, 404, 410})


@dataclass(frozen=True)
class Manners:
    """How a server is treated: files at a time, requests a second over all threads, and patience."""

    jobs: int = 4
    rate: float = 10.0
    patience: Patience = field(default_factory=Patience)


class Observer(Protocol):
    """Is told how a fetch goes on."""

    def expect(self, files: int) -> None:
        """About so many files in all; may be said again as the listing goes on."""

    def advanced(self, *, fetched: int, failed: int, size: int) -> None:
        """One more file is there: fetched with so many bytes, found there (0 of each), or failed."""


@dataclass(frozen=True)
class Failure:
    """A file that could not be had, and why."""

    name: str
    address: str
    reason: str


@dataclass
class Summary:
    """How a fetch ended.

    Attributes:
        present: files that were there already.
        fetched: files that came now.
        size: their bytes on disk.
        passed_over: listed images under other licences.
        failures: what could not be had, sorted by name.
    """

    present: int = 0
    fetched: int = 0
    size: int = 0
    passed_over: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def complete(self) -> int:
        """Files that are there."""
        return self.present + self.fetched


@dataclass(frozen=True)
class _Task:
    entry: Entry
    source: Source


@dataclass(frozen=True)
class _Outcome:
    entry: Entry
    size: int = 0
    reason: str = ""
    exhausted: bool = False


@dataclass(frozen=True)
class _Fetch:
    """One declaration of the folder: what it lists, which of it is wanted, at most how many."""

    declared: Declared
    source: Source
    takes: Callable[[Entry], bool]
    limit: int | None


def fetch_archive(
    query: ArchiveQuery, api: str, out: Path, manners: Manners, observer: Observer, *, extend: bool = False
) -> Summary:
    """Fetch images of the ISIC Archive, or go on with it.

    Args:
        query: which images.
        api: base address, from `skinlab.data.archive.api.api_address`.
        out: the local copy.
        manners: speed and patience.
        observer: is told of every file.
        extend: add to what the folder holds of other queries.

    Raises:
        DataError: the archive is down, cannot be listed or answers in another shape; the folder holds another fetch.
        OutputError: the folder cannot be written, or the disk is full.
    """
    web = Web(Pacer(manners.rate), manners.patience, plain_http(api))
    copy = LocalCopy(out)
    with copy.taken():
        declared = query.declared(api)
        if not copy.journal(declared).exists():
            ArchiveSource(web, api, query).check_collections()
        fetches = [_archive_fetch(web, each) for each in copy.begin(declared, extend=extend)]
        return _Session(copy, web, manners, observer, fetches, query.resize).run(FIRST_COLUMNS)


def _archive_fetch(web: Web, declared: Declared) -> _Fetch:
    values = {name: value for name, value in declared.items() if name not in ("source", "api")}
    values["collections"] = tuple(values["collections"])
    values["licenses"] = None if values["licenses"] is None else tuple(values["licenses"])
    query = ArchiveQuery(**values)
    source = ArchiveSource(web, declared["api"], query)
    return _Fetch(declared, source, lambda entry: query.takes(entry.row["copyright_license"]), query.limit)


def fetch_urls(
    table: Path, resize: int | None, out: Path, manners: Manners, observer: Observer, *, extend: bool = False
) -> Summary:
    """Fetch the images that a table of addresses names, or go on with it; arguments and errors as `fetch_archive`."""
    source = UrlSource(table)
    web = Web(Pacer(manners.rate), manners.patience, "any")
    copy = LocalCopy(out)
    with copy.taken():
        declared = source.declared(resize)
        known = copy.begin(declared, extend=extend)
        fetches = [
            _Fetch(each, source if each == declared else _Elsewhere(each), lambda _: True, None) for each in known
        ]
        return _Session(copy, web, manners, observer, fetches, resize).run(COLUMNS)


class _Elsewhere:
    """A table that was fetched by another command; its rows are in its journal."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared

    def page(self, cursor: str | None) -> Page:
        raise DataError(f"the fetch of the table {key(self._declared)} was never listed: run its own command first")

    def fresh(self, entry: Entry) -> str | None:
        return None


class _Session:
    """One run over all declarations of a local copy."""

    def __init__(
        self,
        copy: LocalCopy,
        web: Web,
        manners: Manners,
        observer: Observer,
        fetches: Sequence[_Fetch],
        resize: int | None,
    ) -> None:
        self._copy = copy
        self._web = web
        self._jobs = manners.jobs
        self._observer = observer
        self._fetches = fetches
        self._resize = resize
        self._summary = Summary()
        self._wanted = Rows()

    def run(self, first_columns: Sequence[str]) -> Summary:
        """Fetch what is missing, write the tables, tell how it went."""
        exhausted = 0
        crew = Crew(self._jobs, self._bring, self._web.pacer.stop)
        with closing(crew.run(self._missing())) as outcomes:
            for outcome in outcomes:
                self._count(outcome)
                exhausted = exhausted + 1 if outcome.exhausted else 0
                if exhausted >= _HOPELESS:
                    raise DataError(
                        f"{exhausted} files in a row could not be fetched, the last: {outcome.reason}; "
                        "the same command goes on later: complete files stay"
                    )
        self._conclude(first_columns)
        return self._summary

    def _missing(self) -> Iterator[_Task]:
        """What is listed and wanted but not there; listings are read as far as files are fetched."""
        for number, each in enumerate(self._fetches, 1):
            for entry in self._chosen(each):
                if self._is_new(entry, number):
                    if self._copy.is_complete(entry.file, entry.size if self._resize is None else None):
                        self._summary.present += 1
                        self._observer.advanced(fetched=0, failed=0, size=0)
                    else:
                        yield _Task(entry, each.source)
        self._observer.expect(len(self._wanted))

    def _chosen(self, each: _Fetch) -> Iterator[Entry]:
        """The entries of one declaration: wanted ones, each once, up to its limit."""
        before, names = len(self._wanted), set[str]()
        for page in Listing(self._copy.journal(each.declared), each.source).pages():
            if page.count is not None:
                self._observer.expect(before + min(page.count, each.limit or page.count))
            for entry in page.entries:
                if entry.name in names:
                    continue
                if not each.takes(entry):
                    self._summary.passed_over += 1
                    continue
                names.add(entry.name)
                yield self._kept_as(entry)
                if len(names) == each.limit:
                    return

    def _kept_as(self, entry: Entry) -> Entry:
        """What is made smaller becomes a JPEG, whatever it was."""
        if self._resize is None:
            return entry
        return replace(entry, file=f"{without_extension(entry.file)}.jpg")

    def _is_new(self, entry: Entry, number: int) -> bool:
        """Notes that a declaration names an entry, and tells whether it is the first to do so."""
        earlier = self._wanted.row(entry.file)
        if earlier is not None and earlier.get("url") != entry.row.get("url"):
            raise DataError(
                f"{entry.file} would come from two addresses, {earlier.get('url')} and {entry.row.get('url')}: "
                "give one of them another name"
            )
        return self._wanted.add(entry, number)

    def _bring(self, task: _Task) -> _Outcome:
        """Runs in a thread of the crew."""
        part = Part(self._copy.part(task.entry.name))
        try:
            self._download(task, part)
            return _Outcome(task.entry, settle(part, self._copy.root / task.entry.file, self._resize))
        except FetchError as error:
            return _Outcome(task.entry, reason=str(error), exhausted=isinstance(error, ExhaustedError))

    def _download(self, task: _Task, part: Part) -> None:
        entry = task.entry
        try:
            download(self._web, entry.address, entry.size, part)
        except RefusedError as error:
            fresh = task.source.fresh(entry) if error.status in _EXPIRED else None
            if fresh is None:
                raise
            download(self._web, fresh, entry.size, part)

    def _count(self, outcome: _Outcome) -> None:
        if outcome.reason:
            failure = Failure(outcome.entry.name, outcome.entry.row.get("url", ""), outcome.reason)
            self._summary.failures.append(failure)
        else:
            self._summary.fetched += 1
            self._summary.size += outcome.size
        self._observer.advanced(fetched=int(not outcome.reason), failed=int(bool(outcome.reason)), size=outcome.size)

    def _conclude(self, first_columns: Sequence[str]) -> None:
        """Tables first, then the record that says they are there."""
        self._summary.failures.sort(key=lambda failure: failure.name)
        failed = {failure.name for failure in self._summary.failures}
        root = self._copy.root
        write_text(root / METADATA, metadata_csv(lambda: self._wanted.table(failed), first_columns))
        if first_columns is FIRST_COLUMNS:
            write_text(root / ATTRIBUTION, attribution_md(self._wanted.table(failed)))
        self._write_failures()
        counts = {
            "complete": self._summary.complete,
            "failed": len(failed),
            "under_other_licenses": self._summary.passed_over,
        }
        self._copy.write_record([each.declared for each in self._fetches], "finished", counts)
        if not failed:
            self._copy.remove_parts()

    def _write_failures(self) -> None:
        path = self._copy.root / FAILURES
        if self._summary.failures:
            content = [{"name": each.name, "reason": each.reason} for each in self._summary.failures]
            write_text(path, json.dumps(content, indent=2) + "\n")
        else:
            path.unlink(missing_ok=True)
