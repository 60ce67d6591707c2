import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from skinlab.serving.inputs import Given, given

NO_LINES = BytesIO()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("in/b/2.png", "in/b/10.png", "in/a.JPG", "in/notes.txt", "in/.hidden.png", "z.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)


def test_files_come_as_named_and_folders_sorted_by_path() -> None:
    assert list(given(["z.png", "in", "z.png"], NO_LINES)) == [
        Given(row, path)
        for row, path in enumerate(["z.png", "in/a.JPG", "in/b/10.png", "in/b/2.png", "z.png"], start=1)
    ]


def test_a_dash_stands_for_the_lines_of_standard_input() -> None:
    lines = BytesIO(b"z.png\n\nin/b\r\n caf\xe9.png")
    found = [one.path for one in given(["in/a.JPG", "-"], lines)]
    assert found == ["in/a.JPG", "z.png", "in/b/10.png", "in/b/2.png", os.fsdecode(b" caf\xe9.png")]


def test_what_is_not_there_is_left_to_the_reader() -> None:
    assert list(given(["nowhere.png"], NO_LINES)) == [Given(1, "nowhere.png")]


def test_a_folder_without_images_is_a_problem_of_its_own() -> None:
    assert list(given(["empty", "z.png"], NO_LINES)) == [
        Given(1, "empty", "no images in this folder"),
        Given(2, "z.png"),
    ]


def test_a_folder_with_a_name_that_is_no_text_does_not_stop_the_rest() -> None:
    Path(os.fsdecode(b"in/\xff.png")).touch()
    found = list(given(["in", "z.png"], NO_LINES))
    assert [one.path for one in found] == ["in", "z.png"]
    assert "not valid UTF-8" in found[0].problem


def test_every_file_of_a_folder_has_a_row_or_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    stream = BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    for name in ("a.png", "d", "e.xyz", "f.cr2", "notes.txt"):
        (folder / name).write_bytes(b"text" if name in ("f.cr2", "notes.txt") else stream.getvalue())
    unread = "a picture in a format that is not read"
    assert [(one.path, one.problem) for one in given(["mixed"], NO_LINES)] == [
        ("mixed/a.png", ""),
        ("mixed/d", ""),
        ("mixed/e.xyz", unread),
        ("mixed/f.cr2", unread),
    ]
    assert (
        "mixed: files that are not read: 1 .cr2, 1 .txt, 1 .xyz; of these look like pictures: e.xyz, f.cr2"
        in caplog.text
    )
