import asyncio
import base64
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skinlab.networks.resnet import resnet
from skinlab.serving import loading
from skinlab.serving.http.guard import OPEN
from skinlab.serving.scoring import Scorer
from tests.serving.bundles import CLASSES, colours, png, write_bundle
from tests.serving.http.conftest import KEY, Ask, Worker

RED = png((250, 0, 0))
BINARY = {"content-type": "application/octet-stream"}
LISTED = {"image_in_base64": base64.b64encode(RED).decode()}


def bomb(width: int, height: int) -> bytes:
    return b"P6 %d %d 255 " % (width, height)


def expected(worker: Worker, content: bytes) -> dict[str, Any]:
    answer = Scorer(worker.answerer.bundle, threads=1).answer_file(content)
    probabilities = dict(zip(CLASSES, answer.probabilities, strict=True))
    return {"probabilities": probabilities, "label": answer.label, "decision": answer.decision}


@pytest.mark.parametrize(
    "request_of",
    [
        {"content": RED, "headers": {"content-type": "image/png"}},
        {"content": RED, "headers": BINARY},
        {"files": {"anything": ("name.png", RED)}},
        {"json": {"image": base64.b64encode(RED).decode()}},
        {"json": {"images": [base64.b64encode(RED).decode()]}},
    ],
    ids=["image", "binary", "form", "JSON", "JSON list"],
)
def test_every_form_of_one_image_gets_the_scorers_answer(worker: Worker, ask: Ask, request_of: dict[str, Any]) -> None:
    answer = ask("POST", "/score", **request_of)
    said = answer.json()
    assert answer.status_code == 200
    assert said["results"] == [expected(worker, RED)]
    assert said["model"] == worker.answerer.bundle.sha256[:12]
    assert said["request_id"] == answer.headers["x-request-id"]
    assert "not for diagnosis; trained on nothing" in said["note"]


def test_images_of_one_request_are_answered_in_their_order(worker: Worker, ask: Ask) -> None:
    sent = colours(4)
    found = ask("POST", "/score", files=[("image", image) for image in sent]).json()["results"]
    assert found == [expected(worker, image) for image in sent]


def test_the_original_list_gets_a_list_with_scores_behind_the_softmax_or_before_it(worker: Worker, ask: Ask) -> None:
    behind, before = ask("POST", "/score", json=[LISTED | {"parameters": {"softmax": True}}, LISTED]).json()
    assert behind["scores"] == behind["probabilities"] == expected(worker, RED)["probabilities"]
    powers = np.exp(list(before["scores"].values()))
    np.testing.assert_allclose(powers / powers.sum(), list(before["probabilities"].values()), atol=1e-6)


def test_an_answer_does_not_depend_on_what_it_is_computed_with(tmp_path: Path) -> None:
    network = resnet("resnet18", 64, 2, [0.5] * 3, [0.2] * 3)
    folder = write_bundle(tmp_path, architecture=network)
    worker, alone = Worker(folder, None), Scorer(loading.load(folder), threads=1)
    sent = [png((30 * row, 250 - 20 * row, 9 * row), (80, 60)) for row in range(8)]
    answers = worker.together([("POST", "/score", {"content": image, "headers": BINARY}) for image in sent])
    worker.answerer.close()
    for image, answer in zip(sent, answers, strict=True):
        served = list(answer.json()["results"][0]["probabilities"].values())
        np.testing.assert_allclose(served, alone.answer_file(image).probabilities, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("request_of", "status", "said"),
    [
        ({"content": b"", "headers": BINARY}, 422, "the body is empty"),
        ({"content": b"no image", "headers": BINARY}, 422, "image 0: not an image"),
        ({"content": bomb(400, 300), "headers": BINARY}, 422, "400 x 300 pixels are more than the limit of 0.1 mega"),
        ({"content": bomb(10**6, 10**6), "headers": BINARY}, 422, "image 0: "),
        ({"files": [("image", RED)] * 5}, 413, "5 images are more than the 4"),
        ({"files": [("image", RED)] * 9}, 413, "Too many files"),
        ({"data": {"image": "text"}}, 415, "application/x-www-form-urlencoded is not read"),
        ({"files": {}, "data": {}, "headers": {"content-type": "multipart/form-data"}}, 400, "Missing boundary"),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 422, "no image"),
        ({"content": b"x" * 200_001, "headers": BINARY}, 413, "larger than 0.2 MB"),
        (
            {"content": RED, "headers": {"content-type": "text/plain"}},
            415,
            "text/plain is not read; send application/json",
        ),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "the body is not JSON"),
        ({"json": {"images": [1]}}, 422, "image 0: base64 text was expected"),
    ],
)
def test_what_cannot_be_answered_has_a_status_and_a_reason(
    ask: Ask, request_of: dict[str, Any], status: int, said: str
) -> None:
    answer = ask("POST", "/score", **request_of)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("shown", [None, "Bearer wrong-key-wrong-key", f"Basic {KEY}"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/score"), ("GET", "/metrics"), ("GET", "/nowhere")])
def test_without_a_known_key_nothing_is_answered(worker: Worker, shown: str | None, method: str, path: str) -> None:
    answer = worker.ask(method, path, headers={} if shown is None else {"authorization": shown})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer KEY" in answer.json()["error"]


def test_what_tells_nothing_of_images_needs_no_key(worker: Worker) -> None:
    answers = worker.together([("GET", path, {}) for path in OPEN])
    assert {answer.status_code for answer in answers} == {200, 204}
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}


def test_pages_load_nothing_from_elsewhere(worker: Worker) -> None:
    for path in ("/", "/docs"):
        page = worker.ask("GET", path)
        assert "://" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_without_keys_only_the_services_own_name_is_answered(tmp_path: Path) -> None:
    worker = Worker(write_bundle(tmp_path), None)
    sent = {"content": RED, "headers": BINARY}
    assert worker.ask("POST", "/score", **sent).status_code == 200
    other = worker.ask("POST", "/score", content=RED, headers=BINARY | {"host": "rebound.example:80"})
    worker.answerer.close()
    assert other.status_code == 421


def test_more_requests_than_allowed_at_a_time_are_told_to_come_again(tmp_path: Path) -> None:
    worker = Worker(write_bundle(tmp_path), None, concurrency=2)
    answers = worker.together([("POST", "/score", {"content": RED, "headers": BINARY})] * 12)
    assert {answer.status_code for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert worker.ask("GET", "/health").status_code == 200
    worker.answerer.close()


def test_all_bodies_together_are_bounded_and_forgotten_with_their_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinlab.serving.http.guard.BODIES", 2)
    worker = Worker(write_bundle(tmp_path), None, body_bytes=10_000)
    sent = {"content": RED + bytes(9_000), "headers": BINARY}
    answers = worker.together([("POST", "/score", sent)] * 8)
    assert {answer.status_code for answer in answers} == {200, 429}
    assert worker.service.held == 0
    assert worker.ask("POST", "/score", **sent).status_code == 200
    worker.answerer.close()


def test_a_request_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    worker = Worker(write_bundle(tmp_path), None, request_s=0.2)

    async def slow() -> Any:
        yield b"x"
        await asyncio.sleep(5)

    answer = worker.ask("POST", "/score", content=slow(), headers=BINARY)
    worker.answerer.close()
    assert answer.status_code == 408
    assert "within 0.2 s" in answer.json()["error"]


def test_a_mistake_in_skinlab_is_logged_and_says_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(write_bundle(tmp_path), None)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(worker.answerer, "_decoded", broken)
    answer = worker.ask("POST", "/score", content=RED, headers=BINARY)
    worker.answerer.close()
    assert answer.status_code == 500
    assert "inside" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_neither_keys_nor_questions_are_logged(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "skinlab"):
        ask("POST", "/score?explain=secret-question", content=RED, headers=BINARY)
        ask("GET", "/secret-path")
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("skinlab"))
    assert "POST /score 422" in ours
    assert KEY not in ours
    assert "secret" not in ours


def test_a_harmless_id_of_the_request_is_kept(ask: Ask) -> None:
    assert ask("GET", "/health", headers={"x-request-id": "visit-7"}).headers["x-request-id"] == "visit-7"
    assert len(ask("GET", "/health", headers={"x-request-id": "a b<script>"}).headers["x-request-id"]) == 32


def test_one_image_is_explained_on_demand(tmp_path: Path) -> None:
    network = resnet("resnet18", 64, 2, [0.5] * 3, [0.2] * 3)
    worker = Worker(write_bundle(tmp_path, architecture=network), None)
    answer = worker.ask("POST", "/score?explain=true", content=RED, headers=BINARY).json()["results"][0]
    kind, _, encoded = answer["explanation"].partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as overlay:
        assert overlay.size == (256, 256)
    several = worker.ask("POST", "/score?explain=true", files=[("image", RED)] * 2)
    worker.answerer.close()
    assert (several.status_code, several.json()["error"]) == (422, "explain takes one image a request")


def test_a_model_that_cannot_explain_says_so(tmp_path: Path) -> None:
    worker = Worker(write_bundle(tmp_path, explain=None), None)
    answer = worker.ask("POST", "/score?explain=true", content=RED, headers=BINARY)
    worker.answerer.close()
    assert (answer.status_code, answer.json()["error"]) == (422, "this model cannot explain its answers")


def test_a_draining_worker_is_not_ready_and_closes_connections_with_their_answer(tmp_path: Path) -> None:
    worker = Worker(write_bundle(tmp_path), None)
    assert worker.ask("GET", "/ready").json() == {"status": "ready"}
    worker.service.draining = True
    ready, scored = worker.ask("GET", "/ready"), worker.ask("POST", "/score", content=RED, headers=BINARY)
    worker.answerer.close()
    assert (ready.status_code, scored.status_code, scored.headers["connection"]) == (503, 200, "close")


def test_metrics_count_requests_batches_and_name_the_model(tmp_path: Path) -> None:
    worker = Worker(write_bundle(tmp_path), None)
    worker.ask("POST", "/score", files=[("image", image) for image in colours(3)])
    worker.ask("POST", "/score", content=b"x", headers=BINARY)
    worker.ask("GET", "/no/such/path")
    text = worker.ask("GET", "/metrics").text
    worker.answerer.close()
    assert 'skinlab_requests_total{path="/score",status="200"} 1.0' in text
    assert 'skinlab_requests_total{path="/score",status="422"} 1.0' in text
    assert 'skinlab_requests_total{path="other",status="404"} 1.0' in text
    assert "skinlab_batch_images_sum 3.0" in text
    assert "skinlab_requests_in_progress 0.0" in text
    assert f'skinlab_model{{model="{worker.answerer.bundle.sha256[:12]}"}} 1.0' in text


def test_the_description_names_the_limits_and_the_refusals(worker: Worker) -> None:
    described = worker.ask("GET", "/openapi.json").json()
    score = described["paths"]["/score"]["post"]
    assert set(score["responses"]) == {"200", "400", "401", "408", "413", "415", "421", "422", "429"}
    listed = score["requestBody"]["content"]["application/json"]["schema"]["oneOf"][1]
    assert listed["properties"]["images"]["maxItems"] == 4
    assert score["security"] == [{"key": []}]
    assert described["components"]["securitySchemes"]["key"] == {"type": "http", "scheme": "bearer"}
