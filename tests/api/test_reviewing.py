"""The review page of a notebook."""

import re
from pathlib import Path

import pytest
import requests

import skinlab
from skinlab.errors import ConfigError, DataError
from tests.data.data_builders import folder_dataset, noise_image


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(4):
        place = tmp_path / "images" / ("benign", "malignant")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(place / f"lesion_{number}.png")
    return tmp_path / "images"


def test_the_frame_shows_the_page_and_takes_labels_until_it_is_closed(images: Path) -> None:
    with skinlab.review(images, height=420) as view:
        shown = view._repr_html_()
        assert 'height="420"' in shown
        address = re.search(r'src="([^"]+)"', shown)[1]  # type: ignore[index]
        page = requests.get(address, timeout=20)
        assert (page.status_code, "Review" in page.text) == (200, True)
        assert "set-cookie" not in page.headers
        origin = "/".join(address.split("/")[:3])
        change = {"id": "benign/lesion_0", "label": "malignant", "seen": 0}
        asked = {"changes": [change], "who": "ada", "why": "looked"}
        done = requests.post(f"{address}/labels", json=asked, headers={"origin": origin}, timeout=20)
        assert done.status_code == 200
        foreign = {"origin": "http://localhost:8888"}  # the notebook around it changes nothing
        assert requests.post(f"{address}/labels", json=asked, headers=foreign, timeout=20).status_code == 403
    assert '"why": "looked"' in (images / "labels.log").read_text()
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=20)
    view.close()


def test_its_key_is_in_nothing_that_is_printed(images: Path) -> None:
    with skinlab.review(folder_dataset(images)) as view:
        key = view.address.split("/")[4]
        assert key not in repr(view)
        assert key not in repr(view._server.keys)


def test_mistakes_are_told_in_the_cell(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder or table"):
        skinlab.review(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="height=0"):
        skinlab.review(tmp_path, height=0)


def test_the_images_of_a_run_are_shown_with_what_it_says_of_them(trained: skinlab.api.RunView) -> None:
    with skinlab.review(trained) as view:
        page = requests.get(view.address, timeout=20).text
    assert '"judged": true' in page
    assert "doubted by the model" in page
