"""The pages in a process of their own, as a user starts them; it can be killed."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

SECONDS = 60.0


class Pages:
    """`skinlab ui` with words, until the block ends.

    Attributes:
        link: lets one browser in.
        origin: the address without a path.
    """

    def __init__(self, *words: str, folder: Path, port: int = 0) -> None:
        told = [sys.executable, "-m", "skinlab", "ui", "--no-browser", "--port", str(port), *words]
        self._process = subprocess.Popen(told, cwd=folder, stderr=subprocess.PIPE, env=os.environ | {"COLUMNS": "500"})
        self._said = b""
        self.link = self.next_link()
        self.origin = self.link.partition("/enter")[0]
        self.port = int(self.origin.rpartition(":")[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        assert self._process.stderr is not None
        self._process.stderr.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(SECONDS)

    def next_link(self) -> str:
        """The next link that it prints."""
        assert self._process.stderr is not None
        end = time.monotonic() + SECONDS
        while not (found := re.search(rb"http://\S+token=\S+\n", self._said)):
            ready, _, _ = select.select([self._process.stderr], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no link within {SECONDS:g} s: {self._said.decode()}"
            read = os.read(self._process.stderr.fileno(), 1 << 16)
            assert read, f"skinlab ui ended: {self._said.decode()}"
            self._said += read
        self._said = self._said[found.end() :]
        return found[0].decode().strip()
