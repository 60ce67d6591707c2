"""Requests of a stranger that no framework sees: what their heads say is refused in one word."""

from types import SimpleNamespace
from typing import Any

import pytest

from skinlab.serving.http.guard import Guard
from skinlab.serving.portable.answering import RequestError


@pytest.mark.parametrize("length", [b"0" * 5000, b"9" * 20, b"-1", b"1.0", b"", "²".encode()])
def test_a_length_that_is_no_number_of_bytes_is_refused(length: bytes) -> None:
    settings = SimpleNamespace(hosts={"h"}, body_bytes=100)
    service: Any = SimpleNamespace(keys=None, settings=settings)
    exchange: Any = SimpleNamespace(headers={b"host": b"h", b"content-length": length}, path="/health")
    with pytest.raises(RequestError) as caught:
        Guard._admit(SimpleNamespace(_service=service), exchange)  # type: ignore[arg-type]
    assert caught.value.status == 400
