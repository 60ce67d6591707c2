"""What a service is told by whoever starts it: one JSON file. Standard library only, the supervisor reads it too."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

SETTINGS, LOG, CONTROL, METRICS = "service.json", "service.log", "control.sock", "metrics"
"""Files and folders in the folder of a service."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a service answers.

    Attributes:
        name: of the deployment.
        bundle: folder of the bundle.
        key_file: a key a line; None: no key is asked for.
        hosts: values of the Host header that are answered where no key is asked for: other names that lead here are an
            attack on a browser of this machine.
        workers: processes that answer.
        threads: images that each of them computes beside each other.
        max_batch: images that are computed together at most.
        batch_wait_s: how long an image may wait for others.
        body_bytes: size of a request.
        pixels: of an image, as its header declares them.
        images: in a request.
        concurrency: requests at a time in each worker.
        request_s: seconds within which a request must be read and answered.
        drain_s: seconds given to requests in work when the service stops.
        log_bytes: size of the log, and again of the one before.
    """

    name: str
    bundle: str
    key_file: str | None
    hosts: tuple[str, ...] = ()
    workers: int = 1
    threads: int = 1
    max_batch: int = 4
    batch_wait_s: float = 0.0
    body_bytes: int = 32_000_000
    pixels: int = 50_000_000
    images: int = 32
    concurrency: int = 128
    request_s: float = 30.0
    drain_s: float = 30.0
    log_bytes: int = 10_000_000

    @classmethod
    def read(cls, path: Path) -> Self:
        """From the file that `text` was written to."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(**values | {"hosts": tuple(values["hosts"])})

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"
