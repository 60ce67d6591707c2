import errno
from pathlib import Path

import pytest

from skinlab import files
from skinlab.errors import OutputError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"old": 1})

    def fail() -> None:
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == '{\n  "old": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    def fail() -> None:
        with files.replacing(tmp_path / "a") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match=r"the disk is full: .*/a could not be written; free space there"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    said = r"no/a cannot be written \(No such file or directory\); make the folder .*/no, or choose another$"
    with pytest.raises(OutputError, match=said):
        files.write_text(tmp_path / "no" / "a", "x")


def test_nan_is_never_written_as_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a", float("nan"))


@pytest.mark.parametrize("size", [1, 2**20])
def test_where_there_is_room_nothing_is_left_of_the_question(tmp_path: Path, size: int) -> None:
    files.require_room(tmp_path, size)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written|the disk is full"):
        files.require_room(tmp_path, 2**62)
    assert list(tmp_path.iterdir()) == []
