import pytest

from tests.results.result_builders import finished_run, images


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """Keeps every test out of the user's home."""
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))


@pytest.fixture
def run(tmp_path):
    """A finished run on 80 images, 20 of them tested."""
    return finished_run(tmp_path / "run", images(tmp_path / "images"))
