"""Leaks: images that must stay together but are in two subsets, so that a test score rewards memory.

Images must stay together that are of one group, have the same content or are near-duplicates, and so must all that are
joined through others. A split that is drawn here is drawn with that in mind; a split that is given may break it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from skinlab.data.split import LEFT_OUT, SUBSETS
from skinlab.data.wording import SHOWN
from skinlab.errors import DataError

Reason = Literal["group", "duplicate", "near_duplicate", "known_duplicate"]


@dataclass(frozen=True)
class Leak:
    """Two images in different subsets that must not be.

    Attributes:
        first: row of the image on the training side.
        second: row of the other.
        reason: what joins them.
        similarity: of near-duplicates; 1 for the same content; else None.
    """

    first: int
    second: int
    reason: Reason
    similarity: float | None


@dataclass(frozen=True)
class Near:
    """Rows of two near-duplicates, first < second."""

    first: int
    second: int
    similarity: float


def find_leaks(
    groups: Sequence[str | None],
    duplicates: Sequence[Sequence[int]],
    near: Sequence[Near],
    subsets: Sequence[str],
    known: Sequence[Sequence[int]] = (),
) -> list[Leak]:
    """Pairs across subsets; of a group or a content, every image is paired with one on the far side, not with each.

    Args:
        groups: known group of each image.
        duplicates: rows of each content that occurs more than once.
        near: near-duplicates.
        subsets: subset of each image.
        known: rows of images that a published list calls copies.
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        if group is not None:
            members[group].append(row)
    leaks = [leak for rows in duplicates for leak in _across(rows, subsets, "duplicate", 1.0)]
    for pair in near:
        leaks += _across((pair.first, pair.second), subsets, "near_duplicate", pair.similarity)
    leaks += [leak for rows in known for leak in _across(rows, subsets, "known_duplicate", None)]
    for group in sorted(members):
        leaks += _across(members[group], subsets, "group", None)
    return leaks


def _across(rows: Sequence[int], subsets: Sequence[str], reason: Reason, similarity: float | None) -> list[Leak]:
    """Each row that is not in the last of the subsets, with the first that is."""
    last = max((subsets[row] for row in rows), key=_rank)
    anchor = next(row for row in rows if subsets[row] == last)
    return [Leak(row, anchor, reason, similarity) for row in rows if subsets[row] != last]


def _rank(subset: str) -> int:
    return SUBSETS.index(subset)


def without_leaks(units: Sequence[str | None], labels: Sequence[str], subsets: Sequence[str]) -> list[str]:
    """The subsets with `LEFT_OUT` for images that must stay with one in a later subset: test before validation.

    Args:
        units: images of one unit must stay together, from `skinlab.data.duplicates.merge_groups`.
        labels: class of each image.
        subsets: subset of each image.

    Raises:
        DataError: a class would have no image left in a subset.

    Example:
        >>> without_leaks(["L1", "L1", None], ["nevus"] * 3, ["train", "test", "train"])
        ['left_out', 'test', 'train']
    """
    latest: dict[str, str] = {}
    for unit, subset in zip(units, subsets, strict=True):
        if unit is not None:
            latest[unit] = max(latest.get(unit, subset), subset, key=_rank)
    kept = [
        subset if unit is None or subset == latest[unit] else LEFT_OUT
        for unit, subset in zip(units, subsets, strict=True)
    ]
    lost = sorted(set(zip(labels, subsets, strict=True)) - set(zip(labels, kept, strict=True)))
    if lost:
        label, subset = lost[0]
        raise DataError(
            f"audit.on_leak=drop leaves no image of class {label} in {subset}: all of them share a group or are copies "
            "of images in a later subset; split the data anew (split=holdout)"
        )
    return kept


def describe(leaks: Sequence[Leak], image_ids: Sequence[str], subsets: Sequence[str]) -> str:
    """How many leaks there are, and the first ten."""
    said = [
        f"{image_ids[leak.first]} ({subsets[leak.first]}) and {image_ids[leak.second]} ({subsets[leak.second]}): "
        + _because(leak)
        for leak in leaks[:SHOWN]
    ]
    more = f" and {len(leaks) - SHOWN} more" if len(leaks) > SHOWN else ""
    pairs = "1 pair of images is" if len(leaks) == 1 else f"{len(leaks)} pairs of images are"
    return f"{pairs} in two subsets but must be in one: {'; '.join(said)}{more}"


def _because(leak: Leak) -> str:
    if leak.reason == "near_duplicate":
        return f"near-duplicates, similarity {leak.similarity:.2f}"
    return _BECAUSE[leak.reason]


_BECAUSE = {"duplicate": "same content", "group": "same group", "known_duplicate": "copies by audit.known_duplicates"}


def refuse(leaks: Sequence[Leak], image_ids: Sequence[str], subsets: Sequence[str]) -> None:
    """Stops the run.

    Raises:
        DataError: always; one line with the first pairs and what to do.
    """
    raise DataError(
        f"{describe(leaks, image_ids, subsets)}. Correct the split, or set audit.on_leak=drop to leave out the "
        "training side of each pair, or audit.on_leak=warn to go on; skinlab data audit shows the images"
    )
