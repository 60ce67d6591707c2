"""The loop with a launcher that leaves run directories and trains nothing."""

import json

import pytest

from skinlab.attempt import Outcome
from skinlab.errors import OutputError
from skinlab.sweeps import stopping, sweeper
from skinlab.sweeps.declaration import again, declare
from skinlab.sweeps.state import Sweep
from skinlab.sweeps.sweeper import Loop
from tests.sweeps.sweep_builders import GONE, OBJECTIVES, run_dir

RATES = "optimizer.learning_rate=0.4,0.3,0.2,0.1"
TPE = ("sweep=tpe", "network.dropout=interval(0,0.9)")


class Returned:
    """As Hydra's JobReturn."""

    def __init__(self, value):
        self.value = value

    @property
    def return_value(self):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Launcher:
    """Runs trials as told: by default each is finished with its first parameter as the value."""

    def __init__(self, path, **ends):
        self.path = path
        self.ends = {int(name.removeprefix("trial")): list(all_ends) for name, all_ends in ends.items()}
        self.batches = []

    def __call__(self, jobs, first):
        numbers = [int(words[-1].removeprefix("hydra.sweep.subdir=")) for words in jobs]
        assert first == numbers[0]
        self.batches.append(numbers)
        return [self.job(number, words) for number, words in zip(numbers, jobs, strict=True)]

    def job(self, number, words):
        path = self.path / str(number)
        if stopping.requested(self.path):
            return Returned(Outcome(path, "waiting"))
        end = self.ends.get(number, []).pop(0) if self.ends.get(number) else "finished"
        if callable(end):
            return end(path)
        if end == "failed":
            run_dir(path, "failed", error="no\nreason")
            return Returned(Outcome(path, "failed", "no\nreason", 3))
        value = float(next(word for word in words if "=0." in word).partition("=")[2])
        run_dir(path, end, epochs=2, auc=value if end == "finished" else None)
        return Returned(Outcome(path, end))


def made(path, *overrides):
    declaration = declare([*overrides, "training.monitor=auc"], [])
    record = {"declaration": declaration.record(), "objectives": OBJECTIVES, "best": None, "pareto": []}
    return Sweep.create(path, record | {"threads": None, "command": "skinlab", "code": {"version": "0"}}), declaration


def run(path, *overrides, parallel=1, **ends):
    sweep, declaration = made(path, *overrides)
    launcher = Launcher(path, **ends)
    done = Loop(sweep, declaration, launcher, parallel).run()
    return done, launcher


def states(sweep):
    return [trial.status for trial in Sweep.open(sweep.path).trials]


def test_a_grid_is_handed_over_at_once(tmp_path):
    done, launcher = run(tmp_path / "s", RATES)
    assert launcher.batches == [[0, 1, 2, 3]]
    assert (done.exit_code, done.sweep.record["status"]) == (0, "finished")
    assert done.sweep.record["best"] == {"trial": 0, "run": "0", "group": 0, "values": [0.4]}
    rows = (tmp_path / "s" / "leaderboard.csv").read_text().splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == ["0.4", "0.3", "0.2", "0.1"]


def test_a_grid_that_is_pruned_goes_in_batches(tmp_path):
    done, launcher = run(tmp_path / "s", RATES, "sweep.pruner=median", parallel=3, trial1=["pruned"])
    assert launcher.batches == [[0, 1, 2], [3]]
    assert done.sweep.record["status"] == "finished"
    assert states(done.sweep) == ["finished", "pruned", "finished", "finished"]


def test_a_sampler_is_asked_batch_by_batch(tmp_path):
    done, launcher = run(tmp_path / "s", *TPE, "sweep.trials=5", parallel=2)
    assert launcher.batches == [[0, 1], [2, 3], [4]]
    assert [trial.batch for trial in done.sweep.trials] == [0, 0, 2, 2, 4]


def test_all_seeds_of_a_point_are_one_point(tmp_path):
    done, launcher = run(tmp_path / "s", *TPE, "sweep.trials=2", "seed=1,2", parallel=2)
    assert launcher.batches == [[0, 1], [2, 3]]
    assert [trial.group for trial in done.sweep.trials] == [0, 0, 1, 1]


def test_a_failed_trial_does_not_stop_the_others_and_gives_its_exit_code(tmp_path):
    done, _ = run(tmp_path / "s", RATES, trial1=["failed"])
    assert (done.exit_code, done.sweep.record["status"]) == (3, "finished")
    failed = done.sweep.trials[1]
    assert (failed.status, failed.error, failed.attempts) == ("failed", "no", 1)


def test_a_failed_trial_is_tried_as_often_as_declared(tmp_path):
    retry = 'sweep.on_failure="retry(2)"'
    done, launcher = run(tmp_path / "s", RATES, retry, trial1=["failed", "failed"], trial2=["failed"] * 9)
    assert launcher.batches == [[0, 1, 2, 3], [1, 2], [1, 2]]
    assert [(trial.status, trial.attempts) for trial in done.sweep.trials[1:3]] == [("finished", 2), ("failed", 3)]


def test_what_a_task_raises_is_a_failed_trial(tmp_path):
    done, _ = run(tmp_path / "s", RATES, trial0=[lambda _: Returned(ValueError("broken\nin two"))])
    assert (done.sweep.trials[0].status, done.sweep.trials[0].error) == ("failed", "broken")
    assert done.exit_code == 1


def test_a_launcher_that_fails_without_a_trial_to_blame_ends_the_sweep(tmp_path):
    sweep, declaration = made(tmp_path / "s", RATES)

    def launch(_jobs, _first):
        raise RuntimeError("no cluster\nat all")

    with pytest.raises(OutputError, match="the launcher failed: no cluster$"):
        Loop(sweep, declaration, launch, 1).run()
    assert Sweep.open(sweep.path).record["status"] == "failed"
    assert states(sweep) == ["waiting"] * 4


def test_a_trial_whose_process_dies_is_tried_once_more_and_then_failed(tmp_path):
    def die(path):
        run_dir(path, "running", process=GONE)
        raise RuntimeError("a worker was killed")

    done, launcher = run(tmp_path / "s", RATES, trial1=[die, die])
    assert launcher.batches == [[0, 1, 2, 3], [1, 2, 3], [2, 3]]
    assert done.sweep.trials[1].error == "its process died 2 times: a worker was killed"
    assert states(done.sweep) == ["finished", "failed", "finished", "finished"]


def test_a_stop_leaves_the_rest_for_later(tmp_path):
    def stop(path):
        stopping.request(path.parent, "after")
        run_dir(path, "finished", auc=0.5)
        return Returned(Outcome(path))

    done, _ = run(tmp_path / "s", RATES, trial1=[stop])
    assert (done.exit_code, done.sweep.record["status"]) == (130, "interrupted")
    assert states(done.sweep) == ["finished", "finished", "waiting", "waiting"]
    sweep = Sweep.reopen(tmp_path / "s")
    launcher = Launcher(tmp_path / "s")
    assert Loop(sweep, again(sweep.record["declaration"], []), launcher, 1).run().exit_code == 0
    assert launcher.batches == [[2, 3]]


def interrupted(path, *overrides, after, parallel=1):
    """A sweep whose process is gone after so many trials; they are in sweep.json as they were last written."""
    sweep, declaration = made(path, *overrides)
    launcher = Launcher(path)

    def launch(jobs, first):
        if first >= after:
            raise KeyboardInterrupt
        return launcher(jobs, first)

    with pytest.raises(KeyboardInterrupt):
        Loop(sweep, declaration, launch, parallel).run()


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_search_that_was_interrupted_chooses_what_it_would_have_chosen(tmp_path, sampler):
    words = (f"sweep={sampler}", *TPE[1:], "optimizer.learning_rate=tag(log,interval(0.001,0.1))", "sweep.trials=13")
    whole, _ = run(tmp_path / "whole", *words)
    interrupted(tmp_path / "s", *words, after=12)
    sweep = Sweep.reopen(tmp_path / "s")
    Loop(sweep, again(sweep.record["declaration"], []), Launcher(tmp_path / "s"), 1).run()
    assert [trial.drawn for trial in sweep.trials] == [trial.drawn for trial in whole.sweep.trials]


def test_a_finished_search_goes_on_with_more_trials(tmp_path):
    run(tmp_path / "s", *TPE, "sweep.trials=2")
    sweep = Sweep.reopen(tmp_path / "s")
    launcher = Launcher(tmp_path / "s")
    done = Loop(sweep, again(sweep.record["declaration"], ["sweep.trials=4"]), launcher, 1).run()
    assert launcher.batches == [[2], [3]]
    assert len(done.sweep.trials) == 4


def test_a_trial_that_another_process_still_runs_is_waited_for(tmp_path, monkeypatch):
    interrupted(tmp_path / "s", RATES, after=0)
    run_dir(tmp_path / "s" / "1", "running")
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        run_dir(tmp_path / "s" / "1", "finished", auc=0.9)

    monkeypatch.setattr(sweeper.time, "sleep", sleep)
    sweep = Sweep.reopen(tmp_path / "s")
    launcher = Launcher(tmp_path / "s")
    done = Loop(sweep, again(sweep.record["declaration"], []), launcher, 1).run()
    assert len(slept) == 1
    assert launcher.batches == [[0, 2, 3]]
    assert done.sweep.record["best"]["trial"] == 1


def test_a_run_that_was_finished_after_the_sweeper_was_killed_counts(tmp_path):
    interrupted(tmp_path / "s", RATES, after=0)
    run_dir(tmp_path / "s" / "0", "finished", auc=0.7)
    sweep = Sweep.reopen(tmp_path / "s")
    assert sweep.trials[0].values == [0.7]
    assert json.loads((tmp_path / "s" / "sweep.json").read_text())["trials"][0]["status"] == "finished"
