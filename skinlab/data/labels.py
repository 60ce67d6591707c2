"""Which classes there are and in which order, which one is positive, and labels for the negative control."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError

_POSITIVE_BY_NAME = ("malignant", "melanoma")


def resolve_classes(
    labels: Sequence[str], classes: Sequence[str] | None, positive_class: str | None
) -> tuple[list[str], int]:
    """The classes in the order of the outputs, and which one sensitivity and AUC are about.

    Args:
        labels: the label of each image.
        classes: declared names in order; None: all labels found, sorted.
        positive_class: declared name; None: malignant, else melanoma, else the last class.

    Returns:
        Class names, and the index of the positive one.

    Raises:
        DataError: fewer than two classes, a class without images or named twice, an unknown positive class.

    Example:
        >>> resolve_classes(["nevus", "melanoma", "nevus"], None, None)
        (['melanoma', 'nevus'], 0)
    """
    found = Counter(labels)
    names = sorted(found) if classes is None else list(classes)
    for name, count in Counter(names).items():
        if count > 1:
            raise DataError(f"dataset.classes names {name} {count} times")
        if name not in found:
            hint = nearest(name, found)
            raise DataError(f"no image has the label {name}{hint}; dataset.classes may name: {listed(sorted(found))}")
    if len(names) < 2:  # noqa: PLR2004 - the least that can be told apart
        raise DataError(f"one class only ({listed(names) or 'none'}): at least two are needed to learn a difference")
    return names, names.index(_positive(names, positive_class))


def _positive(names: Sequence[str], declared: str | None) -> str:
    if declared is None:
        return next((name for name in _POSITIVE_BY_NAME if name in names), names[-1])
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
