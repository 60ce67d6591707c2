import pytest

from skinlab.sweeps.page import sweep_page
from tests.browser import legibility
from tests.sweeps.sweep_builders import TWO, searched


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A search with two objectives, pruned trials and a failed one."""
    made = searched(tmp_path_factory.mktemp("sweep") / "s", objectives=TWO)
    file = made.path / "sweep.html"
    file.write_text(sweep_page(made), encoding="utf-8")
    return file


@legibility.at_every_look
def test_page_fits_its_text_is_legible_and_nothing_is_complained_about(width, scheme, page, browser):
    browser.open(page.as_uri(), width=width, scheme=scheme)
    legibility.check(browser, width)


def test_page_asks_nothing_of_anybody_and_its_links_lead_somewhere(page, browser):
    browser.open(page.as_uri())
    assert [address for address in browser.requests() if not address.startswith(("file:", "data:"))] == []
    missing = "[...document.querySelectorAll('nav a')].filter(a => !document.querySelector(a.getAttribute('href')))"
    assert browser.value(f"{missing}.length") == 0
    assert browser.value("document.querySelectorAll('nav a').length") == 11


def test_nothing_is_drawn_outside_its_chart(page, browser):
    browser.open(page.as_uri())
    outside = """[...document.querySelectorAll('svg.chart')].flatMap(chart => {
      const box = chart.getBoundingClientRect();
      return [...chart.querySelectorAll('circle, polyline, path, text')].filter(part => {
        const own = part.getBoundingClientRect();
        const across = own.left < box.left - 2 || own.right > box.right + 2;
        return across || own.top < box.top - 2 || own.bottom > box.bottom + 2;
      }).map(part => part.outerHTML.slice(0, 120));
    })"""
    assert browser.value(outside) == []
