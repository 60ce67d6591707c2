"""Dealing out groups of images to parts so that each class is divided as declared. Shared by the kinds of split."""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from skinlab.data.split import SUBSETS
from skinlab.errors import DataError

_log = logging.getLogger(__name__)


def deal(
    image_ids: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    fractions: Mapping[str, float],
    draw: str,
) -> list[str]:
    """The part of each image.

    Groups are dealt out one by one, larger ones first and otherwise in an order drawn by hash. Each goes where its
    classes are furthest below their share (Sainte-Laguë's rule for dividing seats), so that every class is divided
    as declared to within about the size of one group. The order of the rows does not matter.

    Of the few largest groups the first go to the largest part whatever is drawn: only their order is by chance. In
    HAM10000's sample the two lesions of six images are in train for every seed of a hold-out.

    Args:
        image_ids: unique names.
        labels: class name of each image.
        groups: images with equal groups stay together; None: the image is alone.
        fractions: share of each part; they sum to 1.
        draw: what the order is drawn from besides the ids, e.g. the seed.

    Returns:
        For each row a key of `fractions`.

    Example:
        >>> deal(["a", "b", "c", "d"], ["x", "x", "y", "y"], [None] * 4, {"one": 0.5, "other": 0.5}, "seed 0")
        ['other', 'one', 'other', 'one']
    """
    members = units(image_ids, groups)
    contents = {unit: _content(labels, rows) for unit, rows in members.items()}
    order = sorted(members, key=lambda unit: (-len(members[unit]), _digest(draw, unit)))
    parts = [""] * len(labels)
    for unit, part in _chosen(order, contents, Counter(labels), fractions).items():
        for row in members[unit]:
            parts[row] = part
    return parts


def take_validation(
    image_ids: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    subsets: list[str],
    fraction: float,
    draw: str,
) -> None:
    """Turns a stratified, group-aware part of the training images into validation, in place.

    Args:
        image_ids: as for `deal`, like `labels`, `groups` and `draw`.
        labels: class name of each image.
        groups: images with equal groups stay together.
        subsets: of each image; those in "train" are dealt out again.
        fraction: of them for validation.
        draw: what the order is drawn from.
    """
    rows = [row for row, subset in enumerate(subsets) if subset == "train"]
    parts = deal(
        [image_ids[row] for row in rows],
        [labels[row] for row in rows],
        [groups[row] for row in rows],
        {"train": 1 - fraction, "validation": fraction},
        draw,
    )
    for row, part in zip(rows, parts, strict=True):
        subsets[row] = part


def units(image_ids: Sequence[str], groups: Sequence[str | None]) -> dict[str, list[int]]:
    """The rows of each unit that stays together; the prefixes keep a group from meeting an image of its name."""
    members: dict[str, list[int]] = {}
    for row, (image_id, group) in enumerate(zip(image_ids, groups, strict=True)):
        members.setdefault(f"image\0{image_id}" if group is None else f"group\0{group}", []).append(row)
    return members


def check_sizes(
    image_ids: Sequence[str], labels: Sequence[str], groups: Sequence[str | None], least: int, parts: str
) -> None:
    """Refuses a class that is in fewer than `least` groups; `parts` says what needs them."""
    images = Counter(labels)
    members = units(image_ids, groups)
    found = Counter(label for rows in members.values() for label in {labels[row] for row in rows})
    for label in sorted(images):
        if found[label] < least:
            raise DataError(
                f"class {label} is too small to split: {images[label]} images in {found[label]} groups, and "
                f"{parts} need at least one each: add images, or leave the class out (dataset.classes)"
            )


def check_subsets(labels: Sequence[str], subsets: Sequence[str], advice: str, *, given: bool = False) -> None:
    """Refuses a split in which a class has no image in a subset.

    Args:
        labels: class of each image.
        subsets: of each image.
        advice: what to do.
        given: the split was not drawn here. Test images are then whatever they are, if there are any: what a class is
            missing for is undefined, and says so.

    Raises:
        DataError: there is such a class.
    """
    found = Counter(zip(labels, subsets, strict=True))
    for label in sorted(set(labels)):
        for subset in SUBSETS:
            if found[label, subset]:
                continue
            if subset == "test" and given and "test" in subsets:
                _log.warning("class %s has no image in test: numbers that need one are undefined", label)
            else:
                why = "the split gives it none" if given else "they are in too few or too mixed groups"
                raise DataError(
                    f"class {label} has no image left for {subset}: it has {labels.count(label)} images, {why}, and "
                    f"every subset needs at least one; {advice}"
                )


def _content(labels: Sequence[str], rows: Sequence[int]) -> dict[str, int]:
    """Images by label; sorted, so that sums over it do not depend on the order of the rows."""
    if len(rows) == 1:
        return {labels[rows[0]]: 1}
    return dict(sorted(Counter(labels[row] for row in rows).items()))


def _digest(draw: str, unit: str) -> bytes:
    return hashlib.blake2b(f"{draw}\0{unit}".encode(), digest_size=16).digest()


def _chosen(
    order: Sequence[str],
    contents: Mapping[str, Mapping[str, int]],
    sizes: Mapping[str, int],
    fractions: Mapping[str, float],
) -> dict[str, str]:
    """The part of each unit."""
    dealt = {part: dict.fromkeys(sizes, 0) for part in fractions}
    share = {part: {label: fraction * size for label, size in sizes.items()} for part, fraction in fractions.items()}
    chosen = {}
    for unit in order:
        content = contents[unit]
        fullness = {part: _fullness(content, dealt[part], share[part]) for part in fractions}
        chosen[unit] = best = min(fullness, key=fullness.__getitem__)
        for label, count in content.items():
            dealt[best][label] += count
    return chosen


def _fullness(content: Mapping[str, int], dealt: Mapping[str, int], share: Mapping[str, float]) -> tuple[int, float]:
    """How little a part needs these images: one that has none of a class comes first."""
    lacking, fullness = 0, 0.0
    for label, count in content.items():  # not sum(): it rounds in another way from Python 3.12 on
        have = dealt[label]
        lacking += not have
        fullness += count * (have + count / 2) / share[label]
    return -lacking, fullness
