"""The audit hook sees what it is there to see."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.hostile.audit import watched


def test_a_process_a_connection_and_writes_outside_are_seen(tmp_path: Path) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.mkdir()
    with watched(allowed) as watch:
        (allowed / "a").write_text("x")
        (allowed / "link").symlink_to(outside)
        assert watch.seen == []
        subprocess.run(["true"], check=True)
        with socket.socket() as connection, pytest.raises(OSError, match="refused"):
            connection.connect(("127.0.0.1", 9))
        (allowed / "link" / "b").write_text("through a link")
        (allowed / "a").rename(outside / "a")
    assert [entry.partition(":")[0] for entry in watch.seen] == [
        "subprocess.Popen",
        "socket.connect",
        "open",
        "os.rename",
    ]
