import json

import pytest

from skinlab.errors import OutputError
from skinlab.sweeps.state import SWEEP_FILE, Sweep
from tests.sweeps.sweep_builders import GONE, run_dir, sweep, trial


def test_what_was_written_is_read_again(tmp_path):
    made = sweep(tmp_path / "s", trial(0), trial(1), code={"version": "1"})
    read = Sweep.open(tmp_path / "s")
    assert read.trials == made.trials
    assert read.record == made.record


def test_each_trial_is_a_line(tmp_path):
    sweep(tmp_path / "s", trial(0), trial(1))
    lines = (tmp_path / "s" / SWEEP_FILE).read_text().splitlines()
    assert [json.loads(line.strip().removesuffix(","))["number"] for line in lines if '{"number"' in line] == [0, 1]


def test_a_directory_holds_one_sweep(tmp_path):
    sweep(tmp_path / "s")
    with pytest.raises(OutputError, match=r"holds a sweep already: go on with it by `skinlab sweep resume"):
        sweep(tmp_path / "s")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is not the directory of a sweep: it has no sweep.json"),
        ("{", "cannot be read"),
        ('{"trials": [{"number": 0}], "schema_version": 1}', "cannot be read"),
        ('{"trials": [], "schema_version": 99}', "was written by a newer skinlab"),
    ],
)
def test_what_is_no_sweep_is_refused_in_one_line(tmp_path, content, said):
    if content is not None:
        (tmp_path / SWEEP_FILE).write_text(content)
    with pytest.raises(OutputError) as caught:
        Sweep.open(tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sweep_of_a_dead_process_was_interrupted(tmp_path):
    made = sweep(tmp_path / "s")
    assert made.status == "running"
    made.update(process=GONE)
    assert Sweep.open(tmp_path / "s").status == "interrupted"


def test_a_sweep_that_runs_is_not_run_twice(tmp_path):
    made = sweep(tmp_path / "s", trial(0))
    with pytest.raises(OutputError, match="is being run by another process"):
        Sweep.reopen(tmp_path / "s")
    made.end("interrupted")
    assert Sweep.reopen(tmp_path / "s").record["resumed"]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"status": "running"}, "running"),
        ({"status": "running", "process": GONE}, "interrupted"),
        ({"status": "interrupted"}, "interrupted"),
        ({"status": "pruned"}, "pruned"),
        ({"status": "failed", "error": "because"}, "failed"),
    ],
)
def test_a_trial_is_what_its_run_says(tmp_path, facts, status):
    made = sweep(tmp_path / "s", trial(0), trial(1))
    run_dir(tmp_path / "s" / "0", epochs=2, **facts)
    made.refresh()
    found, other = made.trials
    assert (found.status, found.epochs, found.error) == (status, 2, facts.get("error"))
    assert other.status == "waiting"
    assert made.counts() == {"waiting": 1} | {status: 1}


def test_the_value_of_a_finished_trial_is_that_of_validation(tmp_path):
    made = sweep(tmp_path / "s", trial(0))
    run_dir(tmp_path / "s" / "0", "finished", epochs=2, auc=0.75, timings={"total_s": 3.5}, finished="later")
    made.refresh()
    (found,) = made.trials
    assert (found.values, found.seconds, found.finished, found.attempts) == ([0.75], 3.5, "later", 1)


def test_an_ended_trial_is_not_looked_at_again(tmp_path):
    made = sweep(tmp_path / "s", trial(0, status="pruned"))
    run_dir(tmp_path / "s" / "0", "finished", auc=0.75)
    made.refresh()
    assert made.trials[0].status == "pruned"


def test_a_run_that_was_killed_while_it_was_created_was_not_begun(tmp_path):
    made = sweep(tmp_path / "s", trial(0))
    (tmp_path / "s" / "0").mkdir()
    (tmp_path / "s" / "0" / "run.json").touch()
    made.refresh()
    assert made.trials[0].status == "waiting"


def test_a_change_reaches_the_disk_when_it_is_time(tmp_path):
    made = sweep(tmp_path / "s", trial(0))
    made.set(made.trials[0], epochs=3)
    made.flush_if_due()
    assert Sweep.open(tmp_path / "s").trials[0].epochs == 0
    made._written = float("-inf")
    made.flush_if_due()
    assert Sweep.open(tmp_path / "s").trials[0].epochs == 3
