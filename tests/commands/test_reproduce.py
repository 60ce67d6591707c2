"""`skinlab reproduce` without a training; tests/integration/test_reproduce.py trains."""

import json
from pathlib import Path

import pytest

from skinlab import machine
from skinlab.cli import main
from skinlab.commands.reproduce import DIFFERENT
from skinlab.run import Run
from tests.reproduction.prepared_runs import photographs, prepared_run, relabel, words
from tests.reproduction.test_outcome import results, write_epochs
from tests.runs.run_builders import make_run


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    code = {"version": "0.1.0", "commit": "a" * 40, "dirty": False}
    monkeypatch.setattr(machine, "code_version", lambda: code)


@pytest.fixture
def run():
    """A finished run in outputs/, with data and results."""
    path = Path("outputs/runs/debug/20261101-100000-aaaa01")
    prepared = prepared_run(path, words(photographs(Path("images"))))
    kept = (path / "split.csv").read_text()
    for folder in ("checkpoints", "bundle"):
        assert not (path / folder).exists()
    results(path)
    (path / "split.csv").write_text(kept)
    return prepared


@pytest.fixture
def other(run):
    path = Path("outputs/reproductions/debug/20261102-100000-bbbb02")
    Run.create(path, {"reproduces": str(run.path)}).update(status="finished")
    results(path)
    (path / "split.csv").write_bytes((run.path / "split.csv").read_bytes())
    return path


def test_check_only_says_that_nothing_differs(run, capsys):
    assert main(["reproduce", "aaaa01", "--check-only"]) == 0
    assert capsys.readouterr().out == "nothing differs: code, packages, machine and data are as they were\n"
    assert not Path("outputs/reproductions").exists()


def test_check_only_names_what_differs_and_says_it_by_its_exit_status(run, capsys):
    relabel(Path("images"), "benign3", "malignant")
    assert main(["reproduce", "aaaa01", "--check-only"]) == DIFFERENT
    assert "differs: data: benign3 label: benign -> malignant\n" in capsys.readouterr().out
    assert main(["reproduce", "aaaa01", "--check-only", "--json"]) == DIFFERENT
    found = json.loads(capsys.readouterr().out)["differences"]["data"]
    assert {"what": "benign3 label", "before": "benign", "after": "malignant"} in found


def test_two_runs_that_are_there_are_compared(run, other, capsys):
    assert main(["reproduce", "aaaa01", "--with", "bbbb02"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("identical: the same bytes in 6 files: ")
    content = json.loads((other / "reproduction.json").read_text())
    assert content["verdict"] == "identical"
    assert content["reproduces"] == str(run.path.resolve())


def test_a_different_one_has_an_exit_status_of_its_own_and_says_where(run, other, capsys):
    write_epochs(other, 0.9)
    assert main(["reproduce", "aaaa01", "--with", "bbbb02"]) == DIFFERENT
    assert capsys.readouterr().out.endswith("different: they part in metrics.jsonl at epoch 2: train_loss\n")
    assert main(["reproduce", "aaaa01", "--with", "bbbb02", "--tolerance", "1"]) == 0
    assert "equal within 1, not identical" in capsys.readouterr().out
    assert main(["reproduce", "aaaa01", "--with", "bbbb02", "--json"]) == DIFFERENT
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((other / "reproduction.json").read_text())


def test_a_declaration_of_another_version_is_one_line_with_the_way_out(run, capsys):
    run.update(config=run.record["config"] | {"cosmic_rays": True})
    assert main(["reproduce", "aaaa01"]) == 2
    error = capsys.readouterr().err
    assert "was declared for another skinlab (0.1.0" in error
    assert "no key 'cosmic_rays'" in error
    assert "`skinlab reproduce --environment outputs/runs/debug/20261101-100000-aaaa01`" in error
    assert error.count("\n") == 1


def test_other_weights_are_refused_before_a_training(run, capsys):
    Path("start.pth").write_bytes(b"a")
    run.update(weights={"source": "file", "file": "start.pth", "sha256": "0" * 64})
    assert main(["reproduce", "aaaa01"]) == 2
    assert "training began with other weights: start.pth (sha256): 000000000000 -> " in capsys.readouterr().err
    assert not Path("outputs/reproductions").exists()


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        ([], 2, "name a run"),
        (["aaaa01", "--check-only", "--environment"], 2, "one of them"),
        (["aaaa01", "--python", "x"], 2, "--python goes with --environment"),
        (["aaaa01", "--tolerance", "-1"], 2, "must be a number from 0"),
        (["aaaa01", "--with", "cccc03"], 6, "is failed: only a finished run can be reproduced"),
        (["cccc03"], 6, "is failed: only a finished run can be reproduced"),
        (["aaaa01"], 6, "run.json does not say machine, dataset_fingerprint, split_hash"),
        (["aaaa01", "--environment"], 6, "what it was made with is not known"),
        (["ffff99"], 6, "no run in outputs"),
    ],
)
def test_mistakes_are_one_line(words, code, part, capsys):
    make_run(Path("outputs/runs/debug/20261101-100000-aaaa01"))
    make_run(Path("outputs/runs/debug/20261103-100000-cccc03"), status="failed")
    assert main(["reproduce", *words]) == code
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


def test_help(capsys):
    assert main(["reproduce", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: skinlab reproduce RUN")
