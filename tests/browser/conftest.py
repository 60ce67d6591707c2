import pytest

from tests.browser import chromium


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A real browser, the same for all tests."""
    program = chromium.find()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(chromium.PROGRAMS)} is installed")
    with chromium.Browser(program, tmp_path_factory.mktemp("chromium")) as running:
        yield running
