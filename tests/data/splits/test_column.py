"""Subsets from a column, with a declared reading of its values."""

from collections import Counter

import pytest

from skinlab.data import splits
from skinlab.data.manifest import Manifest
from skinlab.errors import DataError
from tests.data.data_builders import column_split

GIVEN = ["train", "train", "val", "val", "test", "test"]


def table(values: list[str], groups: list[str | None] | None = None) -> Manifest:
    """Images of two classes in turn."""
    count = len(values)
    ids = [f"i{row:02}" for row in range(count)]
    labels = ["a" if row % 2 else "b" for row in range(count)]
    return Manifest(ids, ids, labels, groups or [None] * count, {"part": values, "site": values})


def divided(manifest: Manifest, **changes: object) -> list[str]:
    split = column_split("part", **changes)
    left, _ = splits.restrict(manifest, split)
    return splits.assign(left, left.image_ids, left.groups, split)[0]


def test_values_stand_for_subsets_as_declared() -> None:
    assert divided(table(GIVEN)) == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    other = {"train": ["fold 1", "fold 2"], "validation": ["fold 3"], "test": ["fold 4"]}
    values = ["fold 1", "fold 2", "fold 2", "fold 1", "fold 3", "fold 3", "fold 4", "fold 4"]
    assert divided(table(values), values=other) == ["train"] * 4 + ["validation"] * 2 + ["test"] * 2


def test_other_values_are_refused_with_their_images() -> None:
    with pytest.raises(DataError) as caught:
        divided(table([*GIVEN, "Train", "", ""]))
    assert str(caught.value) == (
        "3 images have another part than split.values names: (empty) (2), Train (1); i06, i07, i08; "
        "add the values to split.values, or set split.on_other_value=drop"
    )


def test_other_values_are_left_out_and_counted_where_declared() -> None:
    split = column_split("part", on_other_value="drop")
    left, notes = splits.restrict(table([*GIVEN, "x", "x"]), split)
    assert (left.image_ids, notes) == ([f"i0{i}" for i in range(6)], {"left_out_values": {"x": 2}})


def test_a_class_that_would_be_left_out_whole_is_named() -> None:
    with pytest.raises(DataError, match=r"the split \(split=column\) leaves no image of class a"):
        divided(table(["train", "x"] * 4), on_other_value="drop")


def test_missing_validation_is_taken_from_training_by_group() -> None:
    groups: list[str | None] = [f"g{row // 4}" for row in range(48)]
    subsets = divided(table(["train"] * 40 + ["test"] * 8, groups), validation=0.25)
    assert Counter(subsets) == {"train": 32, "validation": 8, "test": 8}
    assert len({*zip(groups, subsets, strict=True)}) == 12
    assert subsets != divided(table(["train"] * 40 + ["test"] * 8, groups), validation=0.25, seed=1)


def test_taken_validation_never_changes_between_versions_and_platforms() -> None:
    subsets = divided(table(["train"] * 16 + ["test"] * 4), validation=0.25, seed=3)
    assert "".join(subset[1] for subset in subsets) == "rraraarrrrrarrrreeee"  # tRain, vAlidation, tEst


def test_validation_that_is_neither_named_nor_taken_is_refused() -> None:
    with pytest.raises(DataError, match=r"names no validation images \(val\): .* set split\.validation=0\.15"):
        divided(table(["train"] * 4 + ["test"] * 4))


def test_validation_that_is_both_named_and_taken_is_refused() -> None:
    with pytest.raises(DataError, match=r"names 2 validation images, and split\.validation=0\.2 would take more"):
        divided(table(GIVEN), validation=0.2)


def test_a_class_without_image_in_a_subset_is_named() -> None:
    with pytest.raises(DataError, match="class b has no image left for validation"):
        divided(table(["train", "train", "test", "val", "test", "test"]))


def test_test_images_may_lack_a_class_but_there_must_be_some(caplog: pytest.LogCaptureFixture) -> None:
    found = divided(table(["train", "train", "val", "val", "test"]))
    assert found.count("test") == 1
    assert caplog.messages == ["class a has no image in test: numbers that need one are undefined"]
    with pytest.raises(DataError, match="class a has no image left for test"):
        divided(table(["train", "train", "val", "val"]))


def test_test_images_of_a_label_unseen_in_training_are_left_out_and_counted_unless_the_class_is_declared() -> None:
    labels = ["a", "b", "a", "b", "a", "c", "c"]
    subsets = ["train", "train", "val", "val", "test", "test", "test"]
    names = [f"{row}" for row in range(len(labels))]
    manifest = Manifest(names, names, labels, [None] * len(labels), attributes={"part": subsets})
    left, notes = splits.restrict(manifest, column_split("part"))
    assert left.labels == labels[:5]
    assert notes == {"test_images_of_unseen_labels": {"c": 2}}
    with pytest.raises(DataError, match="leaves no image of class c"):
        splits.restrict(manifest, column_split("part"), ["a", "b", "c"])


def test_a_missing_column_is_named_with_the_nearest() -> None:
    split = column_split("prat")
    with pytest.raises(DataError, match=r"split\.column=prat: .* \(did you mean part\?\); it has: part, site"):
        splits.restrict(table(GIVEN), split)


def test_a_data_set_without_columns_says_so() -> None:
    with pytest.raises(DataError, match="it has no columns"):
        splits.restrict(Manifest(["a"], ["a"], ["x"], [None]), column_split("part"))
