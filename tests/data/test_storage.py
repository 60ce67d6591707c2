"""Cache files are whole or absent."""

import os
import time
from pathlib import Path

import pytest

from skinlab.data.storage import cache_access, new_file, new_folder, remove_folder
from skinlab.errors import OutputError


def test_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with new_file(path) as temporary:
        temporary.write_text("x")
        assert not path.exists()
    assert path.read_text() == "x"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_failed_block_leaves_the_old_file_and_no_new_one(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write() -> None:
        with new_file(path) as temporary:
            temporary.write_text("new")
            raise failure

    with pytest.raises(failure):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_of_the_faster_process_stays(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with new_folder(path) as slower:
        (slower / "who").write_text("slower")
        with new_folder(path) as faster:
            (faster / "who").write_text("faster")
    assert (path / "who").read_text() == "faster"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_folder_is_removed(tmp_path: Path) -> None:
    def write() -> None:
        with new_folder(tmp_path / "folder") as temporary:
            (temporary / "file").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []


def test_removed_folder_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("x")
    remove_folder(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_are_cleared_after_a_day_and_not_before(tmp_path: Path) -> None:
    for name, age in ((".tmp-old", 2 * 24 * 3600), (".tmp-young", 60)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with new_file(tmp_path / "file") as temporary:
        temporary.write_text("x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".tmp-young", "file"]


def test_operating_system_errors_become_one_line_with_advice(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, cache_access(tmp_path):
        raise OSError(28, "No space left on device")
    assert str(caught.value) == (
        f"cannot use the cache folder {tmp_path}: No space left on device; "
        "free space there, or set SKINLAB_HOME to a folder that can be written"
    )
