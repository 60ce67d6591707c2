"""`skinlab predict`, as a user runs it."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from skinlab.cli import main
from skinlab.errors import BundleError
from tests.processes import read_terminal
from tests.serving.bundles import write_bundle

WARNING = "skinlab predict: research software: not a medical device, not for diagnosis; trained on nothing\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle, and images beside it."""
    write_bundle(tmp_path / "bundle")
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name, colour in (("in/sub/red.png", (250, 0, 0)), ("in/green.png", (0, 250, 0)), ("blue.png", (0, 0, 250))):
        Image.new("RGB", (9, 7), colour).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_for_each_image_in_the_order_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "bundle", "blue.png", "in"]) == 0
    printed = capsys.readouterr()
    rows = table(printed.out)
    assert list(rows[0]) == ["path", "probability_benign", "probability_malignant", "label", "decision", "error"]
    assert [(row["path"], row["label"]) for row in rows] == [
        ("blue.png", "benign"),
        ("in/green.png", "benign"),
        ("in/sub/red.png", "malignant"),
    ]
    assert printed.err == WARNING + "skinlab predict: 3 images scored\n"


def test_an_unreadable_file_is_named_and_the_rest_is_scored(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/broken.jpg").write_text("no image")
    assert main(["predict", "bundle", "in", "gone.png"]) == 1
    printed = capsys.readouterr()
    errors = {row["path"]: row["error"] for row in table(printed.out)}
    assert errors == {
        "in/broken.jpg": "not an image, or of a format that is not read",
        "in/green.png": "",
        "in/sub/red.png": "",
        "gone.png": "cannot be read: No such file or directory",
    }
    assert "skinlab predict: in/broken.jpg: not an image, or of a format that is not read\n" in printed.err
    assert printed.err.endswith("skinlab predict: 2 images scored, 2 could not be read\n")


def test_json_lines_hold_the_same_as_csv(capsys: pytest.CaptureFixture[str]) -> None:
    main(["predict", "bundle", "in"])
    rows = table(capsys.readouterr().out)
    assert main(["predict", "bundle", "in", "--format", "jsonl", "--out", "out.jsonl"]) == 0
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert capsys.readouterr().out == ""
    for row, line in zip(rows, lines, strict=True):
        assert (row["path"], row["label"], row["decision"]) == (line["path"], line["label"], line["decision"])
        assert line["probabilities"] == {name: float(row[f"probability_{name}"]) for name in ("benign", "malignant")}
        assert line["error"] is None


def test_any_number_of_threads_writes_the_same_bytes() -> None:
    for threads in ("1", "4"):
        assert main(["predict", "bundle", "in", "blue.png", "--threads", threads, "--out", f"{threads}.csv"]) == 0
    assert Path("1.csv").read_bytes() == Path("4.csv").read_bytes()


def test_paths_are_read_from_standard_input_and_names_that_are_no_text_pass(place: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    Path("blue.png").rename(name)
    done = subprocess.run(
        [sys.executable, "-m", "skinlab", "predict", "bundle", "-"],
        input=b"in/green.png\n" + os.fsencode(name) + b"\n",
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0
    assert [line.split(b",")[0] for line in done.stdout.splitlines()[1:]] == [b"in/green.png", b"caf\\udce9.png"]


def test_other_views_than_the_runs_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "bundle", "in", "--tta", "dihedral"]) == 0
    assert "--tta dihedral: the run was evaluated, and its threshold set, with none" in capsys.readouterr().err


def test_overlays_are_named_by_row_and_file_and_an_unreadable_image_has_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("in/broken.jpg").write_text("no image")
    assert main(["predict", "bundle", "in", "--explain", "why"]) == 1
    rows = table(capsys.readouterr().out)
    assert [row["explanation"] for row in rows] == ["", "why/000002-green.png", "why/000003-red.png"]
    assert {path.name for path in Path("why").iterdir()} == {"000002-green.png", "000003-red.png"}
    with Image.open("why/000003-red.png") as overlay:
        assert (overlay.size, overlay.mode) == ((256, 256), "RGB")
    main(["predict", "bundle", "in", "--explain", "why", "--format", "jsonl"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["explanation"] for line in lines] == [None, "why/000002-green.png", "why/000003-red.png"]


def test_a_changed_bundle_scores_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("bundle/model.onnx").open("ab") as file:
        file.write(b" ")
    assert main(["predict", "bundle", "in", "--out", "out.csv"]) == BundleError.exit_code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "model.onnx is not the file whose checksum is in SHA256SUMS" in printed.err
    assert not Path("out.csv").exists()


def test_a_result_that_cannot_be_written_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "bundle", "in", "--out", "nowhere/out.csv"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs a run and images"),
        (["bundle"], "needs a run and images"),
        (["bundle", "in", "--threads", "0"], "--threads 0: must be at least 1"),
        (["bundle", "in", "--format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_wrong_arguments_are_told(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(["predict", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_it_quietly(place: Path) -> None:
    command = f"yes blue.png | {sys.executable} -m skinlab predict bundle - | head -2; echo ${{PIPESTATUS[1]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.splitlines()[1].startswith("blue.png,")
    assert done.stdout.endswith("\n141\n")
    assert done.stderr == WARNING


def test_a_bar_is_shown_on_a_terminal_and_not_among_the_rows(place: Path) -> None:
    ours, theirs = pty.openpty()
    with (place / "rows.csv").open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "skinlab", "predict", "bundle", *["in"] * 20],
            stdout=stream,
            stderr=theirs,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"},
        )
    os.close(theirs)
    shown = read_terminal(ours)
    assert process.wait(timeout=60) == 0
    rows = (place / "rows.csv").read_bytes()
    assert "scoring" in shown
    assert "of 40 images" in shown
    assert len(table(rows.decode())) == 40
    assert b"scoring" not in rows


def test_help_tells_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--help"]) == 0
    assert "1 if images could not be read" in capsys.readouterr().out
