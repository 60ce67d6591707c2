"""Reviewing labels in a real browser before a real server."""

import pytest

from tests.browser.conftest import violations
from tests.browser.serving import Pages
from tests.data.data_builders import noise_image


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))


@pytest.fixture
def images(tmp_path):
    """Thirty images of two classes."""
    for number in range(30):
        place = tmp_path / "images" / ("benign", "malignant")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(place / f"lesion_{number:02}.png")
    return tmp_path / "images"


@pytest.fixture
def pages(home, images, tmp_path):
    with Pages("--dataset", str(images), folder=tmp_path) as running:
        yield running


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_axe_finds_nothing(pages, visit, width, scheme):
    page = visit(pages.link, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
