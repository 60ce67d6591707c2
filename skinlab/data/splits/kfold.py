"""Cross-validation: each image is in the test subset of exactly one fold; one fold a run."""

from collections.abc import Sequence

from skinlab.data.split import SUBSETS
from skinlab.data.splits.dealing import check_sizes, check_subsets, deal, take_validation
from skinlab.schema import KFoldSplit


def kfold(
    image_ids: Sequence[str], labels: Sequence[str], groups: Sequence[str | None], split: KFoldSplit
) -> list[str]:
    """The subset of each image in the run of one fold.

    Args:
        image_ids: as for `deal`, like `labels` and `groups`.
        labels: class name of each image.
        groups: images with equal groups stay together.
        split: folds, which of them is the test subset, the validation fraction of the rest, and the seed.

    Returns:
        "train", "validation" or "test" for each row.

    Raises:
        DataError: a class cannot have an image in each subset of each fold.

    Example:
        >>> ids = [f"image_{i}" for i in range(20)]
        >>> split = KFoldSplit(name="kfold", folds=5, fold=0, validation=0.25, seed=0)
        >>> subsets = kfold(ids, ["benign", "malignant"] * 10, [None] * 20, split)
        >>> [subsets.count(name) for name in SUBSETS]
        [12, 4, 4]
    """
    # Outside of the test fold each class needs a group to train on and one to validate on.
    least = split.folds if split.folds >= len(SUBSETS) else 2 * split.folds
    check_sizes(image_ids, labels, groups, least, f"{split.folds} folds of {', '.join(SUBSETS)}")
    folds = fold_of(image_ids, labels, groups, split.folds, split.seed)
    subsets = ["test" if fold == split.fold else "train" for fold in folds]
    take_validation(image_ids, labels, groups, subsets, split.validation, f"kfold validation\0{split.seed}")
    check_subsets(labels, subsets, "add images, or try fewer split.folds or another split.seed")
    return subsets


def fold_of(
    image_ids: Sequence[str], labels: Sequence[str], groups: Sequence[str | None], folds: int, seed: int
) -> list[int]:
    """The fold of each image, 0 to folds - 1: a function of ids, groups, labels, folds and seed alone."""
    parts = deal(image_ids, labels, groups, {str(i): 1 / folds for i in range(folds)}, f"kfold\0{seed}")
    return [int(part) for part in parts]
