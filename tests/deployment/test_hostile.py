"""What nobody should send: no 5xx, no crash, no hang, and the next request is answered as ever."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from skinlab.deployment.local import LocalTarget
from skinlab.deployment.record import Record
from tests.deployment.services import children, deploy, key_of, port_of, post
from tests.serving.bundles import write_replayed
from tests.serving.http.hostile import drawn, send

pytestmark = pytest.mark.usefixtures("deployments_home")
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
"""Not whether what the description allows is accepted: it cannot say what an image is."""
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
    described = schemathesis.openapi.from_url(f"{service.address}/openapi.json")
    strategies = [operation.ok().as_strategy() for operation in described.get_all_operations()]
    assert len(strategies) == 4
    seen: Counter[int] = Counter()
    for strategy in strategies:

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def drawn_from_description(case) -> None:
            response = case.call(headers={"Authorization": f"Bearer {key_of(service)}"}, timeout=30)
            seen[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        drawn_from_description()
    assert max(seen) < 500
    assert seen[200] > 25
