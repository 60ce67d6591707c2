"""Records of runs and sweeps of a stranger: whatever they say, each command ends in lines, and changes nothing."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from skinlab import cli, machine
from skinlab.errors import OutputError
from skinlab.logs import visible
from skinlab.run import Run
from skinlab.runs import facts
from skinlab.sweeps.declaration import declare
from skinlab.sweeps.planning import Planner
from skinlab.sweeps.state import Sweep
from tests.hostile import fuzz
from tests.hostile.audit import watched
from tests.runs.run_builders import make_run

ESCAPES = "\x1b]0;title\x07\x1b[2J\x1b[8mhidden\x9b8m\u202egnp"


def told(*words: str) -> tuple[int, str]:
    """What a command says, and its exit code; a traceback is a failure of the test."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.main(list(words))
    return code, out.getvalue() + err.getvalue()


def test_no_word_of_a_foreign_run_commands_the_terminal(tmp_path: Path) -> None:
    output = tmp_path / "outputs"
    run = make_run(output / "runs" / "a" / "20261101-100000-aaaa01", status="failed", error=f"failed{ESCAPES}")
    other = make_run(output / "runs" / "a" / "20261101-100000-aaaa02")
    record = json.loads((run / "run.json").read_text())
    for key in ("experiment", "command", "dataset_fingerprint", "split_hash", "reproduces"):
        record[key] = f"{key}{ESCAPES}"
    record["machine"] = {"host": ESCAPES, "cpu": ESCAPES, "system": ESCAPES, "python": ESCAPES}
    record["code"] = {"version": ESCAPES, "commit": ESCAPES}
    record["config"]["name"] = ESCAPES
    (run / "run.json").write_text(json.dumps(record))
    (run / "notes.json").write_text(
        json.dumps({"schema_version": 1, "tags": [ESCAPES], "notes": [{"time": ESCAPES, "text": ESCAPES}]})
    )
    for words in (
        ["runs"],
        ["runs", "--csv"],
        ["runs", "--json"],
        ["runs", "show", str(run)],
        ["runs", "show", str(run), "--json"],
        ["runs", "diff", str(run), str(other)],
        ["resume", str(run)],
        ["reproduce", str(run)],
        ["predict", str(run), "x.png"],
    ):
        _, said = told(*words, *(["--output", str(output)] if words[:2] == ["runs"] else []))
        assert said
        assert visible(said) == said, words


def test_no_word_of_a_foreign_sweep_commands_the_terminal(tmp_path: Path) -> None:
    path = sweep(tmp_path / "s", error=f"it{ESCAPES}")
    for words in (["sweep", "status", str(path)], ["sweep", "best", str(path)], ["sweep", "resume", str(path)]):
        _, said = told(*words)
        assert visible(said) == said, words


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x"])
def test_a_spreadsheet_gets_no_formula(tmp_path: Path, text: str) -> None:
    run = make_run(tmp_path / "outputs" / "runs" / "a" / "20261101-100000-aaaa01")
    Run.open(run).update(experiment=text)
    _, said = told("runs", "--csv", "--output", str(tmp_path / "outputs"))
    assert f",'{text}," in said


ENDLESS = {
    "lists": "[" * 100_000,
    "objects": '{"config": ' + '{"a":' * 900 + "1" + "}" * 900 + "}",
    "a number": '{"a": 1' + "0" * 5000 + "}",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_one_endless_record_does_not_take_the_list_with_it(tmp_path: Path, what: str) -> None:
    runs = tmp_path / "outputs" / "runs" / "a"
    make_run(runs / "20261101-100000-aaaa01")
    for name in ("run.json", "summary.json", "notes.json"):
        bad = make_run(runs / f"20261102-100000-bbbb{len(name):02d}")
        (bad / name).write_text(ENDLESS[what])
    code, said = told("runs", "--output", str(tmp_path / "outputs"))
    assert code == 0
    assert "aaaa01" in said
    assert said.count("cannot be read") == 3


def record_of_a_run(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    path = make_run(
        tmp_path / "outputs" / "runs" / "a" / "20261101-100000-aaaa01",
        machine={"host": "h", "python": "3.11.7", "cpu": "x", "system": "y"},
        timings={"total_s": 1.5},
        engine={"name": "cntk", "device": "cpu"},
        test_looks={"looks": 1, "runs": 1, "test_subset": "a"},
        weights={"file": "x", "sha256": "y"},
        dataset_fingerprint="a",
        split_hash="b",
    )
    return path, json.loads((path / "run.json").read_text())


RUN_COMMANDS = (["runs", "show"], ["runs", "diff"], ["resume"], ["reproduce", "--check-only"])


def test_a_changed_run_json_ends_every_command_in_lines(tmp_path: Path) -> None:
    path, good = record_of_a_run(tmp_path)
    other = make_run(tmp_path / "other")
    machine.code_version()  # asks git, once a process, about the code that runs
    for number, data in enumerate(fuzz.texts(good)):
        (path / "run.json").write_bytes(data)
        with watched(tmp_path) as watch:
            told("runs", "--output", str(tmp_path / "outputs"))
            facts.read(path, "aaaa01", None)
            words = RUN_COMMANDS[number % len(RUN_COMMANDS)]
            try:
                code, said = told(*words, str(path), *([str(other)] if words[-1] == "diff" else []))
            except Exception as error:
                raise AssertionError(f"{words} of {data!r}") from error
        assert code != 1, said
        assert visible(said) == said
        assert watch.seen == [], data


def test_a_changed_summary_ends_every_command_in_lines(tmp_path: Path) -> None:
    path, _ = record_of_a_run(tmp_path)
    good = json.loads((path / "summary.json").read_text())
    for data in fuzz.texts(good):
        (path / "summary.json").write_bytes(data)
        with watched(tmp_path) as watch:
            code, said = told("runs", "--output", str(tmp_path / "outputs"))
        assert code == 0, said
        assert watch.seen == [], data


def sweep(path: Path, **record: Any) -> Path:
    declaration = declare(["network.dropout=0.2,0.5", "training.epochs=1"], [])
    facts = {"declaration": declaration.record(), "objectives": [{"metric": "auc", "direction": "maximize"}]}
    facts |= {"command": "skinlab train -m", "code": {"version": "0.1.0", "commit": None}, "optimism": None}
    made = Sweep.create(path, facts | {"best": None, "pareto": []})
    made.add(Planner(declaration).grid(None))
    made.set(made.trials[0], status="finished", values=[0.5], epochs=1)
    made.set(made.trials[1], status="failed", error=record.get("error", "it failed"))
    made.end("interrupted")
    return path


def test_a_changed_sweep_json_ends_every_command_in_lines(tmp_path: Path) -> None:
    path = sweep(tmp_path / "s")
    good = json.loads((path / "sweep.json").read_text())
    commands = (["sweep", "status"], ["sweep", "best"], ["sweep", "resume"])
    for number, data in enumerate(fuzz.texts(good)):
        (path / "sweep.json").write_bytes(data)
        words = commands[number % len(commands)]
        with watched(tmp_path) as watch:
            try:
                code, said = told(*words, str(path))
            except Exception as error:
                raise AssertionError(f"{words} of {data!r}") from error
        assert code != 1, said
        assert watch.seen == [], data


def test_links_in_a_foreign_run_are_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    for name in (".reserve", "train.log", ".lock", "run.json.tmp", "checkpoints/x"):
        path = make_run(tmp_path / name.replace("/", "-"), status="interrupted")
        (path / "run.json").write_text((path / "run.json").read_text().replace('"seed": 1', '"seed": 2'))
        precious.write_text("mine")
        (path / name).symlink_to(precious)
        code, said = told("resume", str(path), "--trust")
        assert code == OutputError.exit_code
        assert f"{path / name} is a link, through which another file would be written" in said
        assert precious.read_text() == "mine"


def test_the_link_to_the_last_checkpoint_stays_in_its_folder(tmp_path: Path) -> None:
    path = make_run(tmp_path / "a", status="interrupted")
    (path / "run.json").write_text((path / "run.json").read_text().replace('"seed": 1', '"seed": 2'))
    (path / "checkpoints" / "last").symlink_to("../../elsewhere")
    with pytest.raises(OutputError, match="checkpoints/last is a link"):
        Run.reopen(path)
    (path / "checkpoints" / "last").unlink()
    (path / "checkpoints" / "last").symlink_to("epoch0001-step000000")
    Run.reopen(path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs O_NOFOLLOW")
def test_a_lock_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    path = make_run(tmp_path / "a", status="interrupted")
    (path / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError):
        Run.reopen(path)
    assert not (tmp_path / "precious").exists()
