import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skinlab.data.label_log.store import LabelLog
from skinlab.errors import DataError, OutputError
from tests.data.label_log.log_builders import change, log_with

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from pathlib import Path
from skinlab.data.label_log.store import LabelLog
from tests.data.label_log.log_builders import change
log = LabelLog(Path(sys.argv[1]))
for i in range(int(sys.argv[3])):
    log.append(lambda _: [change(f"{sys.argv[2]}{i}", why="x" * 2000)])
    print(i, flush=True)
"""


def writer(path: Path, name: str, entries: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, str(path), name, str(entries)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def test_entries_are_read_by_another_object_in_order(tmp_path: Path) -> None:
    _, added = log_with(tmp_path / "labels.log", change("a"), change("b"))
    assert LabelLog(tmp_path / "labels.log").read() == added
    assert [entry.number for entry in added] == [1, 2]
    assert added[0].when.endswith("+00:00")


def test_no_file_is_no_entry_and_reading_makes_none(tmp_path: Path) -> None:
    assert LabelLog(tmp_path / "labels.log").read() == []
    assert list(tmp_path.iterdir()) == []


def test_two_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "labels.log"
    processes = [writer(path, name, 100) for name in "ab"]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    entries = LabelLog(path).read()  # checks the chain
    for name in "ab":
        assert [entry.image_id for entry in entries if entry.image_id[0] == name] == [f"{name}{i}" for i in range(100)]
    assert len(entries) == 200


def test_what_was_entered_before_a_kill_stays_and_the_log_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "labels.log"
    for round_ in range(5):
        process = writer(path, f"r{round_}-", 100_000)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(20 + 7 * round_)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().splitlines()  # not communicate(): it passes over what readline() read ahead
        process.wait(30)
        entries = LabelLog(path).read()
        kept = [entry.image_id for entry in entries if entry.image_id.startswith(f"r{round_}-")]
        done = len([line for line in said if line.strip()])
        assert kept[:done] == [f"r{round_}-{i}" for i in range(done)]
        assert len(kept) in (done, done + 1)  # the last one may be entered and not yet said


def test_a_line_that_was_never_finished_is_put_aside_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, (first, second) = log_with(tmp_path / "labels.log", change("a"), change("b"))
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-30])
    torn = whole[len(first.line()) : -30]
    with caplog.at_level(logging.WARNING):
        assert log.read() == [first]
    (said,) = caplog.messages
    assert 'its last line was never finished and is not counted; it begins \'{"image_id": "b"' in said
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        (third,) = log.append(lambda entries: [change("c", why=f"after {len(entries)}")])
    (said,) = caplog.messages
    assert "never finished and is now in labels.log.torn" in said
    assert log.aside.read_bytes() == torn + b"\n"
    caplog.clear()
    assert log.read() == [first, third]
    assert (third.number, third.why) == (2, "after 1")
    assert caplog.messages == []
    assert second.image_id == "b"


def test_a_missing_last_line_break_is_mended(tmp_path: Path) -> None:
    log, (first,) = log_with(tmp_path / "labels.log", change("a"))
    log.path.write_bytes(log.path.read_bytes()[:-1])
    (second,) = log.append(lambda _: [change("b")])
    assert log.read() == [first, second]
    assert not log.aside.exists()


def test_nothing_is_added_to_a_damaged_log(tmp_path: Path) -> None:
    log, _ = log_with(tmp_path / "labels.log", change("a"), change("b"))
    damaged = log.path.read_bytes().replace(b"malignant", b"benign", 1)
    log.path.write_bytes(damaged)
    with pytest.raises(DataError, match="line 1: its content does not have its hash"):
        log.append(lambda _: [change("c")])
    assert log.path.read_bytes() == damaged


def test_an_error_in_deciding_leaves_the_log_as_it_was_and_free(tmp_path: Path) -> None:
    log, _ = log_with(tmp_path / "labels.log", change("a"))
    before = log.path.read_bytes()

    def refuse(_: object) -> list[object]:
        raise DataError("no")

    with pytest.raises(DataError, match="no"):
        log.append(refuse)  # type: ignore[arg-type]
    assert log.path.read_bytes() == before
    with log.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_reader_waits_until_the_writer_is_done(tmp_path: Path) -> None:
    log, _ = log_with(tmp_path / "labels.log", change("a"))
    code = f"from pathlib import Path; from skinlab.data.label_log.store import LabelLog; print(len(LabelLog(Path({str(log.path)!r})).read()))"  # noqa: E501
    with log.path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        reader = subprocess.Popen(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        )
        time.sleep(0.5)
        assert reader.poll() is None
    assert reader.communicate(timeout=30)[0] == "1\n"


@pytest.mark.parametrize("place", ["nowhere/labels.log", "file/labels.log", "folder"])
def test_a_place_that_cannot_be_written_is_said_with_the_way_out(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"the label log .* cannot be written \(.*\): .* dataset\.label_log=PATH"):
        LabelLog(tmp_path / place).append(lambda _: [change("a")])


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    """A limit on the size of files is what a full disk is to a process; the first bytes still fit."""
    log, (first,) = log_with(tmp_path / "labels.log", change("a"))
    code = (
        "import resource, signal, sys; from pathlib import Path; from skinlab.data.label_log.store import LabelLog;"
        "from tests.data.label_log.log_builders import change; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({log.path.stat().st_size + 100},) * 2);"
        f"LabelLog(Path({str(log.path)!r})).append(lambda _: [change('b')])"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "OutputError: the label log" in done.stderr
    assert log.path.read_bytes() == first.line()


def test_what_others_enter_or_change_is_noticed_by_who_has_read_the_log_before(tmp_path: Path) -> None:
    path = tmp_path / "labels.log"
    log, entries = log_with(path, change("a"), change("b"))
    assert log.read() == entries
    added = LabelLog(path).append(lambda _: [change("c")])
    assert log.read() == [*entries, *added]
    path.write_bytes(path.read_bytes().replace(b'"image_id": "a"', b'"image_id": "x"'))
    with pytest.raises(DataError, match="line 1: its content does not have its hash"):
        log.read()
    path.write_bytes(added[0].line())
    with pytest.raises(DataError, match="line 1: entry 3 does not follow"):
        log.read()
    path.unlink()
    assert log.read() == []


def test_a_whole_last_line_without_its_break_is_read_and_followed_by_who_has_read_it_before(tmp_path: Path) -> None:
    path = tmp_path / "labels.log"
    log, entries = log_with(path, change("a"), change("b"))
    path.write_bytes(path.read_bytes()[:-1])
    assert log.read() == entries
    log.append(lambda _: [change("c")])
    assert [entry.image_id for entry in LabelLog(path).read()] == ["a", "b", "c"]
    assert log.read() == LabelLog(path).read()
