"""A place to work in, one finished run to look at, and small folders of images."""

from pathlib import Path

import pytest

from tests.integration.commands import EVALUATED, TINY, Done, Workplace
from tests.integration.pictures import picture


@pytest.fixture(autouse=True, scope="session")
def _needs_the_runtime(cntk_home: Path) -> None:
    """Everything here starts whole commands."""


@pytest.fixture
def workplace(tmp_path: Path, own_home: Path) -> Workplace:
    """An empty working directory."""
    return Workplace(tmp_path, own_home)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, cntk_home: Path) -> tuple[Path, Done]:
    """A finished run and the command that made it; only to be read."""
    workplace = Workplace(tmp_path_factory.mktemp("finished"), cntk_home)
    done = workplace.skinlab(
        "train", *TINY, *EVALUATED, "seed=5", "tracking=[tensorboard,mlflow]", "training.loader_workers=0"
    )
    assert done.code == 0, done.err + done.out
    return workplace.run(), done


@pytest.fixture
def finished_run(finished: tuple[Path, Done]) -> Path:
    """The directory of a finished run; only to be read."""
    return finished[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of 2 classes with 12 small images each."""
    root = tmp_path / "images"
    for label in ("benign", "malignant"):
        (root / label).mkdir(parents=True)
        for number in range(12):
            picture(f"{label}{number}").save(root / label / f"{number:02}.jpg")
    return root
