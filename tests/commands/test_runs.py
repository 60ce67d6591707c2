"""`skinlab runs` and its verbs, as a user runs them."""

import csv
import io
import json
from pathlib import Path

import pytest

from skinlab.cli import main
from skinlab.commands.runs import MODULES
from skinlab.commands.table import RUNS_VERBS
from tests.runs.run_builders import make_runs


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """All of these look at the runs of the current directory."""
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    make_runs(Path("outputs"))


def ids(text):
    return [
        line.split()[0].rpartition("-")[2] for line in text.splitlines() if line.startswith("2026") and ": " not in line
    ]


@pytest.fixture
def said(capsys):
    """What a command that succeeds prints."""

    def function(*words):
        assert main(["runs", *words]) == 0
        return capsys.readouterr().out

    return function


def test_runs_are_listed_newest_first_with_their_validation_score(said):
    text = said()
    assert ids(text) == ["dddd04/3", "cccc03", "bbbb02", "aaaa01"]
    assert "validation auc" in text.splitlines()[0]
    assert "0.700 [0.600, 0.800]" in text
    assert "20261103-100000-cccc03: the loss became NaN" in text
    assert "drawn phantoms; such numbers say nothing about medicine" in text
    assert text.endswith("4 of 4 runs in outputs\n")


def test_sorting_by_a_metric_gives_the_best_first_and_those_without_last(said, capsys):
    assert ids(said("--sort", "auc", "--limit", "3")) == ["bbbb02", "aaaa01", "cccc03"]
    assert ids(said("--sort", "brier")) == ["bbbb02", "dddd04/3", "aaaa01", "cccc03"]
    assert ids(said("--sort", "auc", "--reverse"))[:2] == ["aaaa01", "bbbb02"]
    assert ids(said("--sort", "learning_rate"))[-1] == "dddd04/3"


@pytest.mark.parametrize("words", [("--sort", "test.auc"), ("test.auc>0.1",)])
def test_choosing_by_test_is_said_to_be_biased(words, capsys):
    assert main(["runs", *words]) == 0
    assert "the score of the best is biased upwards; choose by validation" in capsys.readouterr().err


def test_choosing_by_validation_is_not(capsys):
    assert main(["runs", "auc>0.1", "--sort", "auc"]) == 0
    assert capsys.readouterr().err == ""


def test_filters_and_since_narrow_the_list(said):
    assert ids(said("network=resnet34")) == ["bbbb02"]
    assert ids(said("--since", "2026-11-03")) == ["dddd04/3", "cccc03"]
    assert ids(said("--since", "99999w", "status=failed")) == ["cccc03"]
    assert said("seed=99") == "0 of 4 runs in outputs\n"


def test_json_has_everything_and_csv_the_columns(said):
    rows = json.loads(said("dataset=isic2017", "--json"))
    assert rows[0]["path"] == "outputs/runs/debug/20261102-100000-bbbb02"
    assert rows[0]["validation.auc"] == 0.9
    assert rows[0]["choices"]["dataset"] == "isic2017"
    (row,) = csv.DictReader(io.StringIO(said("dataset=isic2017", "--csv", "--columns", "learning_rate")))
    assert row["dataset.name"] == "isic2017"
    assert row["optimizer.learning_rate"] == "0.01"


def test_tags_and_notes_show_up_in_the_list_and_in_show(said):
    said("tag", "aaaa01", "paper", "v1")
    said("untag", "aaaa01", "v1")
    said("note", "aaaa01", "the one", "to show")
    assert ids(said("tag=paper")) == ["aaaa01"]
    assert json.loads(said("show", "aaaa01", "--json"))["notes"][0]["text"] == "the one to show"


def test_show_of_a_failed_run_says_why(said):
    text = said("show", "cccc03")
    assert "failed: the loss became NaN" in text
    assert "code        0.1.0 aaaaaaaaaaaa" in text


def test_diff_shows_only_what_differs(said):
    text = said("diff", "aaaa01", "bbbb02")
    assert "  network.name: resnet18 -> resnet34\n" in text
    assert "  validation.auc: 0.7 -> 0.9\n" in text
    assert "seed" not in text
    assert said("diff", "aaaa01", "aaaa01").endswith("nothing differs\n")
    assert json.loads(said("diff", "aaaa01", "bbbb02", "--json"))["differences"]["numbers"]


def test_a_run_goes_to_the_trash_and_comes_back(said):
    assert "in the trash: " in said("delete", "aaaa01", "bbbb02")
    assert ids(said()) == ["dddd04/3", "cccc03"]
    assert "2 in the trash of outputs" in said("trash")
    said("restore", "aaaa01")
    assert "aaaa01" in ids(said())
    assert "deleted for good: 0 of 1" in said("trash", "empty", "--older-than", "30d")
    assert "deleted for good: 1 of 1" in said("trash", "empty", "--all")
    assert said("trash") == "0 in the trash of outputs\n"


def test_a_run_travels_as_a_file(said):
    said("archive", "aaaa01", "--out", "a.zip")
    assert "imported: there/runs/debug/20261101-100000-aaaa01" in said("import", "a.zip", "--output", "there")
    assert ids(said("--output", "there")) == ["aaaa01"]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["shwo"], 2, "no command 'runs shwo'; did you mean 'show'?"),
        (["auc<x"], 2, "validation.auc is a number"),
        (["--since", "soon"], 2, "--since soon: give a number with h, d or w"),
        (["--sort", "nonsense"], 2, "nonsense: no run has this key"),
        (["--json", "--csv"], 2, "--json or --csv, not both"),
        (["--limit", "0"], 2, "--limit 0: must be at least 1"),
        (["show"], 2, "name a run"),
        (["show", "ffff99"], 6, "no run in outputs has an id that begins or ends so"),
        (["diff", "aaaa01"], 2, "name two runs"),
        (["shown"], 2, "Commands: show, diff, tag, untag, note, "),
        (["status=finishd"], 2, "status=finishd: no status 'finishd'; did you mean 'finished'?"),
        (["tag", "aaaa01"], 2, "name a run and one tag or more: skinlab runs tag RUN NAME..."),
        (["note", "aaaa01"], 2, "name a run and its text: skinlab runs note RUN TEXT"),
        (["delete"], 2, "name a run"),
        (["trash", "empty"], 2, "say what to delete for good"),
        (["trash", "--all"], 2, "trash empty --older-than 30d"),
        (["archive", "aaaa01"], 2, "--out FILE.zip"),
        (["import", "nowhere.zip"], 3, "nowhere.zip is not there"),
        (["import", "x.zip", "--most-gb", "0"], 2, "must be a number above 0"),
    ],
)
def test_mistakes_are_one_line(words, code, part, capsys):
    assert main(["runs", *words]) == code
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("verb", [verb.name for verb in RUNS_VERBS])
def test_every_verb_has_its_help_and_its_module(verb, capsys):
    assert verb in MODULES
    assert main(["runs", verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: skinlab runs ")


def test_other_commands_take_short_names_too(capsys):
    assert main(["resume", "aaaa01"]) == 6
    assert "outputs/runs/debug/20261101-100000-aaaa01 is finished" in capsys.readouterr().err
    assert main(["predict", "aaaa01", "x.jpg"]) == 8
    assert "20261101-100000-aaaa01" in capsys.readouterr().err
    assert main(["evaluate", "cccc03"]) == 8
    assert "is failed: only a finished run" in capsys.readouterr().err


def test_where_there_is_no_output_folder_there_are_no_runs(said):
    assert said("--output", "nowhere") == "0 of 0 runs in nowhere\n"
    assert not Path("nowhere").exists()
