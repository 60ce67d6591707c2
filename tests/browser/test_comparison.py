import pytest

from skinlab.comparison.arms import open_runs
from skinlab.comparison.comparing import Question, compare
from skinlab.comparison.page import comparison_page
from tests.browser import legibility
from tests.comparison.run_builders import Made, finished


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Three experiments, one of them with a name that is markup."""
    folder = tmp_path_factory.mktemp("comparison")
    hostile = "<img src=http://127.0.0.1:9/x onerror=document.title='run'>"
    paths = [
        finished(
            folder / str(place),
            f"network.dropout=0.{place + 1}",
            made=Made(skill=1.0 + place, draw=place, classes=("benign", hostile), positive=hostile),
        )
        for place in range(3)
    ]
    file = folder / "page.html"
    file.write_text(comparison_page(compare(*open_runs(paths), Question())), encoding="utf-8")
    return file


@legibility.at_every_look
def test_page_fits_its_text_is_legible_and_nothing_is_complained_about(width, scheme, page, browser):
    browser.open(page.as_uri(), width=width, scheme=scheme)
    legibility.check(browser, width)


def test_page_asks_nothing_of_anybody_and_runs_nothing_that_is_in_the_data(page, browser):
    browser.open(page.as_uri())
    assert browser.value("document.title") == "AUC of 3 experiments"
    assert [address for address in browser.requests() if not address.startswith(("file:", "data:"))] == []
    assert browser.complaints() == []


def test_the_links_lead_to_the_sections(page, browser):
    browser.open(page.as_uri())
    missing = "[...document.querySelectorAll('nav a')].filter(a => !document.querySelector(a.getAttribute('href')))"
    assert browser.value(f"{missing}.length") == 0
    assert browser.value("document.querySelectorAll('nav a').length") >= 4
