"""A folder of weights of its own, and a server in place of the internet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import paths
from tests.networks.pretrained.file_server import Files, serving


@pytest.fixture(autouse=True)
def weights_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the weights of whoever runs it, nor asks a proxy for loopback."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "home"


@pytest.fixture
def files() -> Iterator[Files]:
    with serving() as running:
        yield running
