"""Shared by the tests of foreign files: a home of its own, and an audit hook that allows no side effect."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import paths
from tests.hostile.audit import Watch, watched


@pytest.fixture(autouse=True)
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without settings, and the current folder, both of the test alone."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv(paths.HOME_VARIABLE, str(home))
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture
def harmless(tmp_path: Path) -> Iterator[Watch]:
    """No process, no connection and no write outside the test's own folder, until the test ends."""
    with watched(tmp_path) as watch:
        yield watch
    assert watch.seen == []
