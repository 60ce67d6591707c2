"""Which classes there are and in which order, which one is positive, and labels for the negative control."""

import re
from collections.abc import Sequence
from hashlib import blake2b

from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError

LEARNABLE = 2
"""The least number of classes that can be told apart."""
BINARY = 2
KNOWN_AS_POSITIVE = frozenset(
    {"malignant", "mal", "malignancy", "cancer", "melanoma", "mel", "melanoma in situ", "invasive melanoma"}
)
"""Names of a positive class, whatever the others are called; `mel` is the code of HAM10000, ISIC and PAD-UFES-20."""
KNOWN_BESIDE = {"1": "0", "1 0": "0 0", "true": "false", "yes": "no", "positive": "negative", "pos": "neg"}
"""Names that are the positive one of two where the other class is called so; 1.0 is read as `1 0`."""


def resolve_classes(
    labels: Sequence[str], names: Sequence[str] | None, positive_class: str | None, least: int = LEARNABLE
) -> tuple[list[str], int | None]:
    """The classes in the order of the outputs, and which one sensitivity and specificity are about.

    Args:
        labels: the class of each image.
        names: declared classes in order; None: all that are found, sorted.
        positive_class: declared name; None: the one that `known_positive` finds, else of two classes the last.
        least: how many classes there must be; what is only scored may be of one.

    Returns:
        Class names, and the index of the positive one; None: there are more than two and none is known as it.

    Raises:
        DataError: fewer classes, or an unknown positive class.

    Example:
        >>> resolve_classes(["nevus", "melanoma", "nevus"], None, None)
        (['melanoma', 'nevus'], 0)
        >>> resolve_classes(["a", "b", "c"], None, None)
        (['a', 'b', 'c'], None)
    """
    classes = sorted(set(labels)) if names is None else list(names)
    if len(classes) < least:
        raise DataError(f"one class only ({listed(classes) or 'none'}): at least two are needed to learn a difference")
    if positive_class is not None and positive_class not in classes:
        hint = nearest(positive_class, classes)
        raise DataError(
            f"dataset.positive_class={positive_class} is not a class{hint}; the classes are: {listed(classes)}"
        )
    found = positive_class or known_positive(classes) or assumed_positive(classes, positive_class)
    return classes, None if found is None else classes.index(found)


def known_positive(classes: Sequence[str]) -> str | None:
    """The class whose name says that it is the positive one, in any case and spelt with any punctuation.

    Where several are, such as malignant beside melanoma, neither is taken: which one is meant, only a person knows.

    Example:
        >>> known_positive(["NV", "BKL", "MEL"]), known_positive(["0", "1"]), known_positive(["0", "1", "2"])
        ('MEL', '1', None)
        >>> known_positive(["malignant", "melanoma", "nevus"])
    """
    plain = {name: re.sub(r"[\W_]+", " ", name.casefold()).strip() for name in classes}
    known = [name for name, said in plain.items() if said in KNOWN_AS_POSITIVE]
    if len(classes) == BINARY:
        known += [name for name, said in plain.items() if KNOWN_BESIDE.get(said) in plain.values()]
    return known[0] if len(known) == 1 else None


def assumed_positive(classes: Sequence[str], declared: str | None) -> str | None:
    """The class that is taken as the positive one though nothing says so: of two classes the last; else None.

    Example:
        >>> assumed_positive(["a", "b"], None), assumed_positive(["a", "b"], "a")
        ('b', None)
    """
    unknown = declared is None and known_positive(classes) is None
    return classes[-1] if unknown and len(classes) == BINARY else None


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
