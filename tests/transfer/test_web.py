import socket
from dataclasses import replace

import pytest

from skinlab.transfer import web as module
from skinlab.transfer.pace import Pacer
from skinlab.transfer.web import ExhaustedError, FetchError, RefusedError, TransientError, Web
from tests.data.archive.conftest import PATIENCE


def reply(archive, path, status, headers=None, body=b"{}"):
    archive.replies[path] = (status, headers or {}, body)
    return archive.address + path


def test_a_json_value_is_read(archive, web):
    assert web.json(archive.api + "collections/3/")["name"] == "a collection"
    assert archive.headers[0]["Accept-Encoding"] == "identity"
    assert archive.headers[0]["User-Agent"].startswith("skinlab/")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_refusal_is_tried_again_as_often_as_patience_allows(archive, web, status):
    address = reply(archive, "/x", status)
    with pytest.raises(ExhaustedError, match=f"^HTTP {status}; tried 12 times$"):
        web.json(address)
    assert len(archive.paths) == 12


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 501])
def test_a_lasting_refusal_is_not_tried_again_and_its_message_is_kept(archive, web, status):
    address = reply(archive, "/x", status, body=b'{"message": "no\\nsuch query"}')
    with pytest.raises(RefusedError, match=rf"^HTTP {status} \(no such query\)$"):
        web.json(address)
    assert len(archive.paths) == 1


def test_retry_after_holds_all_threads(archive, monkeypatch):
    address = reply(archive, "/x", 503, {"Retry-After": "7"})
    pacer = Pacer(1000)
    held = []
    monkeypatch.setattr(pacer, "hold", held.append)
    with pytest.raises(ExhaustedError):
        Web(pacer, replace(PATIENCE, tries=3), "loopback").json(address)
    assert held == [7.0, 7.0]


def test_a_server_that_asks_to_wait_for_hours_is_given_up(archive, web):
    address = reply(archive, "/x", 429, {"Retry-After": "7200"})
    with pytest.raises(ExhaustedError, match="^HTTP 429, and asks to wait 7200 s$"):
        web.json(address)


def test_redirects_are_followed_a_few_times(archive, web):
    for i in range(5):
        reply(archive, f"/{i}", 302, {"Location": f"/{i + 1}"})
    reply(archive, "/5", 200, body=b"[5]")
    assert web.json(archive.address + "/0") == [5]
    reply(archive, "/5", 302, {"Location": "/0"})
    with pytest.raises(FetchError, match="more than 5 redirects"):
        web.json(archive.address + "/0")


def test_a_redirect_to_where_it_may_not_lead_is_not_followed(archive, web):
    address = reply(archive, "/x", 301, {"Location": "http://example.org/y"})
    with pytest.raises(FetchError, match="the redirect is refused: http://example.org/y is not https"):
        web.json(address)


def test_what_is_not_json_is_tried_again(archive, web):
    with pytest.raises(ExhaustedError, match="the answer is not JSON"):
        web.json(reply(archive, "/x", 200, body=b"<html>sign in to the hotel's network</html>"))


def test_an_endless_answer_is_cut_off(archive, web, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_TEXT", 100)
    with pytest.raises(FetchError, match=r"the answer of http://127.0.0.1:\d+/x is larger than 0 MB"):
        web.json(reply(archive, "/x", 200, body=b" " * 1000))


def test_a_server_that_is_not_there_is_one_reason():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(ExhaustedError, match="^the connection broke; tried 2 times$"):
            Web(Pacer(1000), replace(PATIENCE, tries=2), "loopback").json(address)


def test_a_trickle_is_no_answer(archive, web, monkeypatch):
    monkeypatch.setattr(module, "_SLOWEST", 1 << 30)
    monkeypatch.setattr(module, "_PIECE", 10)
    address = reply(archive, "/x", 200, body=b" " * 100)
    slow = Web(Pacer(1000), replace(PATIENCE, read=1e-9, connect=5), "loopback")
    with web.answer(address, {}) as response, pytest.raises(TransientError, match="slower than"):
        list(slow.pieces(response))
