"""What nobody should send: no 5xx, no crash, no hang, and the next request is answered as ever."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skinlab.deployment.local import LocalTarget
from skinlab.deployment.record import Record
from tests.deployment.services import children, deploy, key_of, port_of, post
from tests.serving.bundles import write_replayed
from tests.serving.http import described
from tests.serving.http.hostile import drawn, send

pytestmark = pytest.mark.usefixtures("deployments_home")
LIMITS = ("body_mb=2", "megapixels=10", "images=16", "request_seconds=2", "concurrency=32")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, deployments_home: Path) -> Record:
    return deploy(write_replayed(tmp_path_factory.mktemp("bundle") / "b"), "hostile", *LIMITS)


@pytest.mark.slow
def test_hostile_requests_end_in_a_refusal_and_leave_the_service_as_it_was(service: Record) -> None:
    before, workers = post(service), children(service.state["process"]["pid"])
    requests = list(drawn(1, 500, key_of(service)))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda request: send(port_of(service), *request), requests))
    assert [answer for answer in answers if answer.status >= 500] == []
    assert Counter(answer.status // 100 for answer in answers)[4] > 300
    assert max(answer.seconds for answer in answers) < 30
    assert children(service.state["process"]["pid"]) == workers
    after = post(service)
    assert (after[0], json.loads(after[1])["results"]) == (200, json.loads(before[1])["results"])
    assert "a mistake in skinlab" not in LocalTarget().logs(service, 10_000)


def test_requests_drawn_from_the_description_get_only_answers_that_it_names(service: Record) -> None:
    seen = described.asked(service.address, key_of(service), examples=25)
    assert max(seen) < 500
    assert seen[200] > 25
    assert seen.total() > 50
