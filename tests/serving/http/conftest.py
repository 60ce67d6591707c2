"""The application of a worker, asked without a network."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from skinlab.serving import loading
from skinlab.serving.http.answering import Answerer
from skinlab.serving.http.app import create
from skinlab.serving.http.guard import Service
from skinlab.serving.http.keys import Keys
from skinlab.serving.http.monitoring import Monitor
from skinlab.serving.http.settings import Settings
from tests.serving.bundles import write_bundle

KEY = "a-key-for-these-tests"
Ask = Callable[..., httpx.Response]


class Worker:
    """An application and the ways to ask it."""

    def __init__(self, folder: Path, keys: Keys | None, **settings: Any) -> None:
        bundle = loading.load(folder)
        self.monitor = Monitor(bundle.sha256[:12])
        known = Settings(name="test", bundle=str(folder), key_file=None, hosts=("127.0.0.1",), **settings)
        self.service = Service(known, keys, self.monitor)
        self.answerer = Answerer(
            bundle, threads=2, max_batch=8, batch_wait_s=0.01, pixels=known.pixels, computed=self.monitor.computed
        )
        self.app = create(self.service, self.answerer)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request."""
        return self.together([(method, path, options)])[0]

    def together(self, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """Requests at the same time."""

        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
                return await asyncio.gather(*(client.request(method, path, **rest) for method, path, rest in requests))

        return asyncio.run(run())


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One that asks for a key and has tight limits."""
    made = Worker(
        write_bundle(tmp_path_factory.mktemp("worker") / "bundle", threshold=0.25),
        Keys([KEY]),
        body_bytes=200_000,
        pixels=100_000,
        images=4,
    )
    yield made
    made.answerer.close()


@pytest.fixture
def ask(worker: Worker) -> Ask:
    """Asks with the key."""

    def asked(method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {KEY}"} | options.pop("headers", {})
        return worker.ask(method, path, headers=headers, **options)

    return asked
