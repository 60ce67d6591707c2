"""Deployments for tests, and what their processes do."""

import http.client
import os
import threading
import time
from pathlib import Path
from typing import Any

from skinlab import schema
from skinlab.config import compose
from skinlab.deployment.base import Request
from skinlab.deployment.local import LocalTarget
from skinlab.deployment.record import Record, find
from skinlab.serving import loading
from tests.serving.bundles import png

RED, BLUE = png((250, 0, 0)), png((0, 0, 250))


def declared(*overrides: str) -> schema.LocalDeployment:
    return compose([f"deployment.{override}" for override in overrides]).config.deployment


def deploy(bundle: Path, name: str, *overrides: str) -> Record:
    """What `skinlab deploy BUNDLE --replace` does."""
    request = Request(name, declared(*overrides), loading.load(bundle), bundle, find(name))
    return LocalTarget().deploy(request, lambda _: None)


def key_of(record: Record) -> str:
    return Path(record.state["key_file"]).read_text().split()[0]


def port_of(record: Record) -> int:
    return int(record.state["port"])


def post(record: Record, body: bytes = RED, key: str | None = None, **headers: str) -> tuple[int, bytes]:
    """One request without any client of ours: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(record), timeout=60)
    sent = {"Content-Type": "application/octet-stream", "Authorization": f"Bearer {key or key_of(record)}"} | headers
    connection.request("POST", "/score", body, sent)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def children(pid: int) -> list[int]:
    """Process ids of what a process has started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in lists for word in path.read_text().split()]


def wait_until(condition: Any, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


class Hammer:
    """Clients that ask without a pause and without a second try, half of them on one connection each."""

    def __init__(self, record: Record, clients: int = 6) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.failures: list[str] = []
        self._port, self._key, self._stop = port_of(record), key_of(record), threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(row % 2 == 0,)) for row in range(clients)]

    def __enter__(self) -> "Hammer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, keep: bool) -> None:
        headers = {"Content-Type": "image/png", "Authorization": f"Bearer {self._key}"}
        connection = None
        while not self._stop.is_set():
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
                connection.request("POST", "/score", RED, headers)
                answer = connection.getresponse()
                self.answers.append((answer.status, answer.read()))
                if not keep or answer.getheader("connection") == "close":
                    connection.close()
                    connection = None
            except OSError as error:
                self.failures.append(repr(error))
                connection = None
        if connection:
            connection.close()
