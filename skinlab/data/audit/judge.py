"""The audit of a data set in two steps: a look before the split is drawn, a judgement after.

Before, because copies that the look finds are kept together where the split is ours to draw; after, because a split
that is given may put them apart.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from skinlab.data.audit import findings as found
from skinlab.data.audit.examine import Examined, examined
from skinlab.data.audit.known import Named, copies
from skinlab.data.audit.leaks import Leak, Near, describe, find_leaks, refuse, without_leaks
from skinlab.data.audit.outliers import Outlier, find_outliers
from skinlab.data.classes import Labelled
from skinlab.data.duplicates import find_duplicates
from skinlab.data.label_log.apply import Corrections
from skinlab.data.manifest import Manifest
from skinlab.data.split import LEFT_OUT, SUBSETS
from skinlab.errors import DataError
from skinlab.schema import Audit

_JUDGED = tuple(subset for subset in SUBSETS if subset != "train")
_Z95 = 1.959964
_LARGE_IMAGES, _LARGE_SHARE, _LARGE_RATIO = 10, 0.03, 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """What images have to do with each other, and which stand out; nothing of subsets yet.

    Attributes:
        labels: class of each image, before any shuffle.
        duplicates: rows of each content that occurs more than once.
        near: near-duplicates; None: not searched.
        outliers: images that stand out.
        known: copies by the published lists.
    """

    labels: Sequence[str]
    duplicates: list[list[int]]
    near: list[Near] | None
    outliers: list[Outlier]
    known: Named

    @property
    def together(self) -> list[list[int]]:
        """Rows that must be in one subset whatever their groups are."""
        return [*self.duplicates, *([pair.first, pair.second] for pair in self.near or []), *self.known.sets]


def look(
    manifest: Manifest,
    images: npt.NDArray[np.uint8],
    sha256: Sequence[str],
    rules: Audit | None,
    colour_profile: str,
) -> Look:
    """The step before the split.

    Args:
        manifest: readable images, with their labels as they came.
        images: uint8 [N, S, S, 3], their pixels.
        sha256: hashes of their files.
        rules: what is looked for; None: files with the same content only.
        colour_profile: what was done with those of the files.
    """
    duplicates = find_duplicates(sha256)
    if rules is None:
        return Look(manifest.labels, duplicates, None, [], Named([], {}))
    known = copies(rules.known_duplicates, manifest.image_ids)
    seen = examined(images, sha256, near=rules.near_duplicates, colour_profile=colour_profile)
    measures: dict[str, npt.NDArray[np.floating]] = {
        "brightness": seen.brightness,
        "contrast": seen.contrast,
        "file_size": _file_sizes(manifest.paths),
    }
    near = _near(seen, rules.similarity) if rules.near_duplicates else None
    return Look(manifest.labels, duplicates, near, find_outliers(measures, rules.outlier_z), known)


def _near(seen: Examined, least: float) -> list[Near]:
    pairs = zip(seen.pairs.tolist(), seen.similarity.tolist(), strict=True)
    return [Near(first, second, similarity) for (first, second), similarity in pairs if similarity >= least]


def _file_sizes(files: Sequence[str]) -> npt.NDArray[np.float64]:
    try:
        return np.array([Path(file).stat().st_size for file in files], dtype=np.float64)
    except OSError as error:
        raise DataError(f"{error.filename} was there a moment ago and is not now: run again") from error


def judge(
    seen: Look, manifest: Manifest, units: Sequence[str | None], subsets: Sequence[str], rules: Audit | None
) -> tuple[list[str], list[Leak]]:
    """The step after the split: what the rule says about leaks is done.

    Args:
        seen: the look.
        manifest: the same images.
        units: what must stay together, merged from groups and `seen.together`.
        subsets: of the split.
        rules: what is done about leaks; None: nothing.

    Returns:
        The subsets, with `LEFT_OUT` for images that are left out, and all leaks of the split as it was given.

    Raises:
        DataError: there are leaks and `audit.on_leak=fail`, or leaving them out would empty a class.
    """
    leaks = find_leaks(manifest.groups, seen.duplicates, seen.near or [], subsets, seen.known.sets)
    if not leaks or rules is None:
        return list(subsets), leaks
    if rules.on_leak == "fail":
        refuse(leaks, manifest.image_ids, subsets)
    kept = without_leaks(units, manifest.labels, subsets) if rules.on_leak == "drop" else list(subsets)
    done = f"{kept.count(LEFT_OUT)} images are left out" if rules.on_leak == "drop" else "test scores are too good"
    _log.warning("leaks: %s; %s (audit.on_leak=%s)", describe(leaks, manifest.image_ids, subsets), done, rules.on_leak)
    return kept, leaks


def record(
    seen: Look,
    manifest: Manifest,
    labelled: Labelled,
    given: Sequence[str],
    kept: Sequence[str],
    leaks: Sequence[Leak],
    rules: Audit | None,
    corrupt: Sequence[tuple[str, str]],
    classes: Sequence[str],
) -> found.Findings:
    """All findings by image id.

    Args:
        seen: the look.
        manifest: the images, with the labels that are trained on.
        labelled: how labels became classes.
        given: subsets of the split.
        kept: subsets after the judgement.
        leaks: from the judgement.
        rules: the rules of the audit; None: it was by content alone.
        corrupt: (image id, reason) of files that cannot be read.
        classes: class names in the order of the outputs.
    """
    ids = manifest.image_ids
    counts = _counts(classes, manifest.labels, kept)
    conflicting = [rows for rows in seen.duplicates if len({seen.labels[row] for row in rows}) > 1]
    across = [rows for rows in seen.duplicates if len({given[row] for row in rows}) > 1]
    near = [_near_duplicate(pair, ids, seen.labels) for pair in seen.near or []]
    return found.Findings(
        images=len(manifest),
        corrupt=[found.Corrupt(image_id, reason) for image_id, reason in corrupt],
        label_log=Corrections(),
        classes=labelled.mapping,
        left_out_labels=labelled.left_out,
        without_image=list(manifest.without_image),
        ignored_files=dict(manifest.left_aside.kinds),
        unread_pictures=list(manifest.left_aside.pictures),
        large_groups=large_groups(manifest.groups),
        images_without_group=sum(group is None for group in manifest.groups),
        split={},
        counts=counts,
        duplicates=_named(ids, seen.duplicates),
        duplicates_with_conflicting_labels=_named(ids, conflicting),
        duplicates_across_subsets=_named(ids, across),
        near_duplicates=None if seen.near is None else near,
        near_duplicates_with_conflicting_labels=[pair for pair in near if len(set(pair.labels)) > 1],
        known_duplicates=_named(ids, seen.known.sets),
        known_errors=[],
        absent_in_lists=dict(seen.known.absent),
        leaks=[_leak(leak, ids, given) for leak in leaks],
        on_leak=None if rules is None else rules.on_leak,
        left_out=[name for name, subset in zip(ids, kept, strict=True) if subset == LEFT_OUT],
        small_classes=[] if rules is None else small_classes(counts, rules.small_class),
        outliers=[found.OutlierFound(ids[one.row], one.measure, one.value, one.z) for one in seen.outliers],
    )


def large_groups(groups: Sequence[str | None]) -> list[found.LargeGroup]:
    """The groups that hold an implausible share of the images: no patient is photographed so often beside the others.

    That is at least `_LARGE_IMAGES` images, `_LARGE_SHARE` of those with a group, and `_LARGE_RATIO` times the median
    of the other groups.

    Example:
        >>> large_groups(["-1"] * 40 + [f"P{i}" for i in range(60)])
        [LargeGroup(group='-1', images=40, share=0.4)]
    """
    count = Counter(group for group in groups if group is not None)
    total, suspects = sum(count.values()), []
    for group, images in count.most_common():
        if images < max(_LARGE_IMAGES, _LARGE_SHARE * total):
            break
        others = [other for name, other in count.items() if name != group]
        if not others or images >= _LARGE_RATIO * median(others):
            suspects.append(found.LargeGroup(group, images, round(images / total, 3)))
    return suspects


def small_classes(counts: Mapping[str, Mapping[str, int]], least: int) -> list[found.SmallClass]:
    """The classes with fewer than `least` images in a subset that is scored.

    Example:
        >>> small_classes({"nevus": {"validation": 40, "test": 10}}, 30)
        [SmallClass(label='nevus', subset='test', images=10, half_width=0.263)]
    """
    return [
        found.SmallClass(label, subset, images, round(_half_width(images), 3))
        for label, subsets in counts.items()
        for subset, images in subsets.items()
        if subset in _JUDGED and images < least
    ]


def _half_width(images: int) -> float:
    """Of the 95 % interval of a proportion of one half (Wilson, JASA 1927), which is where it is widest."""
    return 0.5 * _Z95 / float(np.sqrt(images + _Z95**2))


def _near_duplicate(pair: Near, ids: Sequence[str], labels: Sequence[str]) -> found.NearDuplicate:
    rows = (pair.first, pair.second)
    return found.NearDuplicate([ids[row] for row in rows], [labels[row] for row in rows], pair.similarity)


def _leak(leak: Leak, ids: Sequence[str], subsets: Sequence[str]) -> found.LeakFound:
    rows = (leak.first, leak.second)
    return found.LeakFound([ids[row] for row in rows], [subsets[row] for row in rows], leak.reason, leak.similarity)


def _counts(classes: Sequence[str], labels: Sequence[str], subsets: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = {name: dict.fromkeys(SUBSETS, 0) for name in classes}
    for label, subset in zip(labels, subsets, strict=True):
        if subset != LEFT_OUT:
            counts[label][subset] += 1
    return counts


def _named(ids: Sequence[str], sets: Sequence[Sequence[int]]) -> list[list[str]]:
    return [[ids[row] for row in rows] for rows in sets]
