"""Which classes there are and in which order, which one is positive, and labels for the negative control."""

from collections.abc import Sequence
from hashlib import blake2b

from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError

LEARNABLE = 2
"""The least number of classes that can be told apart."""
_POSITIVE_BY_NAME = ("malignant", "melanoma")


def resolve_classes(
    labels: Sequence[str], names: Sequence[str] | None, positive_class: str | None, least: int = LEARNABLE
) -> tuple[list[str], int]:
    """The classes in the order of the outputs, and which one sensitivity and AUC are about.

    Args:
        labels: the class of each image.
        names: declared classes in order; None: all that are found, sorted.
        positive_class: declared name; None: malignant, else melanoma, in upper or lower case, else the last class.
        least: how many classes there must be; what is only scored may be of one.

    Returns:
        Class names, and the index of the positive one.

    Raises:
        DataError: fewer classes, or an unknown positive class.

    Example:
        >>> resolve_classes(["nevus", "melanoma", "nevus"], None, None)
        (['melanoma', 'nevus'], 0)
    """
    classes = sorted(set(labels)) if names is None else list(names)
    if len(classes) < least:
        raise DataError(f"one class only ({listed(classes) or 'none'}): at least two are needed to learn a difference")
    return classes, classes.index(_positive(classes, positive_class))


def _positive(names: Sequence[str], declared: str | None) -> str:
    if declared is None:
        by_folded = {name.casefold(): name for name in reversed(names)}  # of two spellings the first
        return next((by_folded[known] for known in _POSITIVE_BY_NAME if known in by_folded), names[-1])
    if declared not in names:
        hint = nearest(declared, names)
        raise DataError(f"dataset.positive_class={declared} is not a class{hint}; the classes are: {listed(names)}")
    return declared


def shuffle_labels(image_ids: Sequence[str], labels: Sequence[str], seed: int) -> list[str]:
    """The labels, dealt out anew to the images: the negative control.

    Each class keeps its size. The result is a function of the seed and of which image had which label, whatever the
    order of the rows. Images of one lesion may get different labels; they still never cross subsets.

    Example:
        >>> shuffle_labels(["a", "b", "c", "d"], ["x", "x", "y", "y"], seed=1)
        ['x', 'y', 'y', 'x']
    """
    by_name = sorted(range(len(labels)), key=image_ids.__getitem__)
    by_chance = sorted(by_name, key=lambda i: _digest(seed, image_ids[i]))
    shuffled = list(labels)
    for giver, taker in zip(by_name, by_chance, strict=True):
        shuffled[taker] = labels[giver]
    return shuffled


def _digest(seed: int, image_id: str) -> bytes:
    return blake2b(f"shuffle_labels\0{seed}\0{image_id}".encode(), digest_size=16).digest()
