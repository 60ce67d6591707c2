"""Who comes in, and what a page may do."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from skinlab.web.app import create
from skinlab.web.door import Door, Keys
from skinlab.web.workplace import Workplace
from tests.web.conftest import ORIGIN, PORT


@pytest.fixture
def keys() -> Keys:
    return Keys(embedded="k" * 40)


@pytest.fixture
def stranger(workplace: Workplace, keys: Keys) -> Callable[..., TestClient]:
    """A browser that was not let in yet."""

    def arrived(**headers: str) -> TestClient:
        return TestClient(Door(create(workplace), keys, PORT), base_url=ORIGIN, headers=headers)

    return arrived


def test_nothing_is_shown_to_who_has_no_cookie(stranger: Callable[..., TestClient]) -> None:
    for path in ("/", "/review", "/static/ui.css", "/images/x/whole?id=a", "/enter", "/embedded/", "/embedded/wrong/"):
        answer = stranger().get(path, follow_redirects=False)
        assert answer.status_code in (401, 403), path
        assert "set-cookie" not in answer.headers


def test_the_token_lets_one_browser_in_and_its_cookie_is_no_scripts(
    stranger: Callable[..., TestClient], keys: Keys
) -> None:
    token, first, second = keys.token, stranger(), stranger()
    answer = first.get("/enter", params={"token": token})
    assert (answer.status_code, "url=/" in answer.text) == (200, True)
    attributes = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert first.get("/review").status_code == 200
    assert second.get("/enter", params={"token": token}).status_code == 403
    assert first.get("/enter", params={"token": token}).status_code == 200  # a reload of the link harms nobody
    assert second.get("/enter", params={"token": keys.token}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "", "[::1]:8000", "10.0.0.1"])
def test_another_name_of_this_address_is_refused(stranger: Callable[..., TestClient], keys: Keys, host: str) -> None:
    answer = stranger(host=host).get("/enter", params={"token": keys.token})
    assert answer.status_code == 421
    assert stranger().get("/enter", params={"token": keys.token}).status_code == 200  # the token was not spent


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "same-site"},
        {},
    ],
)
def test_a_change_from_another_page_is_refused(
    stranger: Callable[..., TestClient], keys: Keys, headers: dict[str, str]
) -> None:
    visitor = stranger()
    visitor.get("/enter", params={"token": keys.token})
    assert visitor.post("/review/labels", json={}, headers=headers).status_code == 403
    assert visitor.post("/review/labels", json={}, headers={"origin": ORIGIN}).status_code != 403


def test_a_page_may_load_from_its_own_server_alone_and_be_in_no_frame(client: TestClient) -> None:
    policy = client.get("/review").headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)


def test_a_frame_of_a_notebook_has_its_key_in_the_path_and_may_be_on_loopback_pages(
    stranger: Callable[..., TestClient], keys: Keys
) -> None:
    frame = f"/embedded/{keys.embedded}"
    answer = stranger().get(f"{frame}/")
    assert answer.status_code == 200
    assert str(answer.url).endswith(f"{frame}/review")
    assert f'href="{frame}/static/ui.css"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors http://127.0.0.1:* http://localhost:*" in policy
    assert stranger().get(f"{frame}/static/ui.css").status_code == 200
    assert stranger().get(f"/embedded/{'x' * 40}/review").status_code == 401


def test_without_a_key_for_frames_there_is_no_way_in_by_path(workplace: Workplace) -> None:
    visitor = TestClient(Door(create(workplace), Keys(), PORT), base_url=ORIGIN)
    for path in ("/embedded//review", "/embedded/None/review"):
        assert visitor.get(path).status_code == 401


def test_nobody_is_told_who_sent_them(client: TestClient) -> None:
    assert client.get("/review").headers["referrer-policy"] == "no-referrer"
