"""Runs that were trained from Python, without an engine: a linear classifier on the features of a drawn network."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import skinlab
from skinlab import paths
from skinlab.api import RunView

DECLARED = ("experiment=debug", "method=featurize", "evaluation.bootstrap=100", "audit.near_duplicates=false")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of these tests are trained."""
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of these tests: looks at test subsets are counted there."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _in_folder(folder: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv(paths.HOME_VARIABLE, str(own_home))


@pytest.fixture(scope="session")
def trained(folder: Path, own_home: Path) -> RunView:
    """A finished run; only to be read."""
    with _working(folder, own_home):
        return skinlab.train(skinlab.compose(*DECLARED))


@pytest.fixture(scope="session")
def other(folder: Path, own_home: Path) -> RunView:
    """The same with another seed; only to be read."""
    with _working(folder, own_home):
        return skinlab.train(skinlab.compose(*DECLARED, seed=2))


@contextlib.contextmanager
def _working(folder: Path, home: Path) -> Iterator[None]:
    before = os.environ.get(paths.HOME_VARIABLE)
    os.environ[paths.HOME_VARIABLE] = str(home)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.pop(paths.HOME_VARIABLE)
        if before is not None:
            os.environ[paths.HOME_VARIABLE] = before
