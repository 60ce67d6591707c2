"""Cross-validation: every image is tested once, groups stay together, nothing but ids, labels and seed decides."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from skinlab.data.split import SUBSETS
from skinlab.data.splits.kfold import fold_of, kfold
from skinlab.errors import DataError
from tests.data.data_builders import kfold_split

Table = tuple[list[str], list[str], list[str | None]]


def example(count: int = 600) -> Table:
    """Images with a rare class, groups of 1 to 4, some unknown."""
    rng = np.random.default_rng(0)
    groups: list[str | None] = []
    while len(groups) < count:
        groups += [f"lesion_{len(groups)}" if rng.random() < 0.8 else None] * int(rng.integers(1, 5))
    rare = {group: rng.random() < 0.15 for group in groups}
    labels = ["rare" if rare[group] else "common" for group in groups[:count]]
    return [f"image_{i:05}" for i in range(count)], labels, groups[:count]


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
def test_every_image_is_in_exactly_one_test_fold(folds: int) -> None:
    tested = Counter(
        row
        for fold in range(folds)
        for row, subset in enumerate(kfold(*example(), kfold_split(folds=folds, fold=fold)))
        if subset == "test"
    )
    assert tested == dict.fromkeys(range(600), 1)


def test_no_group_is_in_two_subsets_of_a_fold() -> None:
    ids, labels, groups = example()
    for fold in range(5):
        subsets_of = defaultdict(set)
        for group, subset in zip(groups, kfold(ids, labels, groups, kfold_split(fold=fold)), strict=True):
            if group is not None:
                subsets_of[group].add(subset)
        assert {len(subsets) for subsets in subsets_of.values()} == {1}


def test_each_class_is_divided_evenly_to_within_a_group() -> None:
    ids, labels, groups = example()
    for fold in range(5):
        found = Counter(zip(labels, kfold(ids, labels, groups, kfold_split(fold=fold)), strict=True))
        for label, size in Counter(labels).items():
            for subset, part in zip(SUBSETS, (0.6, 0.2, 0.2), strict=True):
                assert abs(found[label, subset] - part * size) <= 4


def test_folds_do_not_depend_on_the_order_of_rows() -> None:
    ids, labels, groups = example()
    rows = np.random.default_rng(1).permutation(len(ids)).tolist()
    split = kfold_split(fold=2)
    shuffled = kfold([ids[i] for i in rows], [labels[i] for i in rows], [groups[i] for i in rows], split)
    assert dict(zip([ids[i] for i in rows], shuffled, strict=True)) == dict(
        zip(ids, kfold(ids, labels, groups, split), strict=True)
    )


def test_the_test_subset_of_a_run_is_its_fold() -> None:
    ids, labels, groups = example()
    folds = fold_of(ids, labels, groups, 5, 0)
    for fold in range(5):
        subsets = kfold(ids, labels, groups, kfold_split(fold=fold, validation=0.1 * (fold + 1)))
        assert [subset == "test" for subset in subsets] == [other == fold for other in folds]


def test_another_seed_gives_other_folds() -> None:
    assert fold_of(*example(), 5, 0) != fold_of(*example(), 5, 1)


def test_folds_never_change_between_versions_and_platforms() -> None:
    ids = [f"image_{i}" for i in range(24)]
    groups = [None if i % 3 == 0 else f"lesion_{i // 2}" for i in range(24)]
    labels = ["a", "a", "b", "b"] * 6
    assert "".join(map(str, fold_of(ids, labels, groups, 4, 3))) == "330211310200223200233111"
    subsets = kfold(ids, labels, groups, kfold_split(folds=4, fold=1, seed=3))
    assert "".join(subset[1] for subset in subsets) == "rrrreerearrrraaarrrrreee"  # tRain, vAlidation, tEst


@pytest.mark.parametrize(
    ("folds", "size", "fits"), [(5, 4, False), (5, 5, True), (3, 3, True), (2, 3, False), (2, 4, True)]
)
def test_a_class_needs_a_group_for_each_fold(folds: int, size: int, fits: bool) -> None:
    labels = ["nevus"] * 20 + ["melanoma"] * size
    ids = [f"{i}" for i in range(len(labels))]
    if fits:
        assert kfold(ids, labels, [None] * len(ids), kfold_split(folds=folds)).count("test") > 0
        return
    message = f"class melanoma is too small to split: {size} images in {size} groups, and {folds} folds of"
    with pytest.raises(DataError, match=re.escape(message)):
        kfold(ids, labels, [None] * len(ids), kfold_split(folds=folds))
