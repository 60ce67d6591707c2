"""Slots are leased to one process at a time, all that are wanted at once, and are free when a process is gone."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import paths, slots
from skinlab.errors import OutputError

NAMES = ["0", "1", "2", "3"]
HOLD = "import sys, time; from skinlab import slots\nwith slots.leased('gpu', sys.argv[1:], 1) as taken:\n"
HOLD += " print(*taken, flush=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    return tmp_path


@contextlib.contextmanager
def holder(*names: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that holds one of these slots, and which."""
    with subprocess.Popen([sys.executable, "-c", HOLD, *names], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_leases_at_the_same_time_have_nothing_in_common() -> None:
    with slots.leased("gpu", NAMES, 1) as first, slots.leased("gpu", NAMES, 2) as second:
        assert (first, second) == (("0",), ("1", "2"))
    with slots.leased("gpu", NAMES, 4) as all_of_them:
        assert all_of_them == tuple(NAMES)


def test_another_process_has_another_slot() -> None:
    with holder(*NAMES) as (_, theirs), slots.leased("gpu", NAMES, 3) as ours:
        assert theirs not in ours


def test_what_a_killed_process_had_is_free() -> None:
    with holder("0") as (process, _):
        os.kill(process.pid, signal.SIGKILL)
        with slots.leased("gpu", ["0"], 1) as taken:
            assert taken == ("0",)


def test_adjacent_slots_follow_each_other() -> None:
    with holder("1"), slots.leased("gpu", NAMES, 2, adjacent=True) as pair:
        assert pair == ("2", "3")


def test_none_wanted_is_none_leased(home: Path) -> None:
    with slots.leased("gpu", NAMES, 0) as taken:
        assert taken == ()
    assert not list(home.iterdir())


def test_who_waits_says_so_and_gets_what_is_given_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    taken: list[tuple[str, ...]] = []

    def wait() -> None:
        with slots.leased("processor", NAMES, 3) as mine:
            taken.append(mine)

    with slots.leased("processor", NAMES, 2):
        thread = threading.Thread(target=wait)
        thread.start()
        while not caplog.messages:
            time.sleep(0.01)
        assert not taken
    thread.join()
    assert [len(mine) for mine in taken] == [3]
    assert caplog.messages == ["waiting for 3 processors: others on this machine have them"]


def test_who_gives_up_waits_no_longer_whether_it_is_its_turn_or_not() -> None:
    enough, left = threading.Event(), []

    def wait() -> None:
        with pytest.raises(slots.GivenUpError), slots.leased("gpu", ["0"], 1, given_up=enough.is_set):
            pass
        left.append(True)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    with slots.leased("gpu", ["0"], 1):
        for thread in threads:
            thread.start()
        enough.set()
        for thread in threads:
            thread.join()
    assert left == [True] * 3


def test_many_at_once_never_hold_one_slot_twice() -> None:
    held, most, guard = Counter[str](), Counter[str](), threading.Lock()

    def work(count: int) -> None:
        for _ in range(5):
            with slots.leased("processor", NAMES, count) as mine:
                with guard:
                    held.update(mine)
                    most.update({name: held[name] - most[name] for name in mine if held[name] > most[name]})
                time.sleep(0.001)
                with guard:
                    held.subtract(mine)

    threads = [threading.Thread(target=work, args=(count,)) for count in (1, 2, 3, 4, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == dict.fromkeys(NAMES, 1)


def test_a_home_that_cannot_be_written_is_told_in_one_line(home: Path) -> None:
    (home / "leases").write_text("in the way")
    with pytest.raises(OutputError, match=r"where processors and GPUs are leased"), slots.leased("gpu", NAMES, 1):
        pass
