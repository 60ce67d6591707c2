"""`skinlab folds`, as a user runs it, and what a sweep of folds ends with."""

import json
from pathlib import Path

import pytest

from skinlab.cli import main
from skinlab.commands.folds import after_sweep
from tests.folds.fold_builders import fold_run, three_folds


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sweep():
    return three_folds(Path("sweep"))


def test_a_sweep_gets_its_table_and_its_file(sweep, capsys):
    assert main(["folds", "sweep"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("default: 3 folds\non 60 out-of-fold images")
    assert "Note: trained and scored on drawn phantoms" in printed
    content = (sweep / "folds.json").read_bytes()
    (experiment,) = json.loads(content)["experiments"]
    assert experiment["folds"] == 3
    assert main(["folds", "sweep", "--json"]) == 0
    assert capsys.readouterr().out.encode() == content


def test_runs_are_summarised_without_writing(sweep, capsys):
    assert main(["folds", "sweep/2", "sweep/0", "sweep/1"]) == 0
    assert capsys.readouterr().out.startswith("default: 3 folds\n")
    assert not list(Path().rglob("folds.*"))


def test_the_page_lies_beside_the_sweep_or_where_it_is_wanted(sweep, capsys):
    assert main(["folds", "sweep"]) == 0
    assert capsys.readouterr().out.endswith("page: sweep/folds.html\n")
    assert '<a href="1/report.html">1</a>' in (sweep / "folds.html").read_text()
    assert main(["folds", "sweep/2", "sweep/0", "sweep/1", "--out", "cv.html"]) == 0
    assert capsys.readouterr().out.endswith("page: cv.html\n")
    assert '<a href="sweep/1/report.html">sweep/1</a>' in Path("cv.html").read_text()
    assert main(["folds", "sweep", "--out", "nowhere/cv.html"]) == 6
    assert "nowhere/cv.html cannot be written" in capsys.readouterr().err


def test_a_sweep_over_other_keys_too_gets_one_summary_for_each(sweep, capsys):
    for fold in range(3):
        fold_run(sweep / str(3 + fold), fold, "network.dropout=0.5")
    assert main(["folds", "sweep"]) == 0
    printed = capsys.readouterr().out
    assert "default network.dropout=0.2: 3 folds" in printed
    assert "default network.dropout=0.5: 3 folds" in printed
    found = json.loads((sweep / "folds.json").read_text())["experiments"]
    assert [one["differs"] for one in found] == [{"network.dropout": 0.2}, {"network.dropout": 0.5}]
    assert main(["folds", *(f"sweep/{number}" for number in range(6))]) == 3
    assert "they differ in network.dropout: 0.2 and 0.5" in capsys.readouterr().err


def test_an_incomplete_one_does_not_take_the_others_with_it(sweep, capsys):
    fold_run(sweep / "3", 0, "network.dropout=0.5", status="failed")
    assert main(["folds", "sweep"]) == 3
    captured = capsys.readouterr()
    assert "default network.dropout=0.2: 3 folds" in captured.out
    assert "3 of 3 folds of network.dropout=0.5 have no result: fold 0 failed (the loss became NaN)" in captured.err


def test_a_failed_fold_is_replaced_by_a_run_named_beside_the_sweep(sweep, capsys):
    run = json.loads((sweep / "1" / "run.json").read_text())
    (sweep / "1" / "run.json").write_text(json.dumps(run | {"status": "failed", "error": "x"}))
    assert main(["folds", "sweep"]) == 3
    assert "`skinlab resume sweep/1`" in capsys.readouterr().err
    fold_run(Path("again"), 1)
    assert main(["folds", "sweep", "again", "sweep/0"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "skinlab folds: name the directory of a sweep"),
        (["nowhere"], 3, "skinlab folds: nowhere is neither a run nor a sweep"),
        (["--table", "sweep"], 2, "unrecognized arguments: --table"),
    ],
)
def test_mistakes_are_one_line(words, code, said, capsys):
    assert main(["folds", *words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_sweep_of_folds_ends_with_the_table(sweep, capsys):
    after_sweep([sweep / fold for fold in "012"])
    printed = capsys.readouterr().out
    assert "default: 3 folds" in printed
    assert printed.endswith("written: sweep/folds.json and folds.html\n")
    assert (sweep / "folds.html").exists()
    assert (sweep / "folds.json").exists()


def test_a_sweep_of_folds_with_a_failed_one_says_how_to_go_on(sweep, capsys):
    (sweep / "1").rename("elsewhere")
    fold_run(sweep / "1", 1, status="failed")
    after_sweep([sweep / fold for fold in "012"])
    assert capsys.readouterr().out == (
        "folds: 1 of 3 folds has no result: fold 1 failed (the loss became NaN): `skinlab resume sweep/1`; "
        "then run `skinlab folds` with all of them\n"
    )
    assert not (sweep / "folds.json").exists()


def test_a_sweep_that_is_not_over_folds_ends_as_before(capsys):
    for number, override in enumerate(("seed=1", "seed=2")):
        fold_run(Path(str(number)), 0, override, status="failed")
    after_sweep([Path("0"), Path("1"), Path("never-made")])
    assert capsys.readouterr().out == ""
