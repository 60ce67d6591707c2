"""Reviewing labels in a real browser before a real server."""

import os
import re
import time
from types import SimpleNamespace

import pytest

from skinlab.data.label_log.edit import set_label
from skinlab.data.label_log.store import LabelLog
from skinlab.data.sources import load
from skinlab.web.server import Server
from skinlab.web.workplace import Workplace
from tests.browser.conftest import SECONDS, until, violations
from tests.browser.serving import Pages
from tests.data.data_builders import folder_dataset, noise_image

CARDS = "[...document.querySelectorAll('.cell:not([hidden])')]"
NAMES = f"{CARDS}.map(cell => cell.querySelector('.name').textContent)"
FLIGHT = """async () => {
  const grid = document.getElementById("grid"), later = window.setTimeout, {now} = performance;
  let time = performance.now(), moves = 0;
  const canvas = new MutationObserver(seen => { moves += seen.length; });
  canvas.observe(grid.firstChild, {childList: true});
  performance.now = () => time;
  window.setTimeout = () => 0;  // however long a frame takes here, the page has not come to rest
  for (let frame = 0; frame < 40; frame += 1) {
    time += 16;
    grid.scrollTop += frame ? 400 : 1;
    await new Promise(requestAnimationFrame);
  }
  canvas.disconnect();
  Object.assign(window, {setTimeout: later});
  performance.now = now;
  return moves;
}"""
"""Scrolls by 25 px a millisecond, as the page measures it; tells how often lines came into the page or left it."""
SAVED = "document.getElementById('state').textContent === 'all saved'"


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
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
def log(images):
    return LabelLog(images / "labels.log")


@pytest.fixture
def start(images, tmp_path):
    """Starts the pages on the images."""

    def started(port=0):
        return Pages("--dataset", str(images), folder=tmp_path, port=port)

    return started


@pytest.fixture
def pages(images, tmp_path):
    """The pages in this process, which is faster to start; it cannot be killed."""
    server = Server(Workplace(tmp_path / "outputs", folder_dataset(images)))
    server.start()
    yield SimpleNamespace(link=server.link, origin=server.origin)
    server.close()


def ready(page):
    """Waits until the images are there."""
    until(page, f"{CARDS}.length > 3 && {CARDS}.every(cell => cell.querySelector('.name').textContent)")
    return page


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def wait_for(expected, found):
    """Waits until what is found is as expected."""
    end = time.monotonic() + SECONDS
    while (now := found()) != expected:
        assert time.monotonic() < end, now
        time.sleep(0.05)


def test_ten_labels_by_keyboard_outlive_a_killed_server(start, visit, log):
    with start() as first:
        page = ready(visit(first.link))
        press(page, *["2"] * 10)
        until(page, SAVED)
        first.kill()
    assert [entry.new_label for entry in log.read()] == ["malignant"] * 10
    assert {(entry.why, entry.old_label) for entry in log.read()} == {("looked at in review", "benign")}
    page.close()
    visit.complaints.clear()  # the browser has said that the server is gone
    with start() as second:
        page = ready(visit(second.link))
        page.get_by_label("corrected only").check()
        until(page, "document.getElementById('count').textContent === '10 images of 30'")
        ready(page)
        assert page.evaluate(f"{CARDS}.map(cell => cell.querySelector('.chip').textContent)") == ["malignant"] * 10
        assert page.evaluate(f"{CARDS}.map(cell => cell.querySelector('.mark').textContent)") == ["was benign"] * 10


def test_undo_and_redo_by_keyboard_and_button(pages, visit, log):
    page = ready(visit(pages.link))
    press(page, "2", "2")
    until(page, SAVED)
    press(page, "Control+z")
    wait_for(["malignant", "malignant", "benign"], lambda: [entry.new_label for entry in log.read()])
    page.get_by_role("button", name="Undo").click()
    wait_for(4, lambda: len(log.read()))
    page.get_by_role("button", name="Redo").click()
    wait_for(5, lambda: len(log.read()))
    until(page, SAVED)
    last = {entry.image_id: entry.new_label for entry in log.read()}
    assert list(last.values()) == ["malignant", "benign"]
    assert page.locator(".cell .mark").all_text_contents()[:2] == ["was benign", ""]
    page.reload()
    ready(page)
    press(page, "Control+z")  # what can be undone is known after a reload, too
    wait_for(6, lambda: len(log.read()))


def test_several_are_selected_by_keyboard_and_mouse_and_labelled_in_one_step(pages, visit, log):
    page = ready(visit(pages.link))
    press(page, "Shift+ArrowRight", "Shift+ArrowRight")
    page.locator(".cell").nth(4).click(modifiers=["Control"])
    assert page.locator(".cell[aria-selected=true]").count() == 4
    page.locator("#labels").get_by_role("button", name="malignant").click()
    until(page, SAVED)
    assert len(log.read()) == 4
    press(page, "Control+z")
    wait_for(8, lambda: len(log.read()))
    page.locator("#grid").focus()
    press(page, "Escape", "Control+a")
    assert page.locator("#labels").get_attribute("data-for") == "30 images selected:"


def test_filters(pages, visit, log):
    page = ready(visit(pages.link))
    page.locator("select[name=label]").select_option("malignant")
    until(page, "document.getElementById('count').textContent === '15 images of 30'")
    until(page, f"{NAMES}[0] === 'lesion_01'")
    page.get_by_label("Text").fill("LESION_1")
    until(page, "document.getElementById('count').textContent === '5 images of 30'")
    until(page, f"{NAMES}.join() === 'lesion_11,lesion_13,lesion_15,lesion_17,lesion_19'")
    page.locator("#grid").focus()
    press(page, "1")
    until(page, SAVED)
    assert page.evaluate(f"{NAMES}.length") == 5  # the list stays while one works on it
    page.reload()
    until(page, "document.getElementById('count').textContent === '4 images of 30'")  # and is kept
    page.get_by_role("button", name="Clear").click()
    until(page, "document.getElementById('count').textContent === '30 images'")
    page.get_by_label("Text").fill("nowhere")
    page.get_by_text("No image is like this.").wait_for()
    assert len(log.read()) == 1


def test_what_flies_past_is_not_asked_for_and_leaves_the_lines_in_the_page(images, pages, visit):
    for number in range(1500):
        os.link(images / "benign" / "lesion_00.png", images / "benign" / f"more_{number:04}.png")
    page = ready(visit(pages.link))
    until(page, "[...document.querySelectorAll('.cell img')].every(image => image.src && image.complete)")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    assert page.evaluate(FLIGHT) == 0
    assert [address for address in asked if "/rows" in address or "/thumbnail" in address] == []
    page.evaluate("document.getElementById('grid').scrollTop += 1")  # and comes to rest
    until(page, f"{NAMES}.length > 20 && {NAMES}.every(Boolean) && {NAMES}[0] > 'more_0200'")
    assert page.evaluate(f"JSON.stringify({NAMES}) === JSON.stringify({NAMES}.sort())")  # in order, for who reads it


def test_two_tabs_see_each_other(pages, visit, log):
    one = ready(visit(pages.link))
    other = ready(visit(f"{pages.origin}/review", context=one.context))
    one.bring_to_front()
    press(one, "2")
    until(one, SAVED)
    other.bring_to_front()
    until(other, f"{CARDS}[0].querySelector('.chip').textContent === 'malignant'")
    press(other, "1")
    until(other, SAVED)
    one.bring_to_front()
    until(one, f"{CARDS}[0].querySelector('.chip').textContent === 'benign'")
    assert [entry.new_label for entry in log.read()] == ["malignant", "benign"]


def test_what_was_changed_behind_the_page_is_a_conflict_that_is_shown_and_not_overwritten(pages, visit, log, images):
    page = ready(visit(pages.link))
    page.route("**/review/news*", lambda route: route.abort())  # so that it does not hear of what follows
    name, manifest = page.locator(".cell .name").first.get_attribute("title"), load(folder_dataset(images))
    set_label(log, manifest, name, "malignant", why="histology", who="eve")
    set_label(log, manifest, name, "benign", why="of another lesion", who="eve")
    press(page, "2")
    page.get_by_text(re.compile("was set to benign by eve meanwhile .“of another lesion”")).wait_for()
    assert len(log.read()) == 2
    page.get_by_role("button", name="Set malignant all the same").click()
    wait_for(3, lambda: len(log.read()))
    visit.complaints.clear()  # the browser tells of refused and aborted requests


def test_what_was_not_saved_is_said_kept_over_a_reload_and_saved_once_the_server_is_back(start, visit, log):
    with start() as first:
        page = ready(visit(first.link))
        port = first.port
        first.kill()
    press(page, "2")
    page.get_by_text(re.compile("Not saved: the server does not answer. 1 change waits")).wait_for()
    assert log.read() == []
    with start(port) as second:
        page.get_by_text(re.compile("the pages were started anew")).wait_for()
        visit(second.link, context=page.context)
        page.bring_to_front()
        page.get_by_role("button", name="Try now").click()
        until(page, SAVED)
        assert len(log.read()) == 1
    visit.complaints.clear()


def test_an_image_is_opened_zoomed_labelled_and_left_by_keyboard(pages, visit, log):
    page = ready(visit(pages.link))
    press(page, "Enter")
    factor = page.locator("#factor")
    until(page, "document.getElementById('factor').textContent !== ''")
    before = factor.text_content()
    press(page, "+", "+")
    assert factor.text_content() != before
    press(page, "0")
    assert factor.text_content() == before
    press(page, "ArrowRight", "2")
    page.locator(".history").get_by_text("benign → malignant").wait_for()
    assert page.locator("#place").text_content() == "2 of 30"
    page.get_by_role("button", name="Take back").click()
    wait_for(2, lambda: len(log.read()))
    press(page, "Escape")
    assert page.evaluate("document.activeElement.id") == "grid"


def test_the_page_fits_and_axe_finds_nothing(pages, visit):
    page = ready(visit(pages.link))
    for width in (1200, 360):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            press(ready(page), "Escape", "2", "Shift+ArrowRight")
            until(page, SAVED)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert violations(page) == []
            press(page, "Enter")
            page.get_by_text("Runs that used it").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert violations(page) == []
            press(page, "Escape")


def test_only_what_is_in_sight_is_in_the_page_and_nobody_else_is_asked(pages, visit):
    asked = []
    page = visit(f"{pages.origin}/")  # without the link nobody comes in
    assert "open the link" in page.locator("body").text_content()
    visit.complaints.clear()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages.link)
    page.set_viewport_size({"width": 400, "height": 500})
    ready(page)
    assert page.locator(".line").count() < 10
    assert page.locator("#grid").get_attribute("aria-rowcount") == "15"
    assert [address for address in asked if not address.startswith(pages.origin)] == []
