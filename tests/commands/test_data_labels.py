"""`skinlab data labels`, as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image

from skinlab.cli import main
from skinlab.commands.complete import candidates

WORDS = ["dataset=folder", "dataset.path=images"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for label in ("benign", "malignant"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(f"images/{label}/{i}.png")
    return tmp_path


def labels(*words):
    return main(["data", "labels", *words])


def test_set_undo_and_revert_are_told_and_shown(capsys):
    assert labels("set", "benign/0", "malignant", "--why", "histology", "--who", "ada", *WORDS) == 0
    assert labels("set", "benign/1", "malignant", "--why", "histology", "--who", "ada", *WORDS) == 0
    assert labels("undo", "1", "--why", "wrong slide", "--who", "bob", *WORDS) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "entry 1: benign/0: benign -> malignant"
    assert said[4] == "entry 3: benign/0: malignant -> benign"
    assert said[5].startswith("revision ")
    assert said[5].endswith(" of images/labels.log")
    first = said[1].split()[1]
    assert labels("revert", first, "--who", "ada", *WORDS) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["entry 4: benign/0: benign -> malignant", "entry 5: benign/1: malignant -> benign"]
    assert labels(*WORDS) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 7
    assert shown[3].split()[0] == "3"
    assert shown[3].split()[4:] == ["benign/0", "malignant", "->", "benign", "bob", "wrong", "slide"]
    assert shown[-1].startswith("5 entries; revision ")


def test_overrides_may_come_before_the_words(capsys):
    assert labels(*WORDS, "--why", "x", "set", "benign/0", "malignant") == 2  # the verb comes first
    assert labels("set", *WORDS, "--why", "x", "benign/0", "malignant") == 0
    assert "entry 1: benign/0: benign -> malignant" in capsys.readouterr().out


def test_json_has_every_field_and_image_filters(capsys):
    labels("set", "benign/0", "malignant", "--why", "a", *WORDS)
    labels("set", "benign/1", "malignant", "--why", "b", *WORDS)
    capsys.readouterr()
    assert labels("--json", "--image", "benign/1", *WORDS) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["number"], entry["image_id"], entry["why"]) == (2, "benign/1", "b")
    assert {"old_label", "new_label", "sha256", "who", "when", "previous", "hash"} <= set(entry)


def test_no_log_is_no_error_to_look_at(capsys):
    assert labels(*WORDS) == 0
    assert capsys.readouterr().out == "no corrections: images/labels.log has no entry\n"
    assert labels("--json", *WORDS) == 0
    assert capsys.readouterr().out == "[]\n"


def test_a_new_label_is_declared(capsys):
    words = ["set", "benign/0", "nevus", "--why", "x", *WORDS]
    assert labels(*words) == 3
    assert "a new one is declared in dataset.classes" in capsys.readouterr().err
    assert labels(*words, "dataset.classes=[benign,malignant,nevus]") == 0


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["set", "benign/0", *WORDS], 2, "set takes IMAGE_ID LABEL and overrides, not: benign/0; see"),
        (["set", "benign/0", "malignant", "dataset.pth=x"], 2, "not: benign/0 malignant dataset.pth=x; see"),
        (["set", "benign/0", "malignant", *WORDS], 2, "set needs --why TEXT"),
        (["undo", "--why", "x", *WORDS], 2, "undo takes ENTRY and overrides; see"),
        (["undo", "1", "--why", "x", *WORDS], 3, "has no entry 1: it has none"),
        (["revert", *WORDS], 2, "revert takes REVISION"),
        (["--why", "x", *WORDS], 2, "--why and --who go with"),
        (["set", "benign/0", "malignant", "--why", "x", "--json", *WORDS], 2, "--image and --json show the log"),
        (["-m", *WORDS], 2, "leave out -m"),
        (["dataset=synthetic"], 3, "dataset=synthetic has no folder for a label log"),
    ],
)
def test_mistakes_are_one_line(words, code, expected, capsys):
    assert labels(*words) == code
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("data labels re", ["revert"]),
        ("data labels --i", ["--image"]),
        ("data labels set --wh", ["--why", "--who"]),
        ("data labels dataset=fo", ["dataset=folder"]),
        ("data labels dataset.label_log=im", ["dataset.label_log=images/"]),
        ("data audit dataset=fo", ["dataset=folder"]),
        ("data audit --o", ["--out"]),
    ],
)
def test_completion(words, expected):
    assert candidates(words.split(" ")) == expected
