"""`skinlab ui`: what it refuses before it listens, and that it ends by Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from skinlab.cli import main
from tests.processes import hear_ctrl_c


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m"], "leave out -m"),
        (["--port", "70000"], "--port 70000: must be 0 to 65535"),
        (["--dataset", "nowhere"], "there is no such folder or table"),
        (["dataset=folder", "dataset.path=nowhere"], "nowhere"),
        (["--run", "nothing"], "`skinlab runs` lists them"),
        (["--audit", "nowhere"], "`skinlab data audit` writes one"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["ui", *words]) != 0
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1


def test_a_taken_port_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["ui", "--no-browser", "--port", str(port)]) == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in capsys.readouterr().err


def test_ctrl_c_ends_it_without_a_word_and_it_leaves_nothing(tmp_path: Path) -> None:
    told = [sys.executable, "-m", "skinlab", "ui", "--no-browser"]
    with subprocess.Popen(
        told,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - it only sets a signal back
    ) as process:
        assert process.stderr is not None
        assert "open http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert (process.returncode, rest) == (0, "")
    assert os.listdir(tmp_path) == []  # noqa: PTH208
