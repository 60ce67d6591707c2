"""A running archive, and fetches that lose no time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab.data.archive.declaration import ArchiveQuery
from skinlab.data.archive.fetch import Manners, Summary, fetch_archive
from skinlab.transfer.pace import Pacer, Patience
from skinlab.transfer.web import Web
from tests.data.archive.archive_server import Archive, serving

PATIENCE = Patience(connect=5, read=1.0, tries=12, backoff=0.01, longest_backoff=0.02)
MANNERS = Manners(jobs=4, rate=1000, patience=PATIENCE)


class Counts:
    """An observer that only counts."""

    def __init__(self) -> None:
        self.expected = self.fetched = self.failed = self.told = 0

    def expect(self, files: int) -> None:
        self.expected = files

    def advanced(self, *, fetched: int, failed: int, size: int) -> None:
        self.fetched += fetched
        self.failed += failed
        self.told += 1


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def archive() -> Iterator[Archive]:
    with serving(Archive()) as running:
        yield running


@pytest.fixture
def web() -> Web:
    return Web(Pacer(1000), PATIENCE, "loopback")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "isic"


def fetch(archive: Archive, out: Path, *, extend: bool = False, manners: Manners = MANNERS, **query) -> Summary:
    return fetch_archive(ArchiveQuery(**query), archive.api, out, manners, Counts(), extend=extend)
