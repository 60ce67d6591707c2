"""What crosses subsets is found, told and left out."""

import pytest

from skinlab.data.audit.leaks import LEFT_OUT, Near, describe, find_leaks, refuse, without_leaks
from skinlab.errors import DataError

SUBSETS = ["train", "train", "test", "validation", "test"]


def test_each_reason_is_found_with_the_training_side_first():
    groups = ["L1", None, "L1", None, None]
    leaks = find_leaks(groups, [[1, 4]], [Near(2, 3, 0.9), Near(0, 1, 0.95)], SUBSETS)
    assert [(leak.first, leak.second, leak.reason, leak.similarity) for leak in leaks] == [
        (1, 4, "duplicate", 1.0),
        (3, 2, "near_duplicate", 0.9),
        (0, 2, "group", None),
    ]


def test_a_large_group_makes_as_many_leaks_as_images_on_its_training_side():
    leaks = find_leaks(["L"] * 101, [], [], ["train"] * 50 + ["test"] * 51)
    assert len(leaks) == 50


def test_the_message_lists_ten_pairs_and_the_count_and_what_to_do():
    leaks = find_leaks(["L"] * 13, [], [], ["train"] * 12 + ["test"])
    ids = [f"image_{row}" for row in range(13)]
    subsets = ["train"] * 12 + ["test"]
    text = describe(leaks, ids, subsets)
    assert text.startswith(
        "12 pairs of images are in two subsets but must be in one: image_0 (train) and image_12 (test)"
    )
    assert text.count("same group") == 10
    assert text.endswith("and 2 more")
    with pytest.raises(DataError, match=r"audit\.on_leak=drop") as error:
        refuse(leaks, ids, subsets)
    assert "\n" not in str(error.value)


def test_test_wins_over_validation_over_training():
    units = ["a", "a", "a", "b", "b", None]
    subsets = ["train", "validation", "test", "train", "validation", "train"]
    kept = [LEFT_OUT, LEFT_OUT, "test", LEFT_OUT, "validation", "train"]
    assert without_leaks(units, ["x"] * 6, subsets) == kept


def test_a_class_is_not_left_without_images():
    with pytest.raises(DataError, match="no image of class nevus in train"):
        without_leaks(["a", "a", None], ["nevus", "nevus", "melanoma"], ["train", "test", "train"])
