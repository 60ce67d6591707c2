"""Requests drawn by schemathesis from a service's own description, and whether each answer is one that it names."""

from collections import Counter

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
"""Not whether what the description allows is accepted: it cannot say what an image is."""


def asked(address: str, key: str, examples: int) -> Counter[int]:
    """Statuses of the answers to so many requests of each operation; an answer that is not described is an error."""
    described = schemathesis.openapi.from_url(f"{address}/openapi.json")
    seen: Counter[int] = Counter()
    for operation in described.get_all_operations():

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.ok().as_strategy())
        def drawn_from_description(case) -> None:
            response = case.call(headers={"Authorization": f"Bearer {key}"}, timeout=30)
            seen[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        drawn_from_description()
    return seen
