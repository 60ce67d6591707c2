"""What Python itself reports of a program: processes, connections, and files written outside of allowed folders.

An audit hook cannot be taken away again, so there is one for the process, which looks on only inside `watched`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROCESSES = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"})
CONNECTIONS = frozenset({"socket.connect", "socket.sendto", "urllib.Request"})
CHANGES = {
    **dict.fromkeys(("os.remove", "os.rmdir", "os.truncate", "os.mkdir", "os.chmod"), (0,)),
    **dict.fromkeys(("os.link", "os.symlink"), (1,)),
    "os.rename": (0, 1),
}
"""Events that change the file system, and which of their arguments are the paths that change."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
HARMLESS = ("/dev/null", "/dev/shm/", "/proc/self/")
UNDO = ("__pycache__",)


class Watch:
    """What happened besides what was expected."""

    def __init__(self, allowed: tuple[Path, ...]) -> None:
        self.allowed = tuple(str(folder.resolve()) + os.sep for folder in allowed)
        self.seen: list[str] = []

    def event(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Keep an event that a foreign file must not bring about."""
        if name == "subprocess.Popen" and arguments[0] == "uname":
            return  # Python's own `platform` asks it for the processor, once
        if name in PROCESSES or name in CONNECTIONS:
            self.seen.append(f"{name}: {arguments[:2]!r}")
        elif name == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
            self._path(name, arguments[0])
        elif name in CHANGES:
            for place in CHANGES[name]:
                self._path(name, arguments[place])

    def _path(self, name: str, path: object) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor that is open already
        text = os.path.realpath(os.fsdecode(path))
        if not text.startswith((*self.allowed, *HARMLESS)) and not any(part in text for part in UNDO):
            self.seen.append(f"{name}: {text}")


_watches: list[Watch] = []


def _hook(name: str, arguments: tuple[Any, ...]) -> None:
    for watch in tuple(_watches):
        watch.event(name, arguments)


sys.addaudithook(_hook)


@contextmanager
def watched(*allowed: Path) -> Iterator[Watch]:
    """Look on inside the block; writing into these folders is fine."""
    watch = Watch(allowed)
    _watches.append(watch)
    try:
        yield watch
    finally:
        _watches.remove(watch)
