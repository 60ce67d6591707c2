"""The pages of a small folder of images, as a browser that was let in sees them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from skinlab import paths
from skinlab.web.app import create
from skinlab.web.door import Door, Keys
from skinlab.web.workplace import Workplace
from tests.data.data_builders import folder_dataset, noise_image

PORT = 8000
ORIGIN = f"http://127.0.0.1:{PORT}"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps every test out of the user's cache."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six images of two classes."""
    path = tmp_path / "images"
    for number in range(6):
        place = path / ("benign", "malignant")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(place / f"lesion_{number}.png")
    return path


@pytest.fixture
def workplace(folder: Path, tmp_path: Path) -> Workplace:
    """The folder, opened for review, beside an output folder without runs."""
    return Workplace(tmp_path / "outputs", folder_dataset(folder))


@pytest.fixture
def inside() -> Iterator[Callable[[Workplace], TestClient]]:
    """Opens the pages of a workplace in a browser that has the cookie; its changes come from the pages themselves."""
    opened: list[TestClient] = []

    def enter(workplace: Workplace) -> TestClient:
        keys = Keys()
        client = TestClient(Door(create(workplace), keys, PORT), base_url=ORIGIN, headers={"origin": ORIGIN})
        client.get("/enter", params={"token": keys.token})
        opened.append(client)
        return client

    yield enter
    for client in opened:
        client.close()


@pytest.fixture
def client(inside: Callable[[Workplace], TestClient], workplace: Workplace) -> TestClient:
    """The pages of `workplace`."""
    return inside(workplace)
