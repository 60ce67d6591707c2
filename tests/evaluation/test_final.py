import json

import numpy as np
import pytest

from skinlab import schema
from skinlab.evaluation import final, metrics
from skinlab.evaluation.tables import format_result

CLASSES = final.Classes(["benign", "malignant"], 1)


def evaluation(**changes):
    return schema.Evaluation(
        **{
            "confidence": 0.95,
            "bootstrap": 100,
            "operating_point": 0.5,
            "calibration": "none",
            "at_specificity": 0.9,
            "at_sensitivity": 0.95,
            "subgroups": None,
            "smallest_subgroup": 10,
            "tta": "none",
        }
        | changes
    )


def subset(seed, images=200, classes=2, sharpness=3.0):
    """Predictions that are surer than they may be."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(images, classes))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (chances.cumsum(axis=1) < generator.random((images, 1))).sum(axis=1)
    sharp = np.exp(sharpness * logits)
    ids = [f"{seed}-{row}" for row in range(images)]
    return final.Subset(ids, targets, [None] * images, sharp / sharp.sum(axis=1, keepdims=True))


def numbers(declared, validation, test, classes=CLASSES, columns=None):
    decision = final.decide(declared, validation, classes)
    found = final.numbers(declared, 1, classes, {"validation": validation, "test": test}, decision, columns or {})
    json.dumps(found, allow_nan=False)
    return found


def test_the_default_is_a_threshold_of_one_half_and_no_calibration():
    found = numbers(evaluation(), subset(1), subset(2))
    assert found["operating_point"]["rule"] == "0.5"
    assert found["test"]["threshold"] == 0.5
    assert found["calibration"] == {"method": "none", "temperature": 1.0, "why": None}
    assert found["subgroups"] == []


def test_a_rule_is_followed_on_validation_and_applied_to_test():
    found = numbers(evaluation(operating_point="sensitivity>=0.95"), subset(1), subset(2))
    point = found["operating_point"]
    assert point["validation"]["sensitivity"]["value"] >= 0.95
    assert found["validation"]["threshold"] == found["test"]["threshold"] == point["threshold"] < 0.5
    for name in ("validation", "test"):
        assert point[name]["sensitivity"] == found[name]["metrics"]["sensitivity"]
    assert point["test"]["sensitivity"]["low"] < point["test"]["sensitivity"]["value"]


def test_the_test_subset_decides_nothing():
    declared = evaluation(operating_point="youden", calibration="temperature")
    validation = subset(1)
    one, other = (numbers(declared, validation, subset(seed)) for seed in (2, 3))
    assert one["validation"] == other["validation"]
    assert one["operating_point"]["threshold"] == other["operating_point"]["threshold"]
    assert one["calibration"]["temperature"] == other["calibration"]["temperature"]


def test_temperature_is_fitted_before_the_threshold_and_reported_before_and_after():
    validation, test = subset(1), subset(2)
    found = numbers(evaluation(operating_point="youden", calibration="temperature"), validation, test)
    calibrated = found["calibration"]
    assert calibrated["temperature"] == pytest.approx(3, rel=0.4)
    for name in ("ece", "log_loss", "brier"):
        assert calibrated["test"]["after"][name]["value"] < calibrated["test"]["before"][name]["value"]
    before = calibrated["test"]["before"]["log_loss"]
    assert before["value"] == pytest.approx(metrics.log_loss(test.targets, test.probabilities))
    assert calibrated["test"]["after"]["log_loss"] == found["test"]["metrics"]["log_loss"]
    # A temperature changes no rank, so the rule picks the same images.
    plain = numbers(evaluation(operating_point="youden"), validation, test)
    assert plain["test"]["confusion_matrix"] == found["test"]["confusion_matrix"]
    assert plain["operating_point"]["threshold"] != found["operating_point"]["threshold"]


def test_what_validation_cannot_tell_is_said_and_the_defaults_stay():
    declared = evaluation(operating_point="youden", calibration="temperature")
    only = final.Subset(["a", "b"], np.array([1, 1]), [None, None], np.array([[0.1, 0.9], [0.2, 0.8]]))
    decision = final.decide(declared, only, CLASSES)
    assert (decision.temperature.value, decision.point.threshold) == (1, 0.5)
    first, second = decision.remarks()
    assert first.startswith("evaluation.calibration: the temperature stays 1: ")
    assert second == "evaluation.operating_point=youden: the threshold stays 0.5: no validation image is negative"
    found = numbers(declared, only, subset(2))
    assert found["operating_point"]["why"] == "no validation image is negative"


def test_more_classes_take_the_most_probable_one_and_can_be_calibrated():
    classes = final.Classes(["a", "b", "c"], 2)
    found = numbers(evaluation(calibration="temperature"), subset(1, classes=3), subset(2, classes=3), classes)
    point = found["operating_point"]
    assert (point["rule"], point["threshold"], point["chosen_on"]) == ("most probable class", None, None)
    assert found["calibration"]["temperature"] > 1.5
    assert format_result(found).splitlines()[0].startswith("temperature ")


def test_predictions_that_are_not_numbers_stop_nothing():
    validation, test = subset(1), subset(2)
    for broken in (validation, test):
        broken.probabilities[0] = np.nan
    declared = evaluation(operating_point="youden", calibration="temperature", subgroups=["sex"])
    found = numbers(declared, validation, test, columns={"sex": ["f", "m"] * 100})
    why = "predictions of 1 of 200 images are not finite numbers"
    assert found["test"]["metrics"]["auc"]["why"] == why
    assert found["calibration"]["why"] == "validation predictions are not finite"
    assert f"undefined: {why}" in format_result(found)


def test_the_terminal_shows_what_the_rule_reached_and_a_line_a_subgroup():
    declared = evaluation(operating_point="sensitivity>=0.95", subgroups={"sex": None})
    sexes = ["female"] * 150 + ["male"] * 44 + ["unknown"] * 6
    found = numbers(declared, subset(1), subset(2), columns={"sex": sexes})
    lines = format_result(found).splitlines()
    assert lines[0].startswith("threshold 0.")
    assert lines[0].endswith("chosen on validation by sensitivity>=0.95")
    assert [line.split(":")[0] for line in lines[1:3]] == ["  on validation", "  on test"]
    start = next(row for row, line in enumerate(lines) if line.startswith("by sex"))
    assert [line.split()[:2] for line in lines[start + 1 : start + 4]] == [
        ["female", "150"],
        ["male", "44"],
        ["unknown", "6"],
    ]
    assert "too small to say" in lines[start + 3]
    assert "too small to say" not in lines[start + 1]
