"""Shared by the tests of the declaration: a project of a user's own, and the lines that a mistake ends in."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.config import compose
from skinlab.errors import ConfigError

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings of whoever runs it."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory outside the checkout."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def write(project: Path) -> Write:
    """Write a file of the project."""

    def put(name: str, text: str) -> Path:
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return put


@pytest.fixture
def mistakes() -> Callable[..., list[str]]:
    """The lines that overrides are refused with."""

    def collect(*overrides: str, config_dirs: Sequence[Path] = ()) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            compose(overrides, config_dirs)
        return str(caught.value).splitlines()

    return collect
