"""File hashes: right, remembered, and forgotten when a file changes."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from skinlab.data import hashes
from skinlab.data.hashes import memory_path, sha256_of_files
from skinlab.errors import OutputError


def make(tmp_path: Path, count: int = 3, age: float = 100.0) -> list[str]:
    files = [tmp_path / f"{i}.bin" for i in range(count)]
    for i, file in enumerate(files):
        file.write_bytes(bytes([i]) * 10)
        os.utime(file, (time.time() - age,) * 2)
    return [str(file) for file in files]


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: str) -> bytes:
        raise AssertionError(f"{file} was read again")

    monkeypatch.setattr(hashes, "read_bytes", refuse)


def test_hash_is_the_sha256_of_the_content(tmp_path: Path) -> None:
    files = make(tmp_path)
    assert sha256_of_files(files) == ([hashlib.sha256(bytes([i]) * 10).hexdigest() for i in range(3)], [])


def test_second_run_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make(tmp_path)
    first = sha256_of_files(files)
    forbid_reading(monkeypatch)
    assert sha256_of_files(files) == first


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    files = make(tmp_path)
    before, _ = sha256_of_files(files)
    Path(files[1]).write_bytes(b"x" * 10)
    os.utime(files[1], (time.time() - 50,) * 2)
    after, _ = sha256_of_files(files)
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_file_changed_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    [file] = make(tmp_path, 1, age=0)
    stamp = Path(file).stat()
    sha256_of_files([file])
    Path(file).write_bytes(b"y" * 10)
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert sha256_of_files([file])[0] == [hashlib.sha256(b"y" * 10).hexdigest()]


def test_missing_file_gets_a_reason_and_stops_nothing(tmp_path: Path) -> None:
    files = [*make(tmp_path, 2), str(tmp_path / "gone.bin")]
    digests, problems = sha256_of_files(files)
    assert digests[2] is None
    assert problems == [(2, "cannot be read: No such file or directory")]
    assert None not in digests[:2]


def test_memory_that_is_no_database_is_made_again(tmp_path: Path) -> None:
    files = make(tmp_path)
    memory_path().parent.mkdir(parents=True)
    memory_path().write_bytes(b"not a database" * 100)
    assert len(sha256_of_files(files)[0]) == 3
    assert memory_path().read_bytes().startswith(b"SQLite format 3")


def test_home_that_cannot_be_written_is_an_output_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(OutputError, match=r"cannot use the cache folder .*file/home.*SKINLAB_HOME"):
        sha256_of_files(make(tmp_path))


def test_memory_path_that_cannot_be_opened_is_an_output_error(tmp_path: Path) -> None:
    memory_path().mkdir(parents=True)
    with pytest.raises(OutputError, match="SKINLAB_HOME"):
        sha256_of_files(make(tmp_path))


def test_progress_counts_the_files_that_are_read(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    sha256_of_files(make(tmp_path), lambda done, total: seen.append((done, total)))
    assert seen == [(3, 3)]
