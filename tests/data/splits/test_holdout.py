"""Hold-out: fractions, groups and classes are respected, and nothing but seed, ids and labels decides."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from skinlab.data.split import SUBSETS
from skinlab.data.splits.holdout import holdout
from skinlab.errors import DataError
from tests.data.data_builders import holdout_split

Table = tuple[list[str], list[str], list[str | None]]


def example(count: int = 1000, seed: int = 0) -> Table:
    """Images with an uneven class, groups of 1 to 5, some of mixed class, and some unknown groups."""
    rng = np.random.default_rng(seed)
    ids = [f"image_{i:05}" for i in range(count)]
    groups: list[str | None] = []
    while len(groups) < count:
        groups += [f"lesion_{len(groups)}" if rng.random() < 0.8 else None] * int(rng.integers(1, 6))
    by_group = {group: rng.random() < 0.15 for group in groups}
    labels = ["rare" if by_group[group] != (rng.random() < 0.02) else "common" for group in groups[:count]]
    return ids, labels, groups[:count]


def test_no_group_is_in_two_subsets() -> None:
    ids, labels, groups = example()
    subsets_of = defaultdict(set)
    for group, subset in zip(groups, holdout(ids, labels, groups, holdout_split()), strict=True):
        if group is not None:
            subsets_of[group].add(subset)
    assert {len(subsets) for subsets in subsets_of.values()} == {1}


@pytest.mark.parametrize(("validation", "test"), [(0.15, 0.25), (0.05, 0.05), (0.4, 0.5)])
@pytest.mark.parametrize("seed", range(3))
def test_each_class_is_divided_as_declared_to_within_a_group(validation: float, test: float, seed: int) -> None:
    ids, labels, groups = example(seed=seed)
    split = holdout_split(validation=validation, test=test, seed=seed)
    found = Counter(zip(labels, holdout(ids, labels, groups, split), strict=True))
    for label, size in Counter(labels).items():
        for subset, part in zip(SUBSETS, (1 - validation - test, validation, test), strict=True):
            assert abs(found[label, subset] - part * size) <= 5


def test_single_images_are_divided_to_within_one() -> None:
    ids = [f"{i}" for i in range(103)]
    labels = ["a"] * 80 + ["b"] * 23
    found = Counter(zip(labels, holdout(ids, labels, [None] * 103, holdout_split()), strict=True))
    for label, size in (("a", 80), ("b", 23)):
        assert all(
            abs(found[label, subset] - p * size) <= 1 for subset, p in zip(SUBSETS, (0.6, 0.2, 0.2), strict=True)
        )


def test_order_of_rows_does_not_matter() -> None:
    ids, labels, groups = example()
    expected = dict(zip(ids, holdout(ids, labels, groups, holdout_split()), strict=True))
    rows = np.random.default_rng(1).permutation(len(ids)).tolist()
    shuffled = holdout([ids[i] for i in rows], [labels[i] for i in rows], [groups[i] for i in rows], holdout_split())
    assert dict(zip([ids[i] for i in rows], shuffled, strict=True)) == expected


def test_split_never_changes_between_versions_and_platforms() -> None:
    ids = [f"image_{i}" for i in range(24)]
    groups = [None if i % 3 == 0 else f"lesion_{i // 2}" for i in range(24)]
    subsets = holdout(ids, ["a", "a", "b", "b"] * 6, groups, holdout_split(seed=3))
    assert "".join(subset[1] for subset in subsets) == "rerrrrerrraaerrraaerrrrr"  # tRain, vAlidation, tEst


def test_another_seed_gives_another_split() -> None:
    ids, labels, groups = example()
    assert holdout(ids, labels, groups, holdout_split(seed=0)) != holdout(ids, labels, groups, holdout_split(seed=1))


def test_large_groups_are_not_all_put_into_training() -> None:
    ids = [f"{i}" for i in range(300)]
    groups: list[str | None] = [f"large_{i // 5}" if i < 100 else None for i in range(300)]
    found = Counter(holdout(ids, ["a", "b"] * 150, groups, holdout_split())[:100])
    assert all(found[subset] >= 10 for subset in SUBSETS)


def test_group_named_like_an_image_does_not_capture_it() -> None:
    ids = [f"{i}" for i in range(40)]
    groups: list[str | None] = ["1", None] * 20
    subsets = holdout(ids, ["a"] * 40, groups, holdout_split())
    assert len(set(subsets[1::2])) == 3


def test_smallest_possible_classes_reach_every_subset() -> None:
    ids = [f"{i}" for i in range(6)]
    labels = ["a", "b"] * 3
    found = Counter(zip(labels, holdout(ids, labels, [None] * 6, holdout_split()), strict=True))
    assert set(found.values()) == {1}


def test_rare_class_in_a_large_set_reaches_every_subset() -> None:
    ids = [f"{i}" for i in range(1000)]
    labels = ["rare"] * 3 + ["common"] * 997
    assert set(holdout(ids, labels, [None] * 1000, holdout_split())[:3]) == set(SUBSETS)


def test_class_too_small_is_named_with_its_count_and_the_need() -> None:
    labels = ["nevus"] * 10 + ["melanoma"] * 2
    expected = (
        "class melanoma is too small to split: 2 images in 2 groups, and train, validation, test need at least one"
    )
    with pytest.raises(DataError, match=re.escape(expected)):
        holdout([f"{i}" for i in range(12)], labels, [None] * 12, holdout_split())


def test_many_images_of_two_lesions_are_too_few() -> None:
    labels = ["nevus"] * 10 + ["melanoma"] * 10
    groups: list[str | None] = [None] * 10 + ["L1"] * 5 + ["L2"] * 5
    with pytest.raises(DataError, match="melanoma is too small to split: 10 images in 2 groups"):
        holdout([f"{i}" for i in range(20)], labels, groups, holdout_split())


def test_fractions_that_leave_no_training_images_are_refused() -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        holdout(["a"], ["x"], [None], holdout_split(validation=0.5, test=0.5))
