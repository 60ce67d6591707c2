"""What the folders above images mean: classes, the subsets of a given split, or nothing. Knows paths only."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from skinlab.data.spellings import composed
from skinlab.data.wording import listed
from skinlab.errors import DataError

SUBSET_NAMES = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "vali": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
_CLASSES = re.compile(
    "malignant|benign|melanomas?|mel|nevus|nevi|naevus|naevi|nev|nv|bcc|scc|ak|akiec|bkl|sek|df|vasc|lesions?|cancer|"
    "healthy|normal|positive|negative|[01]"
)
"""Names that a folder of images of one class has, in lower case."""
_SUFFIX = re.compile(r"(set|sets|split|data|dataset|images|imgs|img|folder|dir|subset)$")
_NEUTRAL = re.compile(r"images?|imgs?|data|dataset|files|photos|pictures|jpe?gs?|pngs?")


@dataclass(frozen=True)
class Layout:
    """What a source folder says of its images; row i of every column is the same image.

    Attributes:
        labels: class folder of each image; empty where there is none.
        subsets: of a given split, train, validation or test of each image; None: the folders give none.
        said: how the folders were understood, where that is not plain; empty where it is.
    """

    labels: Sequence[str]
    subsets: Sequence[str] | None
    said: str = ""


def subset_of(folder: str) -> str | None:
    """The subset that a folder's name stands for, in any case and with the usual additions.

    Example:
        >>> subset_of("Train"), subset_of("test_images"), subset_of("valid-set"), subset_of("malignant")
        ('train', 'test', 'validation', None)
    """
    letters = re.sub(r"[\W_\d]+", "", composed(folder).casefold())
    while letters not in SUBSET_NAMES and (shorter := _SUFFIX.sub("", letters)) != letters:
        letters = shorter
    return SUBSET_NAMES.get(letters)


def understood(root: str, paths: Sequence[str], declared: Collection[str] = ()) -> Layout:
    """The layout of a folder.

    `class/...`, `subset/class/...` and `class/subset/...` are understood, also inside one wrapping folder (or several,
    each in the other).

    Args:
        root: the folder, for messages.
        paths: its images, relative to it.
        declared: labels that `dataset.classes` names: they decide where folders have two readings.

    Raises:
        DataError: there are no class folders, or the folders have two readings.
    """
    wrapper, inner = _unwrapped([path.split("/") for path in paths])
    found = _by_folders(f"{root}/{wrapper}" if wrapper else root, inner, declared)
    said = [f"read from {wrapper}/ in it"] if wrapper else []
    return replace(found, said="; ".join([*said, *filter(None, [found.said])]))


def _unwrapped(paths: list[list[str]]) -> tuple[str, list[list[str]]]:
    """The paths without the folders that hold all that has folders, and those folders.

    A folder with images of its own beside others than subsets, and one with the name of a class, is no wrapper.
    """
    wrappers: list[str] = []
    while True:
        tops = {path[0] for path in paths if len(path) > 1}
        if len(tops) != 1:
            break
        (top,) = tops
        below = {path[1] for path in paths if path[0] == top and len(path) > 2}  # noqa: PLR2004 - in a folder in it
        direct = any(path[0] == top and len(path) == 2 for path in paths)  # noqa: PLR2004 - in the folder itself
        direct = direct and not all(map(subset_of, below))
        if direct or not below or _CLASSES.fullmatch(top.casefold()) or (subset_of(top) and len(below) < 2):  # noqa: PLR2004
            break
        wrappers.append(top)
        paths = [path[1:] if path[0] == top else path[-1:] for path in paths]
    return "/".join(wrappers), paths


def _by_folders(root: str, paths: list[list[str]], declared: Collection[str]) -> Layout:
    tops = sorted({path[0] for path in paths if len(path) > 1})
    if not tops:
        raise DataError(
            f"no class folders: {len(paths)} image{'s lie' if len(paths) > 1 else ' lies'} directly in {root}; {root} "
            "needs one sub-folder of images per class"
        )
    named = [top for top in tops if subset_of(top)]
    if named == tops:
        return _subsets_first(root, paths, tops)
    if named:
        _refuse_mixed(root, named, [top for top in tops if top not in named])
    if shared := _shared(paths, tops, declared):
        if not set(declared) & set(shared):
            raise DataError(
                f"{root}: the classes may be {listed(tops)}, or {listed(shared)} in each of them: name those that are "
                "meant in dataset.classes"
            )
        return Layout([path[1] if len(path) > 2 else "" for path in paths], None, f"classes in each of {listed(tops)}")  # noqa: PLR2004 - as below
    labels = [path[0] if len(path) > 1 else "" for path in paths]
    inner = [path[1] for path in paths if len(path) > 2]  # noqa: PLR2004 - class, folder, file
    if not any(map(subset_of, inner)):
        return Layout(labels, None)
    return _classes_first(root, paths, labels)


def _shared(paths: list[list[str]], tops: Sequence[str], declared: Collection[str]) -> list[str]:
    """Sub-folders that all folders have, and that may be the classes: in folders of sites, years or folds, say.

    None where the folders have names of classes, or are declared to be classes.
    """
    inner: dict[str, set[str]] = {top: set() for top in tops}
    for path in paths:
        if len(path) > 1:
            inner[path[0]].add(path[1] if len(path) > 2 else "")  # noqa: PLR2004 - folder, folder, file
    shared = set.intersection(*inner.values())
    plain = any(_CLASSES.fullmatch(top.casefold()) for top in tops) or set(tops) & set(declared)
    several = len(tops) > 1 and len(shared) > 1 and "" not in set.union(*inner.values())
    return sorted(shared) if several and not plain and not all(map(subset_of, shared)) else []


def _refuse_mixed(root: str, subsets: Sequence[str], others: Sequence[str]) -> NoReturn:
    raise DataError(
        f"{root} has folders that are named as subsets ({listed(subsets)}) beside others ({listed(others)}): as a "
        "given split, only the first would be read; as classes, all of them would be. Move the others away, "
        "or rename the first if they are classes"
    )


def _subsets_first(root: str, paths: list[list[str]], tops: Sequence[str]) -> Layout:
    """`subset/class/...`; images beside the subsets have no label."""
    _check_once(root, tops)
    depth = 1 + _wrappers([path for path in paths if len(path) > 1])
    labels = [path[depth] if len(path) > depth + 1 else "" for path in paths]
    labelled = {path[0] for path, label in zip(paths, labels, strict=True) if label}
    if bare := [top for top in tops if top not in labelled]:
        keep = f"; or set dataset.path={root}/{min(labelled)}" if labelled else ""
        raise DataError(
            f"{root} is divided into {listed(tops)}, and in {listed(bare)} there are no class folders, so these images "
            f"have no labels: sort them into sub-folders, one per class{keep}"
        )
    subsets = [subset_of(path[0]) or "" if len(path) > 1 else "" for path in paths]
    return Layout(labels, subsets, f"its folders give a split: {listed(tops)}")


def _wrappers(paths: list[list[str]]) -> int:
    """How many folders without a meaning lie between subsets and classes: `train/train/...`, `test/images/...`."""
    for depth in range(1, min(map(len, paths))):
        inner = {(path[0], path[depth] if len(path) > depth + 1 else "") for path in paths}
        plain = all(_NEUTRAL.fullmatch(name.casefold()) or subset_of(name) == subset_of(top) for top, name in inner)
        if not plain or len(inner) > len({top for top, _ in inner}):
            return depth - 1
    return 0


def _check_once(root: str, tops: Sequence[str]) -> None:
    by_subset: dict[str | None, list[str]] = {}
    for top in tops:
        by_subset.setdefault(subset_of(top), []).append(top)
    if twice := [names for names in by_subset.values() if len(names) > 1]:
        raise DataError(
            f"{root}: {' and '.join(twice[0])} are both {subset_of(twice[0][0])}: join them, or move one away"
        )


def _classes_first(root: str, paths: list[list[str]], labels: Sequence[str]) -> Layout:
    """`class/subset/...`."""
    subsets = [subset_of(path[1]) if len(path) > 2 else None for path in paths]  # noqa: PLR2004 - class, folder, file
    outside = [
        "/".join(path) for path, subset, label in zip(paths, subsets, labels, strict=True) if label and subset is None
    ]
    if outside:
        raise DataError(
            f"{root}: below the classes some folders are named as subsets, and {len(outside)} images are in none of "
            f"them ({listed(outside)}): as a given split they would be left out; as classes, all would be dealt anew. "
            "Move them, or rename the folders"
        )
    names = sorted({path[1] for path in paths if len(path) > 2})  # noqa: PLR2004 - as above
    return Layout(labels, [subset or "" for subset in subsets], f"its folders give a split: {listed(names)}")
