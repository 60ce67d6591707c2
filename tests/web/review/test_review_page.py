"""What the review page asks for and what it changes, without a browser."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from skinlab.data.label_log.place import log_of
from skinlab.data.label_log.store import LabelLog
from skinlab.web.workplace import Workplace
from tests.data.data_builders import synthetic_dataset
from tests.web.review.test_evidence import run_of

A, B = "benign/lesion_0", "benign/lesion_2"


def put(client: TestClient, *changes: tuple[str, str, int], who: str = "ada", why: str = "looked") -> Any:
    asked = [{"id": image_id, "label": label, "seen": seen} for image_id, label, seen in changes]
    return client.post("/review/labels", json={"changes": asked, "who": who, "why": why})


def ids(client: TestClient, at: int = 0, **asked: Any) -> list[str]:
    answer = client.get("/review/rows", params={"at": at, "start": 0, "count": 100, **asked})
    return [row["id"] for row in answer.json()["rows"]]


@pytest.fixture
def log(workplace: Workplace) -> LabelLog:
    assert workplace.dataset is not None
    return log_of(workplace.dataset)


def test_a_changed_label_is_in_the_log_with_author_and_reason_when_it_is_answered(
    client: TestClient, log: LabelLog
) -> None:
    answer = put(client, (A, "malignant", 0), who="Müller", why="histology")
    assert answer.status_code == 200
    (entry,) = log.read()
    assert (entry.image_id, entry.old_label, entry.new_label) == (A, "benign", "malignant")
    assert (entry.who, entry.why, answer.json()["done"][0]["number"]) == ("Müller", "histology", 1)


def test_two_pages_at_once_a_conflict_is_told_and_nothing_is_overwritten(
    client: TestClient, log: LabelLog, inside: Callable[[Workplace], TestClient], workplace: Workplace
) -> None:
    put(client, (A, "malignant", 0), who="ada")
    late = put(inside(workplace), (B, "malignant", 0), (A, "benign", 0), who="eve")
    assert late.status_code == 409
    assert [(one["id"], one["new"], one["who"]) for one in late.json()["conflicts"]] == [(A, "malignant", "ada")]
    assert len(log.read()) == 1
    assert put(inside(workplace), (B, "malignant", 0), (A, "benign", 1), who="eve").status_code == 200


def test_a_change_whose_answer_was_lost_may_be_sent_again(client: TestClient, log: LabelLog) -> None:
    first = put(client, (A, "malignant", 0), (B, "malignant", 0))
    again = put(client, (A, "malignant", 0), (B, "malignant", 0))
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(log.read()) == 2


def test_news_are_what_others_entered(client: TestClient) -> None:
    put(client, (A, "malignant", 0), (B, "malignant", 0))
    news = client.get("/review/news", params={"since": 1}).json()
    assert (news["entries"], [one["id"] for one in news["new"]]) == (2, [B])


def test_undo_and_redo_are_entries_too(client: TestClient, log: LabelLog) -> None:
    put(client, (A, "malignant", 0), (B, "malignant", 0))
    signed = {"who": "ada", "why": "undo"}
    undone = client.post("/review/undo", json={"entries": [1, 2], **signed}).json()["done"]
    assert [one["new"] for one in undone] == ["benign", "benign"]
    client.post("/review/undo", json={"entries": [one["number"] for one in undone], **signed})
    assert [entry.new_label for entry in log.read()] == ["malignant"] * 2 + ["benign"] * 2 + ["malignant"] * 2


def test_filters_and_orders(client: TestClient) -> None:
    assert ids(client, label="benign") == [A, B, "benign/lesion_4"]
    assert ids(client, text="LESION_3") == ["malignant/lesion_3"]
    assert ids(client, text="lesion_3", label="benign") == []
    put(client, (A, "malignant", 0))
    assert ids(client, at=1, label="malignant", order="label")[0] == A
    assert ids(client, at=1, source="benign", corrected=True) == [A]
    assert ids(client, at=1, label="nothing") == []


def test_a_list_stays_as_it_was_while_labels_change_but_shows_the_labels_of_now(client: TestClient) -> None:
    put(client, (A, "malignant", 0))
    asked = {"at": 0, "start": 0, "count": 2, "label": "benign"}
    rows = client.get("/review/rows", params=asked).json()["rows"]
    assert [(row["id"], row["label"], row["source"]) for row in rows] == [
        (A, "malignant", "benign"),
        (B, "benign", "benign"),
    ]
    assert client.get("/review/count", params={"label": "benign"}).json() == {"images": 2, "at": 1}
    assert client.get("/review/ids", params={"label": "benign", "at": 0}).json()[0] == A


def test_an_image_tells_its_history(client: TestClient) -> None:
    put(client, (A, "malignant", 0), why="histology")
    told = client.get("/review/image", params={"id": A}).json()
    assert (told["label"], told["source"], told["last"]) == ("malignant", "benign", 1)
    assert [(one["old"], one["new"], one["why"]) for one in told["history"]] == [("benign", "malignant", "histology")]
    assert client.get("/review/image", params={"id": "no"}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"changes": [{"id": A, "label": "malignnat", "seen": 0}], "who": "ada", "why": "x"}, 422, "did you mean mali"),
        ({"changes": [{"id": "no", "label": "benign", "seen": 0}], "who": "ada", "why": "x"}, 422, "no image no in"),
        ({"changes": [{"id": A, "label": "malignant", "seen": 0}], "who": "ada", "why": " "}, 422, "--why needs text"),
        ({"changes": [], "who": "ada", "why": "x"}, 422, "not what this address takes"),
        ({"who": "ada"}, 422, "not what this address takes"),
    ],
)
def test_what_cannot_be_entered_is_said_and_is_not(
    client: TestClient, log: LabelLog, asked: dict[str, Any], status: int, said: str
) -> None:
    answer = client.post("/review/labels", json=asked)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert log.read() == []


def test_a_log_that_cannot_be_written_is_an_error_that_may_pass(client: TestClient, log: LabelLog) -> None:
    log.path.mkdir()
    answer = put(client, (A, "malignant", 0))
    assert answer.status_code == 500
    log.path.rmdir()
    assert put(client, (A, "malignant", 0)).status_code == 200


def test_phantoms_are_shown_but_have_no_log(inside: Callable[[Workplace], TestClient], tmp_path: Path) -> None:
    client = inside(Workplace(tmp_path, synthetic_dataset(images=4)))
    told = client.get("/review").text
    assert json.loads(told.partition('id="facts">')[2].partition("<")[0])["log"] is None
    answer = put(client, (ids(client)[0], "malignant", 0))
    assert (answer.status_code, "name one with dataset.label_log" in answer.json()["error"]) == (422, True)


def test_without_a_data_set_the_page_says_how_to_open_one(
    inside: Callable[[Workplace], TestClient], tmp_path: Path
) -> None:
    client = inside(Workplace(tmp_path))
    assert "skinlab ui --run RUN" in client.get("/review").text
    assert client.get("/review/count").status_code == 422


def test_with_a_run_the_most_suspect_come_first_and_say_what_the_run_says(
    inside: Callable[[Workplace], TestClient], workplace: Workplace, tmp_path: Path
) -> None:
    chances = {
        A: ("test", 0.9),
        B: ("test", 0.8),
        "malignant/lesion_1": ("test", 0.7),
        "malignant/lesion_3": ("train", 1),
    }
    run = run_of(tmp_path / "outputs" / "runs" / "x" / "1", chances, None, ("benign", "malignant"))
    client = inside(replace(workplace, runs=(run,)))
    assert ids(client)[:3] == ["malignant/lesion_1", B, A]
    assert ids(client, subset="train") == ["malignant/lesion_3"]
    told = client.get("/review/image", params={"id": B}).json()
    assert told["probabilities"] == {"benign": 0.8, "malignant": pytest.approx(0.2)}
    assert client.get("/review/image", params={"id": "malignant/lesion_3"}).json()["probabilities"] == {}
    rows = client.get("/review/rows", params={"at": 0, "start": 0, "count": 9}).json()["rows"]
    assert [row.get("loss") for row in rows[:4]] == [pytest.approx(1.204), 0.223, 0.105, None]
