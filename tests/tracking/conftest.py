"""Records of a run, and a local MLflow store that was made once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinlab.tracking.sink import Record, Subject, Sweep

MakeSubject = Callable[..., Subject]


def record(epoch: int, **changes: Any) -> Record:
    """The line of an epoch."""
    return {"epoch": epoch, "learning_rate": 0.01, "train_loss": 1 / epoch, "validation_auc": 0.9} | changes


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as mlflow makes it, which takes seconds."""
    pytest.importorskip("mlflow", reason="needs mlflow")
    from skinlab.tracking import mlflow

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow._make_store(file, file.parent / "mlartifacts")
    return file


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """The address of an empty SQLite store."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def subject(tmp_path: Path) -> MakeSubject:
    """A run, maybe the trial of a sweep."""

    def make(identity: str = "a1", *, sweep: str | None = None) -> Subject:
        folder = tmp_path / (sweep or "runs") / identity
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "summary.json").write_text(json.dumps({"of": identity}))
        return Subject(
            identity,
            folder,
            {"seed": 1, "dataset.classes": ["a", "b"], "augmentation.long": "x" * 7000, "dataset.classes.a&b": None},
            {"skinlab_path": str(folder)},
            Sweep(f"sweep-{sweep}", folder.parent) if sweep else None,
        )

    return make
