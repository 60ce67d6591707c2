import json
import math

import numpy as np
import pytest

from skinlab.errors import EngineError
from skinlab.evaluation.summary import format_table, summarise

SETTINGS = {"confidence": 0.95, "resamples": 200, "seed": 1}
METRICS = [
    "auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "f1",
    "brier",
    "log_loss",
]


def predictions(images=120, classes=2, seed=0, lean=1.5):
    generator = np.random.default_rng(seed)
    targets = np.arange(images) % classes
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), targets] += lean
    return targets, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def binary(targets, probabilities, groups=None, **changes):
    return summarise(targets, probabilities, ["benign", "malignant"], 1, groups, **(SETTINGS | changes))


def test_keys_stand_in_a_fixed_order_and_json_can_write_them():
    summary = binary(*predictions())
    assert list(summary) == [
        "images",
        "classes",
        "groups",
        "images_without_group",
        "positive_class",
        "threshold",
        "confidence",
        "resamples",
        "seed",
        "metrics",
        "confusion_matrix",
        "per_class",
    ]
    assert list(summary["metrics"]) == METRICS
    assert list(summary["per_class"]) == ["benign", "malignant"]
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_small_example_by_hand():
    chances = np.array([0.1, 0.2, 0.6, 0.5, 0.8, 0.3])
    summary = binary(np.array([0, 0, 0, 1, 1, 1]), np.stack([1 - chances, chances], axis=1))
    values = {name: entry["value"] for name, entry in summary["metrics"].items()}
    assert summary["classes"] == {"benign": 3, "malignant": 3}
    assert summary["confusion_matrix"] == [[2, 1], [1, 2]]
    assert values["auc"] == pytest.approx(7 / 9)
    assert values["sensitivity"] == values["specificity"] == values["precision"] == pytest.approx(2 / 3)
    assert values["brier"] == pytest.approx((0.01 + 0.04 + 0.36 + 0.25 + 0.04 + 0.49) / 6)
    assert values["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.5, 0.8, 0.3]).mean())


def test_every_interval_holds_its_value_and_names_its_method():
    entries = binary(*predictions())["metrics"]
    assert all(entry["low"] < entry["value"] < entry["high"] for entry in entries.values())
    wilson = {"accuracy", "sensitivity", "specificity", "precision"}
    for name, entry in entries.items():
        expected = "DeLong" if name == "auc" else "Wilson" if name in wilson else "bootstrap"
        assert entry["interval"] == expected


def test_threshold_moves_sensitivity_against_specificity():
    loose, strict = (binary(*predictions(), threshold=threshold)["metrics"] for threshold in (0.2, 0.8))
    assert loose["sensitivity"]["value"] > strict["sensitivity"]["value"]
    assert loose["specificity"]["value"] < strict["specificity"]["value"]
    assert loose["auc"] == strict["auc"]


def test_first_class_can_be_the_positive_one():
    targets, probabilities = predictions()
    swapped = summarise(1 - targets, probabilities[:, ::-1], ["malignant", "benign"], 0, None, **SETTINGS)
    usual = binary(targets, probabilities)["metrics"]
    for name, entry in swapped["metrics"].items():
        assert entry["value"] == pytest.approx(usual[name]["value"])
        if not entry["interval"].startswith("bootstrap"):
            assert (entry["low"], entry["high"]) == pytest.approx((usual[name]["low"], usual[name]["high"]))


def test_order_of_the_images_changes_nothing():
    targets, probabilities = predictions()
    probabilities = probabilities.round(1)  # many tie
    groups = [None if row % 5 == 0 else f"lesion {row // 3}" for row in range(120)]
    order = np.random.default_rng(3).permutation(120)
    shuffled = binary(targets[order], probabilities[order], [groups[row] for row in order])
    assert json.dumps(shuffled) == json.dumps(binary(targets, probabilities, groups))


def test_duplicating_images_within_their_groups_does_not_shrink_the_intervals():
    targets, probabilities = predictions()
    groups = [f"lesion {row:03}" for row in range(120)]
    once = binary(targets, probabilities, groups)
    often = binary(np.repeat(targets, 4), np.repeat(probabilities, 4, axis=0), np.repeat(groups, 4).tolist())
    ignorant = binary(np.repeat(targets, 4), np.repeat(probabilities, 4, axis=0))
    for name in METRICS:
        single, grouped, loose = (summary["metrics"][name] for summary in (once, often, ignorant))
        width = grouped["high"] - grouped["low"]
        assert grouped["interval"] == f"{single['interval']}, clustered"
        assert width == pytest.approx(single["high"] - single["low"], rel=0.2)
        assert loose["high"] - loose["low"] < 0.7 * width


def test_groups_of_one_image_are_no_clusters():
    groups = [f"lesion {row}" for row in range(120)]
    with_groups, without = binary(*predictions(), groups), binary(*predictions())
    assert with_groups["metrics"]["auc"] == without["metrics"]["auc"]
    assert (with_groups["groups"], with_groups["images_without_group"]) == (120, 0)
    assert (without["groups"], without["images_without_group"]) == (None, 120)


def test_several_classes_have_a_macro_auc_and_the_most_probable_class():
    targets, probabilities = predictions(classes=4)
    summary = summarise(targets, probabilities, ["a", "b", "c", "d"], 2, None, **SETTINGS)
    areas = [entry["auc"] for entry in summary["per_class"].values()]
    assert summary["threshold"] is None
    assert summary["metrics"]["auc"]["value"] == pytest.approx(np.mean(areas))
    assert summary["metrics"]["auc"]["interval"] == "bootstrap"
    assert summary["metrics"]["accuracy"]["value"] == pytest.approx((probabilities.argmax(axis=1) == targets).mean())
    for name in ("sensitivity", "specificity", "precision", "f1", "average_precision"):
        assert summary["metrics"][name]["value"] == summary["per_class"]["c"][name]


@pytest.mark.parametrize("images", [0, 1, 3])
def test_one_class_alone_gives_none_and_no_exception(images):
    targets, probabilities = np.ones(images, dtype=np.int64), np.tile([0.3, 0.7], (images, 1))
    summary = binary(targets, probabilities)
    undefined = {"value": None, "low": None, "high": None, "interval": None}
    for name in ("auc", "average_precision", "balanced_accuracy", "specificity"):
        assert summary["metrics"][name] == undefined
    assert summary["metrics"]["sensitivity"]["value"] == (1.0 if images else None)
    json.dumps(summary, allow_nan=False)


def test_perfect_predictions_are_not_called_certain():
    targets = np.arange(40) % 2
    summary = binary(targets, np.eye(2)[targets])
    assert summary["metrics"]["auc"]["value"] == 1.0
    assert summary["metrics"]["auc"]["low"] < 0.97
    assert summary["metrics"]["auc"]["interval"] == "Newcombe"
    assert summary["metrics"]["accuracy"]["low"] < 0.97
    assert summary["metrics"]["f1"] == {"value": 1.0, "low": None, "high": None, "interval": None}


def test_class_that_is_never_called_has_no_precision():
    targets, _ = predictions()
    summary = binary(targets, np.tile([0.9, 0.1], (120, 1)))
    assert summary["metrics"]["precision"]["value"] is None
    assert summary["metrics"]["f1"]["value"] == 0


def test_predictions_that_are_not_numbers_are_an_engine_error_that_counts_them():
    targets, probabilities = predictions()
    probabilities[[3, 4]] = math.nan
    with pytest.raises(EngineError, match=r"2 of 120 images .* lower optimizer\.learning_rate"):
        binary(targets, probabilities)


@pytest.mark.parametrize(
    "arguments",
    [
        (np.array([0, 1]), np.full((2, 3), 1 / 3), ["a", "b"], 1, None),
        (np.array([0, 1]), np.full((2, 2), 0.5), ["a", "b"], 2, None),
        (np.array([0, 2]), np.full((2, 2), 0.5), ["a", "b"], 1, None),
        (np.array([0, 1]), np.full((2, 2), 0.5), ["a", "a"], 1, None),
        (np.array([0, 1]), np.full((2, 2), 0.5), ["a", "b"], 1, ["g"]),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(arguments):
    with pytest.raises(ValueError, match=r"shape|class|groups"):
        summarise(*arguments, **SETTINGS)


def test_table_says_what_was_evaluated_and_aligns_its_columns():
    heading, *lines = format_table(binary(*predictions())).splitlines()
    assert heading == (
        "on 120 test images (60 benign, 60 malignant); positive class: malignant, "
        "called where its probability is at least 0.5"
    )
    assert [line.split("  ")[0] for line in lines[:3]] == ["AUC", "Average precision", "Accuracy"]
    assert {line.index("[") for line in lines} == {lines[0].index("[")}
    assert {line.index("95 % ") for line in lines} == {lines[0].index("95 % ")}
    assert lines[0].endswith("95 % DeLong")


def test_table_shows_the_numbers_of_the_summary():
    summary = binary(*predictions())
    entry = summary["metrics"]["auc"]
    expected = f"AUC                {entry['value']:.3f}  [{entry['low']:.3f}, {entry['high']:.3f}]  95 % DeLong"
    assert expected in format_table(summary).splitlines()


def test_table_names_groups_subset_level_and_what_is_undefined():
    groups = [f"lesion {row // 2}" for row in range(100)] + [None] * 20
    text = format_table(binary(*predictions(), groups, confidence=0.999), subset="validation")
    assert text.startswith("on 120 validation images (60 benign, 60 malignant) of 50 groups and 20 of unknown group;")
    assert "99.9 % DeLong, clustered" in text
    alone = format_table(binary(np.array([1]), np.array([[0.2, 0.8]])))
    assert alone.startswith("on 1 test image (0 benign, 1 malignant);")
    assert "AUC                    -  undefined" in alone.splitlines()
    assert "F1                 1.000  no interval" in alone.splitlines()


def test_table_of_several_classes_says_macro():
    targets, probabilities = predictions(classes=3)
    text = format_table(summarise(targets, probabilities, ["a", "b", "c"], 2, None, **SETTINGS))
    assert "positive class: c, called where it is the most probable" in text
    assert "AUC, macro" in text
