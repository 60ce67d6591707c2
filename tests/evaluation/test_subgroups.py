import dataclasses
import json

import pytest

from skinlab.errors import DataError
from skinlab.evaluation.subgroups import resolve, summarise_subgroups
from skinlab.evaluation.summary import summarise
from tests.evaluation.test_summary import SETTINGS, predictions

CLASSES = ["benign", "malignant"]
ATTRIBUTES = {
    "sex": ["female", "male", "", "Unknown", "female", "male"],
    "age_approx": ["20", "30", "45.0", "", "60", "85"],
}


def test_values_are_subgroups_and_what_is_not_known_is_one_of_its_own():
    found = resolve(["sex"], ATTRIBUTES)["sex"]
    assert found == ["female", "male", "unknown", "unknown", "female", "male"]


def test_a_band_holds_its_lower_edge():
    found = resolve({"age_approx": [30, 60]}, ATTRIBUTES)["age_approx"]
    assert found == ["below 30", "30 to 60", "30 to 60", "unknown", "60 and above", "60 and above"]


@pytest.mark.parametrize("declared", [None, [], {}])
def test_nothing_is_declared(declared):
    assert resolve(declared, ATTRIBUTES) == {}


@pytest.mark.parametrize(
    ("declared", "attributes", "message"),
    [
        (["sxe"], ATTRIBUTES, r"no column sxe \(did you mean sex\?\); there are sex, age_approx"),
        (["sex"], {}, "no column sex; the data set has no further columns"),
        ({"sex": [1, 2]}, ATTRIBUTES, "column sex has edges, and its value female is no number"),
        (["id"], {"id": [str(row) for row in range(51)]}, r"column id has 51 different values .* \{id: \[30, 60\]\}"),
    ],
)
def test_columns_that_make_no_subgroups_are_data_errors(declared, attributes, message):
    with pytest.raises(DataError, match=message):
        resolve(declared, attributes)


def scored(names, edges=None, smallest=10):
    targets, probabilities = predictions()
    declared = {"column": edges}
    found = summarise_subgroups(
        {"column": names}, declared, targets, probabilities, CLASSES, 1, [None] * 120, SETTINGS, smallest
    )
    return {part["name"]: part for part in found[0]["subgroups"]}


def test_numbers_of_a_subgroup_are_those_of_its_images_alone():
    names = ["b" if row < 70 else "a" for row in range(120)]
    found = scored(names)
    targets, probabilities = predictions()
    alone = summarise(targets[:70], probabilities[:70], CLASSES, 1, None, SETTINGS)
    assert list(found) == ["a", "b"]
    assert found["b"]["metrics"] == alone["metrics"]
    assert (found["b"]["images"], found["b"]["classes"]) == (70, {"benign": 35, "malignant": 35})
    json.dumps(found, allow_nan=False)


def test_bands_stand_in_their_order_and_unknown_last():
    names = ["9 and above"] * 30 + ["unknown"] * 30 + ["below 5"] * 30 + ["5 to 9"] * 30
    assert list(scored(names, edges=[5, 9])) == ["below 5", "5 to 9", "9 and above", "unknown"]


def test_a_subgroup_with_few_images_of_a_class_is_too_small_to_say():
    names = ["large"] * 102 + ["small"] * 18
    found = scored(names)
    assert found["large"]["small"] is None
    assert found["small"]["small"] == "too small to say: 9 benign, 9 malignant, at least 10 are needed"
    assert scored(names, smallest=9)["small"]["small"] is None


def test_a_subgroup_of_one_class_says_what_is_undefined():
    targets, _ = predictions()
    found = scored(["ill" if target else "well" for target in targets])
    assert found["well"]["metrics"]["sensitivity"]["why"] == "no image is malignant"
    assert found["well"]["metrics"]["specificity"]["value"] > 0.5


def test_a_subgroup_has_the_threshold_of_the_whole():
    targets, probabilities = predictions()
    strict = dataclasses.replace(SETTINGS, threshold=0.9)
    (found,) = summarise_subgroups(
        {"c": ["x"] * 120}, ["c"], targets, probabilities, CLASSES, 1, [None] * 120, strict, 10
    )
    whole = summarise(targets, probabilities, CLASSES, 1, None, strict)
    assert found["subgroups"][0]["metrics"] == whole["metrics"]
