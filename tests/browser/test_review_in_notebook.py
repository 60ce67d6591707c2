"""The review page in a frame of a page of another origin, as a notebook shows it."""

import functools
import http.server
import threading

import pytest

import skinlab
from skinlab.data.label_log.store import LabelLog
from tests.browser.conftest import until
from tests.browser.test_review import CARDS, SAVED, images  # noqa: F401 - a fixture


@pytest.fixture
def notebook(tmp_path):
    """A page with a frame, on localhost while the frame is on 127.0.0.1; tells how to fill it."""
    (tmp_path / "notebook").mkdir()
    handler = functools.partial(_Quiet, directory=tmp_path / "notebook")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def filled(cell):
            html = f"<!doctype html><html lang=en><title>notebook</title><link rel=icon href='data:,'>{cell}</html>"
            (tmp_path / "notebook" / "index.html").write_text(html)
            return f"http://localhost:{server.server_port}/"

        yield filled
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_labels_are_set_in_the_frame_though_it_gets_no_cookie(notebook, visit, images, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    with skinlab.review(images, height=500) as view:
        page = visit(notebook(view._repr_html_()))
        frame = page.frames[1]
        until(frame, f"{CARDS}.length > 3 && {CARDS}[0].querySelector('img').naturalWidth > 0")
        frame.locator("#grid").press("2")
        until(frame, SAVED)
        assert page.context.cookies() == []
        page.close()
    assert [entry.new_label for entry in LabelLog(images / "labels.log").read()] == ["malignant"]
