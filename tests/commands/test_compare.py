"""`skinlab compare`, as a user runs it."""

import json
from pathlib import Path

import pytest

from skinlab.cli import main
from skinlab.run import Run
from tests.comparison.run_builders import Made, finished


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def sweep():
    for number, skill in enumerate((1.0, 3.0)):
        finished(Path("sweep") / str(number), f"network.dropout=0.{number + 1}", made=Made(skill=skill, draw=number))
    return Path("sweep")


def test_a_sweep_is_compared_with_its_verdict_and_what_must_be_known_of_it(sweep, capsys):
    Run.create(sweep / "2", {}).update(status="failed", error="the loss became NaN")
    assert main(["compare", "sweep"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("AUC on 90 test images; one pair; 95 % intervals\n")
    assert "network.dropout" in printed.out
    assert "B is better than A by 0." in printed.out
    for words in (
        "left out: sweep/2: failed (the loss became NaN)",
        "not for diagnosis",
        "drawn phantoms",
        "run once",
        "looked at 3 times by 2 runs",
    ):
        assert words in printed.err


def test_json_is_all_that_goes_to_stdout(sweep, capsys):
    assert main(["compare", "sweep/0", "sweep/1", "--json", "--metric", "accuracy"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["metric"], content["pairs"][0]["better"]) == ("accuracy", "B")


def test_a_page_is_written_where_it_was_asked_for(sweep, capsys):
    assert main(["compare", "sweep", "--out", "page.html"]) == 0
    assert Path("page.html").read_text().startswith("<!doctype html>")
    assert "written: page.html" in capsys.readouterr().err
    assert main(["compare", "sweep", "--out", "nowhere/page.html"]) == 6


def test_runs_that_are_not_comparable_are_shown_and_refused_and_the_options_say_what_they_did(sweep, capsys):
    finished(Path("other"), "network.dropout=0.5", made=Made(tested_from=30))
    words = ["compare", "sweep", "other"]
    assert main(words) == 3
    printed = capsys.readouterr()
    assert "not ranked" in printed.out
    assert "better" not in printed.out
    assert "sweep/0 and other: 30 test images are in the first alone: image_0000" in printed.err
    assert "--common compares on the test images that are the same" in printed.err
    assert main([*words, "--common"]) == 0
    printed = capsys.readouterr()
    assert "AUC on 60 test images that all runs share" in printed.out
    assert "not comparable, and compared all the same (--common):" in printed.err
    assert main([*words, "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images_taken"] == "forced"
    assert main([*words, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["pairs"] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name runs, a sweep or an experiment"),
        (["sweep", "--metric", "acuracy"], 2, "no such number (did you mean accuracy?)"),
        (["sweep", "--top", "1"], 2, "--top 1: a comparison needs at least 2"),
        (["sweep", "--common", "--force"], 2, "exclude each other"),
        (["sweep", "--wrong"], 2, "see skinlab compare --help"),
        (["sweep/0"], 3, "a comparison needs two experiments: only one was named"),
        (["nothing"], 3, "nothing is neither a directory nor an experiment with runs in outputs, nor does the id"),
        (["sweep", "--reference", "elsewhere"], 3, "elsewhere is neither a directory nor an experiment"),
    ],
)
def test_mistakes_end_in_one_line(sweep, words, code, said, capsys):
    assert main(["compare", *words]) == code
    assert said in capsys.readouterr().err


def test_runs_of_other_classes_are_refused_without_advice_that_would_not_help(sweep, capsys):
    finished(Path("other"), made=Made(classes=("nevus", "melanoma"), positive="melanoma"))
    assert main(["compare", "sweep/0", "other"]) == 3
    said = capsys.readouterr().err
    assert "the classes are benign, malignant and nevus, melanoma" in said
    assert said.endswith("no option compares runs with different classes\n")


def test_a_reference_that_is_not_compared_is_refused(sweep, capsys):
    Run.create(Path("other"), {})
    assert main(["compare", "sweep", "--reference", "other"]) == 3
    assert "--reference other is none of the runs that are compared" in capsys.readouterr().err


def test_help_is_printed(capsys):
    assert main(["compare", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: skinlab compare RUN RUN...")
