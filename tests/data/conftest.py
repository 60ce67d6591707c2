"""What the tests of the data room share: a home of their own, small image folders, the real images."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.data_builders import noise_image

REAL = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps every test out of the user's cache."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SKINLAB_HOME", str(folder))
    return folder


@pytest.fixture
def isic2017() -> Path:
    folder = REAL / "isic2017"
    if not folder.is_dir():
        pytest.skip(f"real dermoscopy images are missing: {folder}")
    return folder


@pytest.fixture
def ham10000() -> Path:
    folder = REAL / "ham10000"
    if not folder.is_dir():
        pytest.skip(f"real dermoscopy images are missing: {folder}")
    return folder


@pytest.fixture
def fullsize() -> Path:
    folder = REAL / "uda1_fullsize"
    if not folder.is_dir():
        pytest.skip(f"real dermoscopy images are missing: {folder}")
    return folder


@pytest.fixture
def class_folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes PATH/<class>/<n>.png with different noise in each file."""

    def make(**counts: int) -> Path:
        root = tmp_path / "images"
        for number, (label, count) in enumerate(counts.items()):
            (root / label).mkdir(parents=True)
            for i in range(count):
                noise_image(1000 * number + i).save(root / label / f"{label}_{i:03}.png")
        return root

    return make


@pytest.fixture
def image_files(tmp_path: Path) -> Callable[..., Path]:
    """Makes images of the given names below a folder of their own."""

    def make(*names: str) -> Path:
        root = tmp_path / "files"
        for number, name in enumerate(names):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            noise_image(number, 12, 10).save(root / name)
        return root

    return make
