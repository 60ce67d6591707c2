"""Locks that say who uses a file, and that go with the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skinlab.data import locks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("x")
    return path


def free(path: Path) -> bool:
    with locks.unused(path) as found:
        return found


def test_a_file_is_in_use_while_a_descriptor_with_its_lock_is_open(file: Path) -> None:
    assert free(file)
    with file.open() as stream:
        assert locks.share(stream.fileno(), file)
        copy = os.dup(stream.fileno())
        assert not free(file)
    assert not free(file)
    os.close(copy)
    assert free(file)


def test_a_file_that_was_replaced_or_deleted_meanwhile_is_not_the_one_that_was_opened(file: Path) -> None:
    with file.open() as stream:
        other = file.with_name("other")
        other.write_text("y")
        other.replace(file)
        assert not locks.share(stream.fileno(), file)
        file.unlink()
        assert not locks.share(stream.fileno(), file)
    assert not locks.hold(file)


def test_what_a_process_holds_is_free_when_it_is_killed(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from skinlab.data import locks\n"
        "print(locks.hold(Path(sys.argv[1])), locks.hold(Path(sys.argv[1])), flush=True); sys.stdin.read()"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert user.stdout is not None
    assert user.stdout.readline() == "True True\n"
    assert not free(file)
    user.kill()
    user.communicate()
    assert free(file)


def test_who_waits_says_so_and_goes_on_when_the_other_ends(tmp_path: Path) -> None:
    code = (
        "import sys, logging; from pathlib import Path; from skinlab.data import locks\n"
        "logging.basicConfig(level='INFO', format='%(message)s', stream=sys.stdout)\n"
        "with locks.alone(Path(sys.argv[1]), 'waiting'): print('alone')"
    )
    with locks.alone(tmp_path / "lock"):
        other = subprocess.Popen(
            [sys.executable, "-u", "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "waiting\n"
    assert other.communicate()[0] == "alone\n"
