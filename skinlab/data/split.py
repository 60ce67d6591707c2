"""Train, validation and test subsets: stratified by class, no group in two of them, frozen as a table.

A split is a function of the seed, the image and group ids and the labels: not of the order of the rows, the platform
or the versions of libraries.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence

from skinlab.errors import DataError
from skinlab.schema import HoldoutSplit

SUBSETS = ("train", "validation", "test")

_COLUMNS = ("image_id", "sha256", "label", "group", "subset")


def holdout(
    image_ids: Sequence[str], labels: Sequence[str], groups: Sequence[str | None], split: HoldoutSplit
) -> list[str]:
    """The subset of each image.

    Groups are dealt out one by one, larger ones first and otherwise in an order drawn by hash. Each goes where its
    classes are furthest below their share (Sainte-Laguë's rule for dividing seats), so that every class is divided
    as declared to within about the size of one group.

    Args:
        image_ids: unique names.
        labels: class name of each image.
        groups: images with equal groups stay together; None: the image is alone.
        split: fractions and seed.

    Returns:
        "train", "validation" or "test" for each row.

    Raises:
        DataError: the fractions leave nothing to train on, or a class cannot have an image in each subset.

    Example:
        >>> ids = [f"image_{i}" for i in range(20)]
        >>> split = HoldoutSplit(name="holdout", validation=0.2, test=0.2, seed=0)
        >>> subsets = holdout(ids, ["benign", "malignant"] * 10, [None] * 20, split)
        >>> [subsets.count(name) for name in SUBSETS]
        [12, 4, 4]
    """
    fractions = _fractions(split)
    members = _members(image_ids, groups)
    contents = {unit: Counter(labels[row] for row in rows) for unit, rows in members.items()}
    _check_classes(labels, contents)
    order = sorted(members, key=lambda unit: (-len(members[unit]), _digest(split.seed, unit)))
    chosen = _deal(order, contents, Counter(labels), fractions)
    subsets = [""] * len(labels)
    for unit, subset in chosen.items():
        for row in members[unit]:
            subsets[row] = subset
    _check_subsets(labels, subsets)
    return subsets


def split_csv_text(
    image_ids: Sequence[str],
    sha256: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    subsets: Sequence[str],
) -> str:
    r"""The split as a CSV table, rows by image id, an empty group where it is not known.

    Example:
        >>> split_csv_text(["b", "a"], ["01", "02"], ["nevus", "nevus"], [None, "L1"], ["train", "test"])
        'image_id,sha256,label,group,subset\na,02,nevus,L1,test\nb,01,nevus,,train\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    named = [group or "" for group in groups]
    writer.writerows(sorted(zip(image_ids, sha256, labels, named, subsets, strict=True)))
    return text.getvalue()


def split_hash(
    image_ids: Sequence[str],
    sha256: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    subsets: Sequence[str],
) -> str:
    """Identifies a split: the SHA-256 of `split_csv_text`, which is what `sha256sum split.csv` prints."""
    return hashlib.sha256(split_csv_text(image_ids, sha256, labels, groups, subsets).encode()).hexdigest()


def _fractions(split: HoldoutSplit) -> dict[str, float]:
    train = 1 - split.validation - split.test
    if train <= 0:
        raise DataError(
            f"split.validation={split.validation} and split.test={split.test} leave nothing to train on; "
            "their sum must be below 1"
        )
    return {"train": train, "validation": split.validation, "test": split.test}


def _members(image_ids: Sequence[str], groups: Sequence[str | None]) -> dict[str, list[int]]:
    """The rows of each unit that stays together; the prefixes keep a group from meeting an image of its name."""
    members: dict[str, list[int]] = {}
    for row, (image_id, group) in enumerate(zip(image_ids, groups, strict=True)):
        members.setdefault(f"image\0{image_id}" if group is None else f"group\0{group}", []).append(row)
    return members


def _digest(seed: int, unit: str) -> bytes:
    return hashlib.blake2b(f"holdout\0{seed}\0{unit}".encode(), digest_size=16).digest()


def _deal(
    order: Sequence[str],
    contents: Mapping[str, Mapping[str, int]],
    sizes: Mapping[str, int],
    fractions: Mapping[str, float],
) -> dict[str, str]:
    """The subset of each unit."""
    dealt = {subset: dict.fromkeys(sizes, 0) for subset in fractions}
    share = {subset: {label: part * size for label, size in sizes.items()} for subset, part in fractions.items()}
    chosen = {}
    for unit in order:
        content = contents[unit]
        fullness = {subset: _fullness(content, dealt[subset], share[subset]) for subset in fractions}
        chosen[unit] = subset = min(fullness, key=fullness.__getitem__)
        for label, count in content.items():
            dealt[subset][label] += count
    return chosen


def _fullness(content: Mapping[str, int], dealt: Mapping[str, int], share: Mapping[str, float]) -> tuple[int, float]:
    """How little a subset needs these images: one that has none of a class comes first."""
    lacking = sum(not dealt[label] for label in content)
    return -lacking, sum(count * (dealt[label] + count / 2) / share[label] for label, count in content.items())


def _check_classes(labels: Sequence[str], contents: Mapping[str, Mapping[str, int]]) -> None:
    images = Counter(labels)
    units = Counter(label for content in contents.values() for label in content)
    for label in sorted(images):
        if units[label] < len(SUBSETS):
            raise DataError(
                f"class {label} is too small to split: {images[label]} images in {units[label]} groups, and "
                f"{', '.join(SUBSETS)} need at least one each: add images, or leave the class out (dataset.classes)"
            )


def _check_subsets(labels: Sequence[str], subsets: Sequence[str]) -> None:
    found = Counter(zip(labels, subsets, strict=True))
    for label in sorted(set(labels)):
        for subset in SUBSETS:
            if not found[label, subset]:
                raise DataError(
                    f"class {label} has no image left for {subset}: its {labels.count(label)} images are in too few or "
                    "too mixed groups, and every subset needs at least one; add images or try another split.seed"
                )
