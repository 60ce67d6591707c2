"""Classes, the positive class, and shuffled labels."""

from collections import Counter

import numpy as np
import pytest

from skinlab.data.labels import resolve_classes, shuffle_labels
from skinlab.errors import DataError


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["benign", "malignant"], (["benign", "malignant"], 1)),
        (["malignant", "zebra", "benign"], (["benign", "malignant", "zebra"], 1)),
        (["nevus", "melanoma"], (["melanoma", "nevus"], 0)),
        (["b", "a", "c"], (["a", "b", "c"], 2)),
        (["Zebra", "Malignant", "Benign"], (["Benign", "Malignant", "Zebra"], 1)),
        (["nevus", "MELANOMA"], (["MELANOMA", "nevus"], 0)),
    ],
)
def test_defaults_are_sorted_classes_and_the_suspicious_one(labels: list[str], expected: tuple[list[str], int]) -> None:
    assert resolve_classes(labels, None, None) == expected


def test_declared_classes_keep_their_order_and_may_leave_labels_out() -> None:
    assert resolve_classes(["a", "b", "c"], ["c", "a"], "c") == (["c", "a"], 0)


@pytest.mark.parametrize(
    ("classes", "positive", "message"),
    [
        (["benign"], None, r"one class only \(benign\)"),
        (None, "malignent", r"dataset\.positive_class=malignent is not a class \(did you mean malignant\?\)"),
    ],
)
def test_wrong_declarations_are_named(classes: list[str] | None, positive: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        resolve_classes(["benign", "malignant"], classes, positive)


def test_one_label_is_too_few() -> None:
    with pytest.raises(DataError, match="one class only"):
        resolve_classes(["nevus"] * 5, None, None)


def test_shuffling_keeps_class_sizes_and_depends_on_nothing_but_seed_and_ids() -> None:
    ids = [f"{i}" for i in range(500)]
    labels = ["a"] * 100 + ["b"] * 400
    shuffled = shuffle_labels(ids, labels, 0)
    assert Counter(shuffled) == Counter(labels)
    assert shuffled != shuffle_labels(ids, labels, 1)
    rows = np.random.default_rng(0).permutation(500).tolist()
    again = shuffle_labels([ids[i] for i in rows], [labels[i] for i in rows], 0)
    assert dict(zip([ids[i] for i in rows], again, strict=True)) == dict(zip(ids, shuffled, strict=True))


def test_shuffled_labels_say_nothing_about_the_true_ones() -> None:
    ids = [f"{i}" for i in range(4000)]
    labels = ["a", "b"] * 2000
    agreement = sum(x == y for x, y in zip(labels, shuffle_labels(ids, labels, 0), strict=True)) / 4000
    assert abs(agreement - 0.5) < 0.04
