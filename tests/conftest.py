"""Shared by all tests: a home of their own, the CNTK runtime and real images where there are any."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import kept, logs, paths
from skinlab.engines.cntk import runtime, warm

ROOT = Path(__file__).resolve().parent.parent
REAL_IMAGES = ROOT.parent / "shared" / "data"
REAL_HOME = paths.home()


@pytest.fixture(autouse=True)
def nothing_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command leaves to its process: where lines go, an idle CNTK worker, and that values are kept."""
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, logs.ConsoleHandler)]
    keeper = warm._Keeper()
    monkeypatch.setattr(warm, "_keeper", keeper)
    monkeypatch.setattr(kept, "_wish", kept._Wish())
    with logs.restored():
        yield
    keeper.end()


@pytest.fixture(scope="session")
def cntk_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the user's CNTK runtime and a cache of its own."""
    if runtime.find() is None:
        pytest.skip("the CNTK runtime is missing: run `skinlab setup cntk`")
    home = tmp_path_factory.mktemp("home")
    (home / "runtimes").symlink_to(REAL_HOME / "runtimes")
    return home


@pytest.fixture
def home(cntk_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`cntk_home` in force."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(cntk_home))
    return cntk_home


@pytest.fixture
def real_images() -> Path:
    """The folder of real dermoscopy images that lies beside a development checkout."""
    if not REAL_IMAGES.is_dir():
        pytest.skip(f"real images are missing: {os.path.relpath(REAL_IMAGES, ROOT)}")
    return REAL_IMAGES
