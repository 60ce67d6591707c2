"""Files with the same content: found, judged by their labels, and kept together in a split."""

from collections import Counter, defaultdict
from collections.abc import Sequence

# Keep an image apart from a group of its name; groups sort first, so that a joined group has a real name if it can.
_GROUP = "group\0"
_IMAGE = "image\0"


def find_duplicates(sha256: Sequence[str]) -> list[list[int]]:
    """The rows of each content that occurs more than once, by first row.

    Example:
        >>> find_duplicates(["aa", "bb", "aa", "cc"])
        [[0, 2]]
    """
    count = Counter(sha256)
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, digest in enumerate(sha256):
        if count[digest] > 1:
            rows[digest].append(row)
    return list(rows.values())


def merge_groups(
    image_ids: Sequence[str], groups: Sequence[str | None], duplicates: Sequence[Sequence[int]]
) -> list[str | None]:
    """Groups for splitting: as given, but rows with the same content are of one group.

    Where duplicates join groups, the joined group has the name that sorts first. Where they join images without a
    group, it is made up from an image id, hence the result is for splitting only.

    Args:
        image_ids: unique names.
        groups: known groups, or None.
        duplicates: rows with the same content, from `find_duplicates`.

    Returns:
        A group for each row; None for an image that is alone.

    Example:
        >>> merge_groups(["a", "b", "c"], ["L1", None, "L2"], [[0, 1]])
        ['L1', 'L1', 'L2']
    """
    parent: dict[str, str] = {}
    for same in duplicates:
        units = sorted({_unit(image_ids[row], groups[row]) for row in same})
        for unit in units[1:]:
            _join(parent, units[0], unit)
    merged: list[str | None] = []
    for image_id, group in zip(image_ids, groups, strict=True):
        unit = _unit(image_id, group)
        merged.append(_root(parent, unit).removeprefix(_GROUP) if unit in parent else group)
    return merged


def _unit(image_id: str, group: str | None) -> str:
    return f"{_IMAGE}{image_id}" if group is None else f"{_GROUP}{group}"


def _root(parent: dict[str, str], unit: str) -> str:
    path = []
    while parent.setdefault(unit, unit) != unit:
        path.append(unit)
        unit = parent[unit]
    for passed in path:
        parent[passed] = unit
    return unit


def _join(parent: dict[str, str], one: str, other: str) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first
