import contextlib
import importlib.util
import time

import pytest

from tests.browser import chromium

SECONDS = 30.0


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A real browser, the same for all tests."""
    with chromium.Browser(_program(), tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
def playwright_browser():
    """Chromium as playwright drives it; not for longer than a module, since its loop runs on this thread."""
    program = _program()
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is missing: pip install 'skinlab[dev]'")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@pytest.fixture
def visit(playwright_browser):
    """Opens an address in a fresh window; a complaint on its console fails the test in the end."""
    complaints = []
    with contextlib.ExitStack() as windows:

        def opened(address, *, width=1200, scheme="light", context=None):
            window = context or playwright_browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme
            )
            if context is None:
                windows.callback(window.close)
            page = window.new_page()
            page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(address)
            page.wait_for_url(lambda now: "/enter" not in now)
            return page

        opened.complaints = complaints
        yield opened
        assert complaints == []


def _program():
    program = chromium.find()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(chromium.PROGRAMS)} is installed")
    return program


def until(page, expression):
    """Waits until JavaScript says so; playwright's own wait needs `eval`, which the page's security policy forbids."""
    end = time.monotonic() + SECONDS
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within {SECONDS:g} s: {expression}"
        time.sleep(0.03)


def violations(page):
    """What axe-core finds wrong with a page for people who use it by ear, by keyboard or with little sight."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]][:5]) for one in found]
