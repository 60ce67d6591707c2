import csv

import numpy as np
import pytest
from scipy import stats

from skinlab.sweeps import leaderboard
from tests.sweeps.sweep_builders import finished, trial

UP, DOWN = "maximize", "minimize"


def rows(trials, names=("auc",), directions=(UP,)):
    return list(csv.DictReader(leaderboard.table(trials, names, directions).splitlines()))


def test_the_best_is_first_by_the_direction_of_the_metric():
    trials = [finished(0, 0.6), finished(1, 0.9), finished(2, 0.7)]
    assert [row["group"] for row in rows(trials)] == ["1", "2", "0"]
    assert [row["group"] for row in rows(trials, ("loss",), (DOWN,))] == ["0", "2", "1"]


def test_runs_that_differ_in_seeds_are_one_row_with_mean_spread_and_interval():
    values = [0.7, 0.8, 0.95]
    trials = [
        finished(seed, value, group=0, replicate=seed, parameters={"network.dropout": 0.5, "seed": seed})
        for seed, value in enumerate(values)
    ]
    (row,) = rows(trials)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    found = [float(row[f"auc_{what}"]) for what in ("mean", "sd", "low", "high")]
    assert found == pytest.approx([np.mean(values), np.std(values, ddof=1), low, high])
    assert (row["n"], row["runs"], row["network.dropout"]) == ("3", "0 1 2", "0.5")
    assert "seed" not in row


def test_one_run_has_no_spread():
    (row,) = rows([finished(0, 0.7)])
    assert (row["auc_mean"], row["auc_sd"], row["auc_low"], row["n"]) == ("0.7", "", "", "1")


def test_a_point_without_all_its_seeds_is_not_ranked():
    whole = [finished(0, 0.6, group=0), finished(1, 0.6, group=0)]
    lucky = [finished(2, 0.9, group=1), trial(3, group=1, status="failed")]
    first, second = rows([*whole, *lucky])
    assert (first["group"], first["rank"]) == ("0", "1")
    assert (second["group"], second["rank"], second["status"], second["n"]) == ("1", "", "finished failed", "1")
    assert leaderboard.result([*whole, *lucky], [UP])["best"]["group"] == 0


def test_the_best_names_the_best_run_of_the_best_point():
    trials = [
        finished(0, 0.9, group=0),
        finished(1, 0.5, group=0),
        finished(2, 0.75, group=1),
        finished(3, 0.8, group=1),
    ]
    assert leaderboard.result(trials, [UP])["best"] == {"trial": 3, "run": "3", "group": 1, "values": [0.775]}


def test_equal_points_are_in_the_order_of_the_search():
    trials = [finished(0, 0.5), finished(1, 0.9), finished(2, 0.9)]
    assert leaderboard.result(trials, [UP])["best"]["trial"] == 1


def test_several_objectives_have_a_front():
    trials = [finished(0, 0.9, 0.3), finished(1, 0.8, 0.1), finished(2, 0.8, 0.2), finished(3, 0.95, 0.3)]
    found = leaderboard.result(trials, [UP, DOWN])
    assert [one["trial"] for one in found["pareto"]] == [1, 3]
    assert found["best"]["trial"] == 3


def test_without_a_finished_trial_there_is_no_best():
    assert leaderboard.result([trial(0), trial(1, status="failed")], [UP]) == {"best": None, "pareto": []}
