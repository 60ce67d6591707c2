"""`skinlab data preview`, as a user runs it."""

import numpy as np
import pytest
from PIL import Image

from skinlab.cli import main
from skinlab.commands.complete import candidates


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def preview(*words):
    return main(["data", "preview", "experiment=debug", "audit.near_duplicates=false", *words])


def test_a_sheet_is_written_with_a_line_for_each_image_and_a_column_for_each_epoch(place, capsys):
    assert preview("--images", "2", "--changes", "3") == 0
    assert capsys.readouterr().out == "written: preview.png\n"
    narrow = Image.open(place / "preview.png").size
    assert preview("--images", "1", "--changes", "5", "--out", "more.PNG") == 0
    wide = Image.open(place / "more.PNG").size
    assert wide[0] - narrow[0] >= 128
    assert narrow[1] - wide[1] == 2 * (128 + 6)  # two images fewer, one of each class
    assert {path.name for path in place.iterdir()} == {"home", "preview.png", "more.PNG"}


def test_the_same_declaration_gives_the_same_sheet_and_another_seed_another(place):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        preview("--images", "1", "--out", f"{name}.png", f"seed={seed}")
    sheets = [(place / f"{name}.png").read_bytes() for name in "abc"]
    assert sheets[0] == sheets[1] != sheets[2]


def test_the_sheet_says_that_phantoms_are_no_patients(place, monkeypatch):
    from skinlab.data import contact_sheet

    given = []
    monkeypatch.setattr(contact_sheet, "draw", lambda *words: given.append(words) or b"")
    preview("dataset.shuffle_labels=true", "training.mixup=0.2", "--images", "1")
    ((title, columns, rows, notes),) = given
    assert "augmentation=flip_crop" in title
    assert columns == ["as it is", *(f"epoch {number}" for number in range(1, 8))]
    assert [row.name for row in rows] == ["benign", "malignant"]
    assert all(caption.endswith(("benign", "malignant")) for row in rows for caption in row.captions[1:])
    assert [note.split(":")[0] for note in notes] == [
        "These are phantoms",
        "Labels were shuffled as a negative control.",
        "training.mixup=0.2",
    ]


def test_no_augmentation_shows_the_image_itself(place):
    preview("augmentation=none", "--images", "1", "--changes", "1")
    pixels = np.asarray(Image.open(place / "preview.png"))
    left, right = pixels[80:190, 186 : 186 + 128], pixels[80:190, 186 + 134 : 186 + 134 + 128]
    assert np.array_equal(left, right)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--images", "0"], "--images 0: must be 1 to 100"),
        (["--changes", "101"], "--changes 101: must be 1 to 100"),
        (["--changes", "some"], "argument --changes: invalid int value: 'some'; see skinlab data preview --help"),
        (["--out", "sheet.jpg"], "--out sheet.jpg: must end in .png"),
        (["-m"], "skinlab data preview looks at one declaration: leave out -m"),
    ],
)
def test_wrong_options_are_named(words, line, capsys):
    assert preview(*words) == 2
    assert capsys.readouterr().err == f"skinlab data: {line}\n"


def test_a_place_that_cannot_be_written_is_named(capsys):
    assert preview("--out", "nowhere/sheet.png", "--images", "1", "--changes", "1") == 6
    assert "nowhere/sheet.png cannot be written" in capsys.readouterr().err


def test_help_names_the_options(capsys):
    assert main(["data", "preview", "--help"]) == 0
    output = capsys.readouterr().out
    assert all(option in output for option in ("--images", "--changes", "--out", "--config-dir"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("data p", ["preview"]),
        ("data preview --c", ["--changes", "--config-dir"]),
        ("data preview augmentation=d", ["augmentation=dermoscopy"]),
        ("data preview augmentation=none training.mi", ["training.mixup="]),
        ("data preview --out s", ["sheets/"]),
        ("data audit dataset=ham", ["dataset=ham10000"]),
    ],
)
def test_options_and_overrides_are_completed(words, expected, place):
    (place / "sheets").mkdir()
    assert candidates(words.split(" ")) == expected
