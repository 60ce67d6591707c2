"""The client against a server that misbehaves as it is told."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import skinlab
from skinlab.deployment.base import Access
from skinlab.deployment.client import Client, RefusedError
from skinlab.errors import ConfigError, DataError, DeploymentError
from skinlab.transfer.pace import Patience

pytestmark = pytest.mark.usefixtures("deployments_home")
IMPATIENT = Patience(connect=2, read=2, tries=3, backoff=0.01, longest_backoff=0.01)
RESULT = {"probabilities": {"a": 0.25, "b": 0.75}, "label": "b", "decision": "b"}
GOOD = (200, {"results": [RESULT]}, {})


class Scripted(ThreadingHTTPServer):
    """Answers as its script says, then well; notes what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[tuple[int, Any, dict[str, str]] | None] = []
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((self.path, dict(self.headers), body))
            answer = self.server.script.pop(0) if self.server.script else GOOD
        if answer is None:
            self.connection.close()
            return
        status, said, headers = answer
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_an_image_is_sent_with_the_key_and_the_answer_is_the_result(server: Scripted, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"AB")
    client = skinlab.Client(server.address, key="a-key")
    assert client.score(tmp_path / "a.png") == client.score(b"AB") == RESULT
    path, headers, body = server.asked[0]
    assert (path, body) == ("/score", {"images": ["QUI="]})
    assert headers["Authorization"] == "Bearer a-key"
    with pytest.raises(DataError, match=r"nowhere\.png cannot be read: No such file or directory"):
        client.score("nowhere.png")
    timing = client.timing()
    assert timing is not None
    assert (timing.requests, timing.p50 <= timing.p95 <= timing.p99) == (2, True)


def test_a_key_of_the_environment_is_for_services_whose_key_is_not_known(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKINLAB_KEY", "of-the-environment")
    Client(server.address).score(b"AB")
    monkeypatch.setattr("skinlab.deployment.client.reach", lambda _: Access(f"{server.address}/score", "of-its-own"))
    Client("mine").score(b"AB")
    Client("mine", key="given").score(b"AB")
    shown = [headers["Authorization"] for _, headers, _ in server.asked]
    assert shown == ["Bearer of-the-environment", "Bearer of-its-own", "Bearer given"]


@pytest.mark.parametrize(
    "trouble", [None, (503, {"error": "x"}, {}), (429, {}, {"Retry-After": "0"}), (504, b"<html>", {}), (408, {}, {})]
)
def test_what_may_pass_is_tried_again(server: Scripted, trouble: Any) -> None:
    server.script = [trouble, trouble]
    assert Client(server.address, patience=IMPATIENT).score(b"AB") == RESULT
    assert len(server.asked) == 3


def test_what_does_not_pass_is_told_with_the_last_reason(server: Scripted) -> None:
    server.script = [(503, {"error": "full"}, {})] * 3
    with pytest.raises(DeploymentError, match=r"does not answer: full \(HTTP 503\); tried 3 times"):
        Client(server.address, patience=IMPATIENT).score(b"AB")
    nowhere = Client("http://127.0.0.1:1", patience=IMPATIENT)
    with pytest.raises(DeploymentError, match="does not answer: no connection; tried 3 times"):
        nowhere.score(b"AB")
    assert nowhere.timing() is None


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((422, {"error": "image 0: damaged"}, {}), RefusedError, r"image 0: damaged \(HTTP 422\)"),
        ((401, {"error": "no"}, {}), DeploymentError, "asks for a key: set SKINLAB_KEY"),
        ((404, b"gone", {}), DeploymentError, r"refuses: gone \(HTTP 404\)"),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), DeploymentError, r"refuses: HTTP 302"),
        ((200, b"<html>", {}), DeploymentError, "something else than JSON"),
        ((200, [1], {}), DeploymentError, "something else than a service of skinlab"),
        ((200, {"results": []}, {}), DeploymentError, "something else than a service of skinlab"),
    ],
)
def test_a_refusal_is_not_tried_again(server: Scripted, answer: Any, kind: type[Exception], said: str) -> None:
    server.script = [answer]
    with pytest.raises(kind, match=said):
        Client(server.address, patience=IMPATIENT).score(b"AB")
    assert len(server.asked) == 1


def test_a_wrong_key_is_not_shown(server: Scripted) -> None:
    server.script = [(401, {"error": "no"}, {})]
    with pytest.raises(DeploymentError, match="not one that it knows") as caught:
        Client(server.address, key="very-secret").score(b"AB")
    assert "very-secret" not in str(caught.value)


def test_many_are_answered_in_their_order_and_a_bad_one_does_not_stop_the_rest(server: Scripted) -> None:
    def read(source: int) -> bytes:
        if source == 3:
            raise DataError("no such image")
        return bytes([source])

    found = list(Client(server.address).score_all(range(20), read, concurrency=5))
    assert [source for source, _ in found] == list(range(20))
    assert [source for source, answer in found if isinstance(answer, DataError)] == [3]
    assert len(server.asked) == 19


@pytest.mark.parametrize("where", ["ftp://a/score", "http://", "http://user:secret@host/"])
def test_what_is_no_address_of_a_service_is_refused(where: str) -> None:
    with pytest.raises(ConfigError, match="is no address of a service"):
        Client(where)


@pytest.mark.parametrize("where", ["nobody", "../nobody"])
def test_an_unknown_name_is_told(where: str) -> None:
    with pytest.raises(ConfigError, match="there is no deployment"):
        Client(where)


def test_an_address_with_a_path_is_asked_there(server: Scripted) -> None:
    Client(f"{server.address}/api/v1/service/x/score").score(b"AB")
    assert server.asked[0][0] == "/api/v1/service/x/score"
