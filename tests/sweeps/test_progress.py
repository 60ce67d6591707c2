import pytest
from rich.console import Console

from skinlab.sweeps import progress
from skinlab.sweeps.leaderboard import result
from skinlab.sweeps.report import summary
from tests.sweeps.sweep_builders import finished, sweep, trial


def shown(made, epochs=10):
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(progress.shown(made, epochs))
    return console.export_text()


@pytest.fixture
def made(tmp_path):
    done = finished(0, 0.75, seconds=10.0, epochs=10, finished="2026-01-01T00:00:10+00:00")
    running = trial(1, status="running", epochs=5, started="2026-01-01T00:00:00+00:00")
    return sweep(tmp_path / "s", done, running, trial(2), trial(3, status="failed", error="why", seconds=2.0))


def test_the_table_shows_what_runs_and_what_ended(made):
    text = shown(made)
    assert "4 trials: 1 waiting, 1 running, 1 finished, 1 failed; best auc 0.7500 by trial 0" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line[:1].isdigit()}
    assert rows["0"][1:5] == ["finished", "learning_rate=0.1", "10/10", "0.7500"]
    assert rows["1"][1:4] == ["running", "learning_rate=0.05", "5/10"]
    assert "2" not in rows


def test_the_table_shows_what_was_interrupted(tmp_path):
    text = shown(sweep(tmp_path / "s", trial(0, status="interrupted", epochs=3), trial(1)))
    assert next(line for line in text.splitlines() if line.startswith("0 ")).split()[1] == "interrupted"


def test_the_best_of_several_seeds_is_the_run_that_is_named_best(tmp_path):
    values = [(0, 0.70), (0, 0.72), (1, 0.80), (1, 0.90)]
    made = sweep(tmp_path / "s", *(finished(number, auc, group=group) for number, (group, auc) in enumerate(values)))
    assert progress.heading(made) == "4 trials: 4 finished; best auc 0.8500 (mean of 2 runs) by trial 3"
    assert result(made.trials, ["maximize"])["best"]["trial"] == 3


def test_one_trial_and_none_are_told_as_such(tmp_path):
    assert progress.heading(sweep(tmp_path / "none")) == "no trials yet"
    alone = sweep(tmp_path / "one", finished(0, 0.75, parameters={}))
    assert progress.heading(alone).startswith("1 trial: 1 finished; ")
    assert progress.line(alone.trials[0], ["auc"]) == "trial 0 finished: auc 0.7500"
    alone.update(**result(alone.trials, ["maximize"]))
    assert f"\n1 run: 1 finished, 0 failed\nbest by validation: auc 0.7500: {alone.path / '0'}\n" in summary(alone)


def test_below_the_table_is_said_why_trials_failed_and_how_many_others_there_are(made):
    why = "trial 3 failed after 2.0 s: learning_rate=0.025: why"
    assert progress.not_in_table(made, 2) == [why]
    assert progress.not_in_table(made, 1) == [why, "and 1 more trial: leaderboard.csv, --json"]


def test_the_time_left_is_by_those_that_ended(made):
    assert progress.time_left(made) == pytest.approx((10 + 2) / 2 * 2 / 1)


def test_without_a_trial_that_ended_no_time_is_told(tmp_path):
    assert progress.time_left(sweep(tmp_path / "s", trial(0, status="running"))) is None


def test_a_trial_that_ended_is_one_line():
    assert progress.line(finished(3, 0.75, seconds=1.5, rate=0.1), ["auc"]) == (
        "trial 3 finished after 1.5 s: learning_rate=0.1; auc 0.7500"
    )
    failed = trial(3, status="failed", error="no such file", rate=0.1)
    assert progress.line(failed, ["auc"]) == "trial 3 failed: learning_rate=0.1: no such file"
    pruned = trial(3, status="pruned", epochs=2, rate=0.1)
    assert progress.line(pruned, ["auc"]) == "trial 3 pruned: learning_rate=0.1: pruned in epoch 2"


def test_keys_are_short_where_that_is_clear():
    assert progress.assignment({"optimizer.learning_rate": 0.1, "seed": 1}) == "learning_rate=0.1 seed=1"
    assert progress.assignment({"seed": 1, "split.seed": 2}) == "seed=1 split.seed=2"
