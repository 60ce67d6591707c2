"""Microsoft's inference server with a bundle, in an environment of its own, for tests and benchmarks.

The environment holds what skinlab has Azure install: the bundle's own packages and those of the server, by hash.
"""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skinlab.deployment.azure.environment import requirements as requirements_of
from skinlab.serving.loading import Bundle

NAME = "azmlinfsrv"
SECONDS = 120
ON_LOOPBACK = (
    "import azureml_inference_server_http.constants as c; c.DEFAULT_HOST = '127.0.0.1'; "
    "from azureml_inference_server_http import amlserver; amlserver.run()"
)


def requirements(bundle: Bundle) -> str:
    """What goes into its environment."""
    return "\n".join(requirements_of(bundle)) + "\n"


@contextmanager
def running(bundle: Bundle, python: Path, folder: Path, workers: int = 1) -> Iterator[tuple[int, int]]:
    """The server, ready, on loopback: its port and process.

    Args:
        bundle: what it serves.
        python: interpreter of its environment.
        folder: where its log goes.
        workers: its processes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = {"entry_script": "score.py", "port": port, "health_port": port, "worker_count": workers}
    log = folder / "azmlinfsrv.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [python, "-c", ON_LOOPBACK, *(str(word) for name, value in words.items() for word in (f"--{name}", value))],
            cwd=bundle.path,
            env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},  # a bundle that is served stays as it is
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        _wait(port, process, log)
        yield port, process.pid
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers that it is well; it is not before the bundle's init() has run."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError(log.read_text(errors="replace")[-3000:])
