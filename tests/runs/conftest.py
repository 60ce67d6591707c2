from pathlib import Path

import pytest

from tests.runs.run_builders import make_runs


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output folder of the current directory, with runs."""
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    make_runs(Path("outputs"))
    return Path("outputs")
