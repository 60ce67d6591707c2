"""Subsets as a column of the data set's table tells them, e.g. those of a published benchmark."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from skinlab.data.manifest import Manifest
from skinlab.data.splits.dealing import check_subsets, take_validation
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError
from skinlab.schema import ColumnSplit

_log = logging.getLogger(__name__)

UNSEEN_LABELS = "test_images_of_unseen_labels"
"""Of the notes: how many test images of each label are left out because training has none of it."""


def restrict(manifest: Manifest, split: ColumnSplit) -> tuple[Manifest, dict[str, Any]]:
    """The images whose value stands for a subset and whose label is trained on, and how many there are of others.

    Raises:
        DataError: no such column, or other values where these are refused.
    """
    subset_of = _subset_of(split)
    values = _column(manifest, split.column)
    others = {value: count for value, count in sorted(Counter(values).items()) if value not in subset_of}
    if not others:
        return _without_unseen(manifest, [subset_of[value] for value in values])
    named = ", ".join(f"{value or '(empty)'} ({count})" for value, count in others.items())
    images = [name for name, value in zip(manifest.image_ids, values, strict=True) if value in others]
    what = f"{len(images)} images have another {split.column} than split.values names: {named}; {listed(images)}"
    if split.on_other_value == "fail":
        raise DataError(f"{what}; add the values to split.values, or set split.on_other_value=drop")
    _log.warning("%s: left out", what)
    rows = [row for row, value in enumerate(values) if value in subset_of]
    left, notes = _without_unseen(manifest.take(rows), [subset_of[values[row]] for row in rows])
    return left, {"left_out_values": others, **notes}


def _without_unseen(manifest: Manifest, subsets: Sequence[str]) -> tuple[Manifest, dict[str, Any]]:
    """The images but those of test whose label no other subset has: no model of this split can call them rightly."""
    known = {label for label, subset in zip(manifest.labels, subsets, strict=True) if subset != "test"}
    unseen = Counter(label for label in manifest.labels if label not in known)
    if not known or not unseen:
        return manifest, {}
    rows = [row for row, label in enumerate(manifest.labels) if label in known]
    return manifest.take(rows), {UNSEEN_LABELS: dict(sorted(unseen.items()))}


def by_column(manifest: Manifest, groups: Sequence[str | None], split: ColumnSplit) -> list[str]:
    """The subset that the column names; where it names no validation, a fraction of the training images.

    Raises:
        DataError: validation images are both named and to be taken, or neither; a class has no image in a subset.
    """
    subset_of = _subset_of(split)
    subsets = [subset_of[value] for value in _column(manifest, split.column)]
    named = "validation" in subsets
    if named and split.validation is not None:
        raise DataError(
            f"column {split.column} names {subsets.count('validation')} validation images, and "
            f"split.validation={split.validation} would take more from training: set split.validation=null, or "
            "split.values.validation=[] and split.values.train to all values for training"
        )
    if not named and split.validation is None:
        raise DataError(
            f"column {split.column} names no validation images ({', '.join(split.values.validation)}): "
            "name their value in split.values.validation, or set split.validation=0.15 to take that part of training"
        )
    if split.validation is not None:
        drawn_from = f"column validation\0{split.seed}"
        take_validation(manifest.image_ids, manifest.labels, groups, subsets, split.validation, drawn_from)
    check_subsets(manifest.labels, subsets, "leave the class out (dataset.classes), or take another split", given=True)
    return subsets


def _subset_of(split: ColumnSplit) -> dict[str, str]:
    values = {"train": split.values.train, "validation": split.values.validation, "test": split.values.test}
    return {value: subset for subset, found in values.items() for value in found}


def _column(manifest: Manifest, name: str) -> Sequence[str]:
    if name not in manifest.attributes:
        known = sorted(manifest.attributes)
        has = f"it has: {', '.join(known)}" if known else "it has no columns"
        raise DataError(f"split.column={name}: the data set has no such column{nearest(name, known)}; {has}")
    return manifest.attributes[name]
