"""Classes, the positive class, and shuffled labels."""

from collections import Counter

import numpy as np
import pytest

from skinlab.data.labels import assumed_positive, known_positive, resolve_classes, shuffle_labels
from skinlab.errors import DataError


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["benign", "malignant"], (["benign", "malignant"], 1)),
        (["malignant", "zebra", "benign"], (["benign", "malignant", "zebra"], 1)),
        (["nevus", "melanoma"], (["melanoma", "nevus"], 0)),
        (["b", "a", "c"], (["a", "b", "c"], None)),
        (["Zebra", "Malignant", "Benign"], (["Benign", "Malignant", "Zebra"], 1)),
        (["nevus", "MELANOMA"], (["MELANOMA", "nevus"], 0)),
    ],
)
def test_defaults_are_sorted_classes_and_the_suspicious_one(labels: list[str], expected: tuple[list[str], int]) -> None:
    assert resolve_classes(labels, None, None) == expected


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"], "mel"),  # HAM10000
        (["AK", "BCC", "BKL", "DF", "MEL", "NV", "SCC", "VASC"], "MEL"),  # ISIC 2018 and 2019
        (["ACK", "BCC", "MEL", "NEV", "SCC", "SEK"], "MEL"),  # PAD-UFES-20
        (["Benign", "Indeterminate", "Malignant"], "Malignant"),  # ISIC Archive
        (["melanoma", "nevus", "seborrheic_keratosis"], "melanoma"),  # ISIC 2017
        (["Melanoma in situ", "Nevus"], "Melanoma in situ"),
        (["Cancer", "normal"], "Cancer"),
        (["mal", "ben"], "mal"),
        (["0", "1"], "1"),
        (["1.0", "0.0"], "1.0"),
        (["False", "True"], "True"),
        (["YES", "no"], "YES"),
        (["negative", "Positive"], "Positive"),
        (["melanoma", "non-melanoma"], "melanoma"),
    ],
)
def test_the_codes_of_the_field_are_known_in_any_case(classes: list[str], positive: str) -> None:
    assert known_positive(classes) == positive
    assert resolve_classes(classes, classes, None) == (classes, classes.index(positive))
    assert assumed_positive(classes, None) is None


@pytest.mark.parametrize(
    "classes",
    [["malignant", "melanoma", "nevus"], ["mel", "melanoma", "nv"], ["0", "1", "2"], ["yes", "no", "unsure"]],
)
def test_of_more_than_two_classes_none_is_taken_where_several_or_none_are_known(classes: list[str]) -> None:
    assert resolve_classes(classes, classes, None) == (classes, None)
    assert assumed_positive(classes, None) is None


@pytest.mark.parametrize("classes", [["a", "b"], ["1", "2"], ["malignant", "melanoma"]])
def test_of_two_classes_the_last_is_assumed_where_several_or_none_are_known(classes: list[str]) -> None:
    assert resolve_classes(classes, classes, None) == (classes, 1)
    assert assumed_positive(classes, None) == classes[1]


@pytest.mark.parametrize("classes", [["a", "b"], ["mel", "nv"], ["a", "b", "c"]])
def test_a_declared_positive_class_wins_and_nothing_is_assumed(classes: list[str]) -> None:
    declared = classes[-1]
    assert resolve_classes(classes, classes, declared) == (classes, len(classes) - 1)
    assert assumed_positive(classes, declared) is None


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
