"""Shared by all tests: homes of their own, the CNTK runtime and real images where there are any."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import kept, logs, paths
from skinlab.engines.cntk import runtime, warm
from tests import homes, process_state

ROOT = Path(__file__).resolve().parent.parent
REAL_IMAGES = ROOT.parent / "shared" / "data"
REAL_HOME = paths.home()
LONGEST = ("tests/docs/", "tests/integration/")
"""Where files take longest: they begin first, so that short ones fill the end and no processor waits for the last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files of `LONGEST` come first, in that order; all else stays as it is."""
    items.sort(
        key=lambda item: next((i for i, folder in enumerate(LONGEST) if item.nodeid.startswith(folder)), len(LONGEST))
    )


@pytest.fixture(autouse=True)
def nothing_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command leaves to its process: where lines go, an idle CNTK worker, the environment and the like."""
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, logs.ConsoleHandler)]
    keeper = warm._Keeper()
    monkeypatch.setattr(warm, "_keeper", keeper)
    monkeypatch.setattr(kept, "_wish", kept._Wish())
    with logs.restored(), process_state.restored():
        yield
    keeper.end()


@pytest.fixture(scope="session")
def cntk_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the user's CNTK runtime and a cache of its own; only engines and plain trainings work in it.

    What deploys, counts looks, has settings or clears the cache takes `home` or a home of its own.
    """
    if runtime.find() is None:
        pytest.skip("the CNTK runtime is missing: run `skinlab setup cntk`")
    return homes.make(tmp_path_factory.mktemp("home"), REAL_HOME)


@pytest.fixture
def own_home(cntk_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home where nothing was deployed, counted or settled; its cache alone is that of `cntk_home`."""
    return homes.make(tmp_path_factory.mktemp("home"), REAL_HOME, cache=cntk_home / "cache")


@pytest.fixture
def home(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`own_home` in force."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(own_home))
    return own_home


@pytest.fixture
def real_images() -> Path:
    """The folder of real dermoscopy images that lies beside a development checkout."""
    if not REAL_IMAGES.is_dir():
        pytest.skip(f"real images are missing: {os.path.relpath(REAL_IMAGES, ROOT)}")
    return REAL_IMAGES
