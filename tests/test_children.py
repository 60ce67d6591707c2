import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skinlab import children

PARENT = """
import sys
from skinlab import children
children.run([sys.executable, "-c", "import os, time; print(os.getpid(), file=open(sys.argv[1], 'w'), flush=True); "
              "time.sleep(600)".replace("sys.argv[1]", repr(sys.argv[1]))])
"""


def ended(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(condition: object, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "did not happen"
        time.sleep(0.02)


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(told)])
    wait_for(lambda: told.exists() and told.read_text().endswith("\n"))
    child = int(told.read_text())
    assert not ended(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: ended(child))


def test_a_full_disk_is_an_os_error_and_not_one_program_s_message() -> None:
    with pytest.raises(OSError, match="No space left on device"):
        children.run(["sh", "-c", "echo 'pip: [Errno 28] No space left on device' >&2; exit 1"])


def test_python_variables_do_not_reach_another_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    monkeypatch.setenv("KEPT", "yes")
    environment = children.clean_environment()
    assert "PYTHONPATH" not in environment
    assert environment["KEPT"] == "yes"
    assert os.environ["PYTHONPATH"] == "/mine"


@pytest.mark.parametrize(
    ("output", "expected"),
    [("one\nImportError: libmpi.so.12\nhint\n", "ImportError: libmpi.so.12"), ("one\ntwo\n", "two")],
)
def test_last_words_prefer_the_error(output: str, expected: str) -> None:
    assert children.last_words(subprocess.CompletedProcess([], 1, stdout="", stderr=output)) == expected


def test_silence_is_told_by_the_exit_status() -> None:
    done = subprocess.CompletedProcess([], -11, stdout="", stderr="")
    assert children.last_words(done) == "exit status -11, no output"
