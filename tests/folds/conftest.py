from pathlib import Path

import pytest

from tests.folds.fold_builders import three_folds


@pytest.fixture(scope="session")
def drawn_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms are drawn once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def home(drawn_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps every test out of the user's cache."""
    monkeypatch.setenv("SKINLAB_HOME", str(drawn_home))
    return drawn_home


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three finished folds, in a sweep of the working directory."""
    monkeypatch.chdir(tmp_path)
    return three_folds(Path("sweep"))
