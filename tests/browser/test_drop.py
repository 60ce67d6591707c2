"""The page to drop an image on, in a real browser before a real service."""

import base64
import time

import pytest

from skinlab.networks.resnet import resnet
from tests.browser.legibility import PALE
from tests.deployment.conftest import deployments_home  # noqa: F401 - a fixture
from tests.deployment.services import RED, deploy, key_of
from tests.serving.bundles import write_bundle

pytestmark = pytest.mark.usefixtures("deployments_home")
DROP = """(() => {
  const bytes = Uint8Array.from(atob("%s"), character => character.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "lesion.png", {type: "image/png"}));
  const told = new DragEvent("drop", {bubbles: true, cancelable: true});
  Object.defineProperty(told, "dataTransfer", {value: carried});
  document.getElementById("drop").dispatchEvent(told);
})()"""
STATE = "document.getElementById('state').textContent"


@pytest.fixture(scope="module")
def service(tmp_path_factory, deployments_home):  # noqa: F811 - the fixture
    network = resnet("resnet18", 64, 2, [0.5] * 3, [0.2] * 3)
    return deploy(write_bundle(tmp_path_factory.mktemp("bundle") / "b", architecture=network), "page")


def until(true):
    """Waits until something is so."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def dropped(browser, content):
    """What the page says once it has an answer."""
    browser.value(DROP % base64.b64encode(content).decode())
    until(lambda: browser.value(STATE) not in ("", "Asking…"))
    return browser.value(STATE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_dropped_image_is_answered_with_its_heat_map_and_the_note(browser, service, scheme):
    browser.open(f"{service.address}/", scheme=scheme)
    browser.value(f"document.getElementById('key').value = '{key_of(service)}'")
    assert dropped(browser, RED) == "Answered."
    assert browser.value("document.getElementById('decision').textContent").startswith("The model calls it: ")
    numbers = browser.value(
        "[...document.querySelectorAll('#probabilities td:nth-child(2)')].map(td => Number(td.textContent))"
    )
    assert sum(numbers) == pytest.approx(1, abs=0.002)
    shown = "[...document.querySelectorAll('figure')].map(f => !f.hidden && f.querySelector('img').naturalWidth)"
    assert browser.value(shown) == [9, 256]
    assert "not for diagnosis" in browser.value("document.getElementById('note').textContent")
    assert "nothing shown here is a diagnosis" in browser.value("document.body.textContent")
    assert browser.value(PALE) == []
    assert browser.complaints() == []
    foreign = [address for address in browser.requests() if not address.startswith((service.address, "data:", "blob:"))]
    assert foreign == []


def test_what_goes_wrong_is_said(browser, service):
    browser.open(f"{service.address}/")
    assert dropped(browser, RED).startswith("Not answered: a key is needed")
    assert "skinlab deployments key NAME" in browser.value(STATE)
    assert browser.value("document.activeElement.id") == "key"
    browser.call("Input.insertText", text=key_of(service))
    browser.value("document.activeElement.blur()")  # the image need not be dropped again
    until(lambda: browser.value(STATE) == "Answered.")
    assert dropped(browser, b"no image").startswith("Not answered: image 0: not an image")
    assert browser.value("document.getElementById('answer').hidden")


def test_the_page_fits_a_phone_and_can_be_used_by_keyboard(browser, service):
    browser.open(f"{service.address}/", width=360)
    assert browser.value("document.documentElement.scrollWidth") <= 360
    browser.value(f"document.getElementById('key').value = '{key_of(service)}'")
    assert dropped(browser, RED) == "Answered."
    assert browser.value("document.documentElement.scrollWidth") <= 360
    assert browser.value("[...document.querySelectorAll('input, a')].every(one => one.tabIndex === 0)")
    unnamed = "[...document.querySelectorAll('input')].filter(one => !one.labels.length).length"
    assert browser.value(unnamed) == 0


def test_the_manual_is_readable_and_asks_nobody_else(browser, service):
    browser.open(f"{service.address}/docs")
    assert "POST /score" in browser.value("document.body.innerText")
    assert browser.value(PALE) == []
    assert browser.complaints() == []
    assert [address for address in browser.requests() if not address.startswith(service.address)] == []
