import numpy as np
import pytest

from skinlab.evaluation.folds import MOST_COLUMNS, across, format_folds
from skinlab.evaluation.scores import Levels
from skinlab.evaluation.summary import METRICS, Settings, summarise

SETTINGS = Settings(confidence=0.95, resamples=100, seed=1, levels=Levels(specificity=0.9, sensitivity=0.95))


def summary(seed, images=40, classes=("benign", "malignant"), positive=1):
    generator = np.random.default_rng(seed)
    targets = np.arange(images) % len(classes)
    logits = generator.normal(size=(images, len(classes)))
    logits[np.arange(images), targets] += 1
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return summarise(targets, probabilities, classes, positive, None, SETTINGS)


def shown(folds, **more):
    pooled = summary(99, 200, **more)
    return format_folds(across([summary(seed, **more) for seed in range(folds)], pooled), pooled)


def test_a_metric_that_one_fold_does_not_define_has_no_mean():
    summaries = [summary(0), summary(1)]
    summaries[1]["metrics"]["precision"] |= {"value": None, "why": "no image is called malignant"}
    found = across(summaries, summary(2))
    assert found["precision"]["folds"][1] is None
    assert (found["precision"]["mean"], found["precision"]["sd"]) == (None, None)
    assert found["auc"]["mean"] is not None
    lines = format_folds(found, summary(2)).splitlines()
    assert next(line for line in lines if line.startswith("Precision")).split()[2:5] == ["-", "-", "-"]
    assert "fold 1: undefined: no image is called malignant: Precision" in lines


def test_the_table_has_each_fold_and_says_what_the_spread_is_not():
    lines = shown(5).splitlines()
    assert lines[1].split() == ["fold", "0", "fold", "1", "fold", "2", "fold", "3", "fold", "4", "mean", "SD", "pooled"]
    assert lines[0].startswith("on 200 out-of-fold images (100 benign, 100 malignant)")
    assert "not a standard error" in lines[2 + len(METRICS)]
    assert "SD / sqrt(5) would be too small" in " ".join(lines[2 + len(METRICS) :])
    assert max(map(len, lines[1:])) <= 132


def test_many_folds_are_shown_by_their_extremes():
    lines = shown(MOST_COLUMNS + 1).splitlines()
    assert lines[1].split() == ["lowest", "highest", "mean", "SD", "pooled"]
    values = across([summary(seed) for seed in range(MOST_COLUMNS + 1)], summary(99))["auc"]["folds"]
    assert lines[2].split()[1:3] == [f"{min(values):.3f}", f"{max(values):.3f}"]


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("a", "b", "c", "d")])
def test_of_more_than_two_classes_the_auc_is_called_macro(classes):
    assert "\nAUC, macro " in shown(3, classes=classes)


def test_without_a_positive_class_the_folds_have_the_numbers_of_all_classes():
    heading, _, *lines = shown(3, classes=("a", "b", "c"), positive=None).splitlines()
    assert "no class is singled out" in heading
    assert [line.split("  ")[0] for line in lines[:3]] == ["AUC, macro", "Accuracy", "Balanced accuracy"]
    assert "Sensitivity" not in "".join(lines)
