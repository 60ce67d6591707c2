import dataclasses
import json
import math

import numpy as np
import pytest

from skinlab.evaluation.scores import Levels
from skinlab.evaluation.summary import METRICS, UNSEEN, Settings, metrics_of, summarise

SETTINGS = Settings(confidence=0.95, resamples=200, seed=1, levels=Levels(specificity=0.9, sensitivity=0.95))
UNDEFINED = {"value": None, "low": None, "high": None, "interval": None}


def predictions(images=120, classes=2, seed=0, lean=1.5):
    generator = np.random.default_rng(seed)
    targets = np.arange(images) % classes
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), targets] += lean
    return targets, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def binary(targets, probabilities, groups=None, image_ids=None, **changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    return summarise(targets, probabilities, ["benign", "malignant"], 1, groups, settings, image_ids)


def test_keys_stand_in_a_fixed_order_and_json_can_write_them():
    summary = binary(*predictions())
    assert list(summary) == [
        "images",
        "classes",
        "images_of_unseen_label",
        "groups",
        "images_without_group",
        "positive_class",
        "threshold",
        "at_specificity",
        "at_sensitivity",
        "confidence",
        "resamples",
        "seed",
        "metrics",
        "confusion_matrix",
        "per_class",
        "challenges",
        "reliability",
    ]
    assert tuple(summary["metrics"]) == METRICS
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
    assert {entry["why"] for entry in entries.values()} == {None}
    wilson = {"accuracy", "sensitivity", "specificity", "precision", "npv"}
    for name, entry in entries.items():
        others = {"auc": "DeLong", "ece": "bias-bounded"}
        assert entry["interval"] == ("Wilson" if name in wilson else others.get(name, "bootstrap"))


def test_without_resamples_only_what_has_a_closed_form_has_an_interval():
    drawn, quick = binary(*predictions())["metrics"], binary(*predictions(), resamples=0)["metrics"]
    for name, entry in quick.items():
        assert entry["value"] == drawn[name]["value"]
        if drawn[name]["interval"].startswith("bootstrap"):
            assert (entry["low"], entry["high"]) == (None, None)
            assert entry["why"] == "no interval: no resamples were asked for"
        else:
            assert entry == drawn[name]


def test_threshold_moves_sensitivity_against_specificity():
    loose, strict = (binary(*predictions(), threshold=threshold)["metrics"] for threshold in (0.2, 0.8))
    assert loose["sensitivity"]["value"] > strict["sensitivity"]["value"]
    assert loose["specificity"]["value"] < strict["specificity"]["value"]
    assert loose["auc"] == strict["auc"]


def test_first_class_can_be_the_positive_one():
    targets, probabilities = predictions()
    swapped = summarise(1 - targets, probabilities[:, ::-1], ["malignant", "benign"], 0, None, SETTINGS)
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
        if "_at_" in name:  # read off one threshold: the ends of its interval are steps
            continue
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
    summary = summarise(targets, probabilities, ["a", "b", "c", "d"], 2, None, SETTINGS)
    areas = [entry["auc"]["value"] for entry in summary["per_class"].values()]
    assert summary["threshold"] is None
    assert summary["metrics"]["auc"]["value"] == pytest.approx(np.mean(areas))
    assert summary["metrics"]["auc"]["interval"] == "bootstrap"
    assert summary["metrics"]["accuracy"]["value"] == pytest.approx((probabilities.argmax(axis=1) == targets).mean())
    for name in ("sensitivity", "specificity", "precision", "f1", "average_precision"):
        assert summary["metrics"][name] == summary["per_class"]["c"][name]


def test_without_a_positive_class_no_number_is_about_a_class_alone():
    targets, probabilities = predictions(classes=3)
    alike, about = (summarise(targets, probabilities, ["a", "b", "c"], code, None, SETTINGS) for code in (None, 2))
    names = ["auc", "accuracy", "balanced_accuracy", "brier", "log_loss", "ece"]
    assert alike["positive_class"] is None
    assert list(alike["metrics"]) == names == metrics_of(None)
    assert alike["metrics"] == {name: about["metrics"][name] for name in names}
    assert alike["per_class"] == about["per_class"]
    assert list(alike["challenges"]) == ["2016", "2017", "2018", "2019", "2020"]
    with pytest.raises(ValueError, match="class None is not one of"):
        summarise(*predictions(), ["a", "b"], None, None, SETTINGS)


def test_macro_auc_and_balanced_accuracy_allow_for_images_of_one_group():
    targets, probabilities = predictions(classes=3)
    once = summarise(targets, probabilities, ["a", "b", "c"], None, None, SETTINGS)["metrics"]
    thrice = [np.repeat(values, 3, axis=0) for values in (targets, probabilities)]
    groups = [f"lesion {number // 3}" for number in range(len(thrice[0]))]
    grouped, apart = (summarise(*thrice, ["a", "b", "c"], None, known, SETTINGS)["metrics"] for known in (groups, None))
    for name in ("auc", "balanced_accuracy"):
        width, of_copies, naive = (one[name]["high"] - one[name]["low"] for one in (once, grouped, apart))
        assert grouped[name]["interval"] == "bootstrap, clustered"
        assert of_copies == pytest.approx(width, rel=0.25)
        assert naive < 0.75 * width


def test_without_a_positive_class_what_cannot_be_computed_says_why():
    targets, probabilities = predictions(classes=3)
    probabilities[0] = np.nan
    summary = summarise(targets, probabilities, ["a", "b", "c"], None, None, SETTINGS)
    assert list(summary["metrics"]) == metrics_of(None)
    assert summary["metrics"]["auc"]["why"] == "predictions of 1 of 120 images are not finite numbers"
    absent = summarise(targets[targets < 2], np.full((80, 3), 1 / 3), ["a", "b", "c"], None, None, SETTINGS)
    assert absent["metrics"]["balanced_accuracy"]["why"] == "no image is c"


@pytest.mark.parametrize("images", [0, 1, 3])
def test_one_class_alone_is_undefined_and_says_why(images):
    targets, probabilities = np.ones(images, dtype=np.int64), np.tile([0.3, 0.7], (images, 1))
    summary = binary(targets, probabilities)
    why = "every image is malignant" if images else "there is no image"
    for name in ("auc", "partial_auc", "average_precision", "specificity", "sensitivity_at_specificity"):
        assert summary["metrics"][name] == UNDEFINED | {"why": why}
    absent = "no image is benign" if images else why
    assert summary["metrics"]["balanced_accuracy"] == UNDEFINED | {"why": absent}
    assert summary["metrics"]["sensitivity"]["value"] == (1.0 if images else None)
    assert summary["metrics"]["npv"]["why"] == ("every image is called malignant" if images else why)
    json.dumps(summary, allow_nan=False)


def test_constant_scores_are_chance_and_not_an_error():
    targets, _ = predictions()
    metrics = binary(targets, np.full((120, 2), 0.5))["metrics"]
    assert metrics["auc"]["value"] == 0.5
    assert metrics["average_precision"]["value"] == 0.5
    assert metrics["partial_auc"]["value"] == pytest.approx(0.02)
    assert metrics["sensitivity_at_specificity"]["value"] == 0
    assert metrics["npv"]["why"] == "every image is called malignant"


def test_predictions_that_are_not_numbers_leave_everything_undefined_and_are_counted():
    targets, probabilities = predictions()
    probabilities[[3, 4]] = math.nan
    summary = binary(targets, probabilities)
    why = "predictions of 2 of 120 images are not finite numbers"
    assert all(entry == UNDEFINED | {"why": why} for entry in summary["metrics"].values())
    assert all(e == UNDEFINED | {"why": why} for e in summary["per_class"]["benign"].values())
    assert summary["confusion_matrix"] is None
    assert summary["classes"] == {"benign": 60, "malignant": 60}
    json.dumps(summary, allow_nan=False)


def test_image_ids_that_are_there_twice_leave_everything_undefined_and_are_named():
    ids = [f"image {row}" for row in range(120)]
    assert binary(*predictions(), image_ids=ids) == binary(*predictions())
    ids[7] = "image 3"
    summary = binary(*predictions(), image_ids=ids)
    assert summary["metrics"]["auc"]["why"] == "1 image ids are there more than once: image 3"


def test_images_of_a_label_unseen_in_training_are_left_out_and_counted():
    targets, probabilities = predictions()
    with_unseen = np.append(targets, [UNSEEN, UNSEEN])
    summary = binary(with_unseen, np.concatenate([probabilities, probabilities[:2]]), [None] * 122)
    assert summary == binary(targets, probabilities) | {"images_of_unseen_label": 2}


def test_challenges_are_ranked_by_the_numbers_of_their_years():
    summary = binary(*predictions())
    metrics, challenges = summary["metrics"], summary["challenges"]
    assert list(challenges) == ["2016", "2017", "2018", "2019", "2020", "2024"]
    assert challenges["2016"] == metrics["average_precision"] | {"metric": "macro_average_precision"}
    assert challenges["2020"] == metrics["auc"] | {"metric": "macro_auc"}
    assert challenges["2019"]["value"] == pytest.approx(metrics["balanced_accuracy"]["value"])
    assert challenges["2024"] == metrics["partial_auc"] | {"metric": "partial_auc"}
    moved = binary(*predictions(), threshold=0.9)  # a challenge knows nothing of our operating point
    assert moved["challenges"] == challenges


def test_reliability_counts_every_image_once_and_gives_the_calibration_error():
    summary = binary(*predictions())
    points = summary["reliability"]
    assert sum(point["images"] for point in points) == 120
    assert all(point["from"] <= point["stated"] <= point["to"] for point in points)
    assert all(point["low"] <= point["observed"] <= point["high"] for point in points)
    distances = sum(point["images"] * abs(point["stated"] - point["observed"]) for point in points)
    assert summary["metrics"]["ece"]["value"] == pytest.approx(distances / 120)


def test_perfect_predictions_are_not_called_certain():
    targets = np.arange(40) % 2
    summary = binary(targets, np.eye(2)[targets])
    assert summary["metrics"]["auc"]["value"] == 1.0
    assert summary["metrics"]["auc"]["low"] < 0.97
    assert summary["metrics"]["auc"]["interval"] == "Newcombe"
    assert summary["metrics"]["accuracy"]["low"] < 0.97
    assert summary["metrics"]["f1"]["value"] == 1.0
    assert summary["metrics"]["f1"]["why"].startswith("no interval: ")


def test_class_that_is_never_called_has_no_precision():
    targets, _ = predictions()
    summary = binary(targets, np.tile([0.9, 0.1], (120, 1)))
    assert summary["metrics"]["precision"]["value"] is None
    assert summary["metrics"]["f1"]["value"] == 0


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
        summarise(*arguments, SETTINGS)
