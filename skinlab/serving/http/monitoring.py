"""What a service tells of itself in the form of Prometheus; of several workers the sum."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SHARED_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers keep their numbers; read by prometheus_client."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Monitor:
    """Counts of one worker.

    Args:
        model: the beginning of the model's SHA-256.
    """

    def __init__(self, model: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry = CollectorRegistry()
        self._requests = Counter(
            "skinlab_requests", "Requests by path and status.", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "skinlab_request_seconds",
            "From the first byte of a request to its answer, of /score.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "skinlab_batch_images", "Images that were computed together.", buckets=BATCHES, registry=self._registry
        )
        self._working = Gauge(
            "skinlab_requests_in_progress", "Requests in work.", registry=self._registry, multiprocess_mode="livesum"
        )
        info = Gauge(
            "skinlab_model", "1 for the model in use.", ["model"], registry=self._registry, multiprocess_mode="max"
        )
        info.labels(model).set(1)

    def began(self) -> None:
        """A request is let in."""
        self._working.inc()

    def ended(self) -> None:
        """It is answered."""
        self._working.dec()

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answer; `path` is one of few."""
        self._requests.labels(path, str(status)).inc()
        if path == "/score":
            self._seconds.observe(seconds)

    def computed(self, images: int) -> None:
        """Count a batch."""
        self._batches.observe(images)

    def text(self) -> bytes:
        """All of it; of all workers where there are several."""
        from prometheus_client import generate_latest

        return generate_latest(self._collected())

    def _collected(self) -> "CollectorRegistry":
        if SHARED_VARIABLE not in os.environ:
            return self._registry
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry
