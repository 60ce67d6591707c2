"""Predictions of trials that are all equally good: what their best looks like, and what is expected of it."""

import csv
import json

import numpy as np
import pytest

from skinlab.run import Run
from skinlab.sweeps import optimism
from skinlab.sweeps.leaderboard import grouped, ranked
from tests.comparison.run_builders import Made
from tests.comparison.run_builders import finished as finished_run
from tests.sweeps.sweep_builders import finished, run_dir, sweep

IMAGES = 80


def written(folder, probabilities, labels, fingerprint="f"):
    run_dir(folder, "finished", dataset_fingerprint=fingerprint)
    names = [f"image{i:03}" for i in range(len(labels))]
    with (folder / "predictions.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image_id", "subset", "label", "probability_b", "probability_m"])
        for name, label, p in zip(names, labels, probabilities, strict=True):
            writer.writerow([name, "validation", "bm"[label], 1 - p, p])
        writer.writerow(["test1", "test", "m", 0.0, 1.0])
    with (folder / "split.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image_id", "sha256", "label", "group", "subset"])
        writer.writerows([name, "", "", "", "validation"] for name in names)
    validation = {
        "classes": {"b": 1, "m": 1},
        "positive_class": "m",
        "threshold": 0.5,
        "at_specificity": 0.9,
        "at_sensitivity": 0.9,
    }
    (folder / "summary.json").write_text(json.dumps({"validation": validation}))


def auc(labels, scores):
    positive, negative = scores[labels == 1], scores[labels == 0]
    return float(np.mean(positive[:, None] > negative[None, :]))


def estimated(path, trials, quality, seed=1, **facts):
    """Trials whose scores are `quality` of the truth and noise: their true AUC is the same."""
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], IMAGES // 2)
    made = []
    for number in range(trials):
        scores = 1 / (1 + np.exp(-(quality * labels + rng.normal(size=IMAGES))))
        written(path / str(number), scores, labels, **facts)
        made.append(finished(number, auc(labels, scores)))
    found = sweep(path, *made)
    return optimism.estimate(found, ranked(grouped(found.trials), ["maximize"]), "auc", "maximize", 1)


def test_the_best_of_many_equal_trials_is_luck_and_it_is_said(tmp_path):
    excess = [estimated(tmp_path / str(seed), 20, quality=0.0, seed=seed) for seed in range(3)]
    assert np.mean([one["observed"] for one in excess]) > 0.6  # it looks like something
    assert np.mean([one["expected"] for one in excess]) == pytest.approx(0.5, abs=0.05)
    assert all(one["optimism"] > 0.03 for one in excess)


def test_two_trials_flatter_less_than_forty(tmp_path):
    few, many = (estimated(tmp_path / str(count), count, quality=1.0) for count in (2, 40))
    assert few["optimism"] < many["optimism"]


def test_a_clear_winner_is_no_luck(tmp_path):
    found = estimated(tmp_path / "a", 5, quality=0.0)
    labels, rng = np.tile([0, 1], IMAGES // 2), np.random.default_rng(8)
    scores = 1 / (1 + np.exp(-(2 * labels + rng.normal(size=IMAGES))))
    better = sweep(tmp_path / "b", *(finished(n, 0.5) for n in range(5)), finished(5, auc(labels, scores)))
    for number in range(5):
        (tmp_path / "b" / str(number)).symlink_to(tmp_path / "a" / str(number))
    written(tmp_path / "b" / "5", scores, labels)
    clear = optimism.estimate(better, ranked(grouped(better.trials), ["maximize"]), "auc", "maximize", 1)
    assert clear["why"] is None
    assert abs(clear["optimism"]) < 0.02 < found["optimism"]
    assert clear["low"] < clear["observed"] < clear["high"]


def test_a_metric_to_be_made_small_is_too_good_where_it_is_too_small(tmp_path):
    estimated(tmp_path / "a", 10, quality=0.0)
    labels = np.tile([0, 1], IMAGES // 2)
    trials = []
    for number in range(10):
        rows = list(csv.DictReader((tmp_path / "a" / str(number) / "predictions.csv").open()))[:IMAGES]
        p = np.array([float(row["probability_m"]) for row in rows])
        trials.append(finished(number, float(-np.mean(np.log(np.where(labels == 1, p, 1 - p))))))
    made = sweep(tmp_path / "b", *trials)
    for number in range(10):
        (tmp_path / "b" / str(number)).symlink_to(tmp_path / "a" / str(number))
    found = optimism.estimate(made, ranked(grouped(trials), ["minimize"]), "loss", "minimize", 1)
    assert found["expected"] > found["observed"]
    assert found["optimism"] > 0


def test_of_several_classes_without_a_positive_one_the_objective_is_scored_as_in_the_summary(tmp_path):
    path = finished_run(tmp_path / "run", made=Made(classes=("a", "b", "c"), positive=None))
    recorded = json.loads((path / "summary.json").read_text())["validation"]["metrics"]
    for objective in ("auc", "balanced_accuracy"):
        (path / "run.json").write_text(json.dumps(Run.open(path).record | {"dataset_fingerprint": "f"}))
        found = optimism.read(path, objective)
        assert found.score(np.ones((1, 90)))[0] == pytest.approx(recorded[objective]["value"])


def test_the_same_trials_give_the_same_number(tmp_path):
    first = estimated(tmp_path / "a", 5, quality=1.0)
    assert estimated(tmp_path / "b", 5, quality=1.0) == first


def test_a_perfect_trial_has_no_interval(tmp_path):
    labels = np.tile([0, 1], IMAGES // 2)
    for number in range(2):
        written(tmp_path / "s" / str(number), np.abs(labels - 0.1 * (number + 1)), labels)
    made = sweep(tmp_path / "s", finished(0, 1.0), finished(1, 1.0))
    found = optimism.estimate(made, ranked(grouped(made.trials), ["maximize"]), "auc", "maximize", 1)
    assert (found["expected"], found["low"], found["high"], found["optimism"]) == (1.0, None, None, 0.0)


def test_one_point_was_not_chosen(tmp_path):
    found = estimated(tmp_path / "s", 1, quality=1.0)
    assert (found["expected"], found["why"]) == (None, "there is nothing to choose between")


def test_what_cannot_be_read_is_said(tmp_path):
    made = sweep(tmp_path / "s", finished(0, 0.5), finished(1, 0.6))
    found = optimism.estimate(made, ranked(grouped(made.trials), ["maximize"]), "auc", "maximize", 1)
    assert found["expected"] is None
    assert "summary.json" in found["why"]


def test_trials_of_different_data_are_not_compared(tmp_path):
    labels = np.tile([0, 1], IMAGES // 2)
    for number in range(2):
        written(tmp_path / "s" / str(number), np.linspace(0.1, 0.9, IMAGES), labels, fingerprint=str(number))
    made = sweep(tmp_path / "s", finished(0, 0.5), finished(1, 0.6))
    found = optimism.estimate(made, ranked(grouped(made.trials), ["maximize"]), "auc", "maximize", 1)
    assert found["why"] == "the trials are of different data"
