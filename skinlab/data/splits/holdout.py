"""Hold-out: one stratified, group-aware division into train, validation and test."""

from collections.abc import Sequence

from skinlab.data.split import SUBSETS
from skinlab.data.splits.dealing import check_sizes, check_subsets, deal
from skinlab.errors import DataError
from skinlab.schema import HoldoutSplit


def holdout(
    image_ids: Sequence[str], labels: Sequence[str], groups: Sequence[str | None], split: HoldoutSplit
) -> list[str]:
    """The subset of each image, see `skinlab.data.splits.dealing.deal`.

    Args:
        image_ids: as for `deal`, like `labels` and `groups`.
        labels: class name of each image.
        groups: images with equal groups stay together.
        split: fractions and seed.

    Returns:
        "train", "validation" or "test" for each row.

    Raises:
        DataError: the fractions leave nothing to train on, or a class cannot have an image in each subset.

    Example:
        >>> ids = [f"image_{i}" for i in range(20)]
        >>> split = HoldoutSplit(name="holdout", given="use", validation=0.2, test=0.2, seed=0)
        >>> subsets = holdout(ids, ["benign", "malignant"] * 10, [None] * 20, split)
        >>> [subsets.count(name) for name in SUBSETS]
        [12, 4, 4]
    """
    fractions = _fractions(split)
    check_sizes(image_ids, labels, groups, len(SUBSETS), ", ".join(SUBSETS))
    subsets = deal(image_ids, labels, groups, fractions, f"holdout\0{split.seed}")
    check_subsets(labels, subsets, "add images or try another split.seed")
    return subsets


def _fractions(split: HoldoutSplit) -> dict[str, float]:
    train = 1 - split.validation - split.test
    if train <= 0:
        raise DataError(
            f"split.validation={split.validation} and split.test={split.test} leave nothing to train on; "
            "their sum must be below 1"
        )
    return {"train": train, "validation": split.validation, "test": split.test}
