"""`skinlab sweep report`; the other verbs are tested with the sweeps that they go on with."""

from skinlab.cli import main
from skinlab.errors import OutputError
from skinlab.sweeps.state import Sweep
from tests.sweeps.sweep_builders import TWO, run_dir, searched


def test_report_shows_what_has_come_of_a_sweep_that_still_runs(tmp_path, capsys):
    made = searched(tmp_path / "s", trials=12)
    waiting = made.trials[-1]
    made.set(waiting, status="running", values=None)
    made.flush()
    run_dir(tmp_path / "s" / waiting.run, "finished", epochs=9, auc=0.999)
    before = (tmp_path / "s" / "sweep.json").read_bytes()
    assert main(["sweep", "report", str(tmp_path / "s")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 's' / 'sweep.html'}\n"
    page = (tmp_path / "s" / "sweep.html").read_text(encoding="utf-8")
    assert "the sweep is running: what is here is of its trials so far" in page
    assert "0.9990" in page
    assert (tmp_path / "s" / "leaderboard.csv").read_text().splitlines()[1].startswith("1,11,")
    assert (tmp_path / "s" / "sweep.json").read_bytes() == before, "only the sweeper writes it"


def test_status_counts_what_the_run_directories_say(tmp_path, capsys):
    made = searched(tmp_path / "s", trials=12)
    assert main(["sweep", "status", str(tmp_path / "s")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("running: 12 trials: ")
    for status, count in Sweep.open(made.path).counts().items():
        assert f"{count} {status}" in out


def test_status_says_why_a_sweep_and_its_trials_failed(tmp_path, capsys):
    made = searched(tmp_path / "s", trials=12)
    made.end("failed", "trial 3 failed: no memory")
    assert main(["sweep", "status", str(made.path)]) == 0
    out = capsys.readouterr().out
    assert "trial 3 failed: no memory\n" in out
    assert out.splitlines()[-1].endswith(f": {made.trials[3].error}")


def test_a_sweep_has_short_names_as_a_run_has(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ["20260101-120000-abcdef", "20260102-120000-fedcba"]
    for name in names:
        searched(tmp_path / "outputs/sweeps/phantoms" / name, trials=4).end("finished")
    for short, name in (("abcdef", names[0]), ("20260102", names[1]), (names[0], names[0])):
        assert main(["sweep", "best", short]) == 0
        assert capsys.readouterr().out.startswith(f"outputs/sweeps/phantoms/{name}/")
    assert main(["sweep", "status", "latest"]) == 0
    capsys.readouterr()
    assert main(["sweep", "status", "20260"]) == OutputError.exit_code
    assert "20260: 2 sweeps are called so: outputs/sweeps/phantoms/20260101" in capsys.readouterr().err
    assert main(["sweep", "status", "nothing"]) == OutputError.exit_code
    assert (
        "nothing is not the directory of a sweep (it has no sweep.json), and none in outputs" in capsys.readouterr().err
    )


def test_best_is_the_best_of_what_has_come_even_if_its_sweeper_was_killed_before_it_said_so(tmp_path, capsys):
    made = searched(tmp_path / "s", trials=12)
    best = made.record["best"]["run"]
    made.update(best=None)
    assert main(["sweep", "best", str(made.path)]) == 0
    assert capsys.readouterr().out == f"{made.path / best}\n"


def test_best_of_several_objectives_are_all_that_none_is_better_than(tmp_path, capsys):
    made = searched(tmp_path / "s", trials=60, objectives=TWO)
    assert main(["sweep", "best", str(made.path)]) == 0
    named = {line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()}
    values = {trial.run: trial.values for trial in made.trials if trial.values}
    beaten = {
        run
        for run, (auc, ece) in values.items()
        if any(a >= auc and e <= ece and (a, e) != (auc, ece) for a, e in values.values())
    }
    assert named == values.keys() - beaten
    assert len(named) > 1
