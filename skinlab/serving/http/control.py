"""How a service is asked from outside: a socket in its own folder, one JSON line each way. Standard library only.

The folder is its owner's alone, and so is the socket. The listening socket itself can be handed to another process
with all connections that wait in it, which is how one service takes the place of another without losing any.
"""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skinlab.serving.http.settings import CONTROL

SECONDS = 10.0
LONGEST = 1 << 16


class ControlError(Exception):
    """Nobody answers."""


@contextlib.contextmanager
def address(folder: Path) -> Iterator[str]:
    """The address of a folder's socket, which works however long the folder's path is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{CONTROL}"
    finally:
        os.close(descriptor)


def listen(folder: Path) -> socket.socket:
    """A new socket to be asked through."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with address(folder) as name:
        Path(name).unlink(missing_ok=True)
        listening.bind(name)
    listening.listen()
    return listening


def ask(folder: Path, what: str) -> dict[str, Any]:
    """What a service answers to a word.

    Raises:
        ControlError: nobody answers.
    """
    answer, sockets = _ask(folder, what)
    for descriptor in sockets:
        os.close(descriptor)
    return answer


def take_socket(folder: Path) -> socket.socket:
    """The listening socket of a service, shared with it.

    Raises:
        ControlError: nobody answers, or there is none.
    """
    _, descriptors = _ask(folder, "socket")
    if not descriptors:
        raise ControlError("the service has no socket to hand over")
    return socket.socket(fileno=descriptors[0])


def reply(connection: socket.socket, answer: dict[str, Any], sockets: list[socket.socket]) -> None:
    """Answer a word, with sockets to hand over."""
    line = json.dumps(answer).encode() + b"\n"
    if sockets:
        socket.send_fds(connection, [line], [handed.fileno() for handed in sockets])
    else:
        connection.sendall(line)


def _ask(folder: Path, what: str) -> tuple[dict[str, Any], list[int]]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, address(folder) as name:
            connection.settimeout(SECONDS)
            connection.connect(name)
            connection.sendall(what.encode() + b"\n")
            line, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 1)
            answer: dict[str, Any] = json.loads(line)
    except (OSError, ValueError) as error:
        raise ControlError(f"{folder.name}: {error}") from error
    return answer, list(descriptors)
