from pathlib import Path

import pytest

import skinlab
from skinlab.errors import ConfigError, OutputError
from tests.api.conftest import DECLARED

pytest.importorskip("pandas", reason="needs pandas")


@pytest.mark.slow
def test_a_sweep_has_its_trials_and_its_best_run() -> None:
    found = skinlab.sweep(*DECLARED, "seed=1,2", name="swept")
    assert found.status == "finished"
    trials = found.trials
    assert trials["seed"].tolist() == [1, 2]
    assert trials["status"].tolist() == ["finished", "finished"]
    assert [run.config.seed for run in found.runs] == [1, 2]
    assert found.best.config.seed == trials["seed"][trials["validation_loss"].idxmin()]
    assert str(found.best.config.seed) in found._repr_html_()
    assert skinlab.open_sweep(found.path).trials.equals(trials)


def test_a_wrong_value_stops_a_sweep_before_it_starts() -> None:
    with pytest.raises(ConfigError, match="seed=x: must be a whole number"):
        skinlab.sweep(*DECLARED, "seed=1,x", name="wrong")
    assert not Path("outputs/sweeps/wrong").exists()


def test_what_is_no_sweep_is_said_in_one_line() -> None:
    with pytest.raises(OutputError, match="is not the directory of a sweep: it has no sweep.json"):
        skinlab.open_sweep("outputs")
