"""Runs in the environment of SDK v1: skinlab's command line, a line of JSON for each command.

Waiting between the SDK's looks at what goes on is short.
"""

import contextlib
import io
import json
import socket
import sys
import time
import types


def run(words: list[str]) -> dict[str, object]:
    """What a command prints and how it ends."""
    from skinlab.cli import main

    out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()  # rows are written as bytes
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    out.seek(0)
    return {"code": code, "out": out.read(), "err": err.getvalue()}


def prepare(base: str, storage: str) -> None:
    """Let the SDK take a server for Azure's resource manager and for storage; and sleep less, and only the SDK."""
    from azureml._vendor.azure_cli_core.cloud import AZURE_PUBLIC_CLOUD
    from azureml.core.webservice import webservice

    AZURE_PUBLIC_CLOUD.endpoints.resource_manager = base
    looked_up = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *more, **named: looked_up(
        "127.0.0.1" if host == storage else host, *more, **named
    )
    webservice.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, 0.01)), time=time.time)


if __name__ == "__main__":
    sys.path.extend(json.loads(sys.argv[1]))
    replies, sys.stdout = sys.stdout, sys.stderr
    prepare(*sys.argv[2:])
    for line in sys.stdin:
        replies.write(json.dumps(run(json.loads(line))) + "\n")
        replies.flush()
