"""How each image comes into its subset: one module per kind of split.

A split is a function of its declaration, the image and group ids, the labels and, where it reads them, a column or a
file: not of the order of the rows, the platform or the versions of libraries.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from skinlab import schema
from skinlab.data.manifest import GIVEN_SPLIT, Manifest
from skinlab.data.splits import column, file, holdout, kfold
from skinlab.data.wording import listed
from skinlab.errors import DataError

_log = logging.getLogger(__name__)

Notes = dict[str, Any]
"""What there is to say of a split in the audit; empty where there is nothing."""


def effective(manifest: Manifest, split: schema.Split | None) -> schema.Split | None:
    """The split that is carried out: a hold-out follows the split that a data set comes with, unless told not to.

    Raises:
        DataError: the given split has no training or no test images.
    """
    if not manifest.given_split or not isinstance(split, schema.HoldoutSplit) or split.given == "ignore":
        if manifest.given_split and split is not None:
            _log.warning(
                "the split that the data set comes with is not used: split=%s deals all its images", split.name
            )
        return split
    given = set(manifest.attributes[GIVEN_SPLIT])
    if lacking := [subset for subset in ("train", "test") if subset not in given]:
        raise DataError(
            f"the data set comes with a split that has no {' and no '.join(lacking)} images: rename one of its parts, "
            "or set split.given=ignore to deal all images anew"
        )
    taken = None if "validation" in given else split.validation
    if taken is not None:
        _log.info("the given split has no validation images: %g of its training images are taken", taken)
    return schema.ColumnSplit(
        name="column",
        column=GIVEN_SPLIT,
        values=schema.SubsetValues(train=["train"], validation=["validation"], test=["test"]),
        on_other_value="drop",
        validation=taken,
        seed=split.seed,
    )


def restrict(
    manifest: Manifest, split: schema.Split | None, declared: Sequence[str] | None = None
) -> tuple[Manifest, Notes]:
    """The images that a split has a subset for: all, unless it comes from a column or a file. Before any is decoded.

    Args:
        manifest: the images of the classes.
        split: the declaration; None: there is no split.
        declared: classes that must be left; None: none was declared.

    Raises:
        DataError: the column or file is not there or cannot be understood, or no image of a class is left.
    """
    match split:
        case schema.ColumnSplit():
            left, notes = column.restrict(manifest, split)
        case schema.FileSplit():
            left, notes = file.restrict(manifest, split)
        case _:
            return manifest, {}
    undeclared = set(notes.get(column.UNSEEN_LABELS, ())) - set(declared or ())
    if lost := sorted(set(manifest.labels) - set(left.labels) - undeclared):
        raise DataError(f"the split (split={split.name}) leaves no image of class {listed(lost)}")
    return left, notes


def assign(
    manifest: Manifest, sha256: Sequence[str], groups: Sequence[str | None], split: schema.Split | None
) -> tuple[list[str], Notes]:
    """The subset of each image that `restrict` gave and that could be read.

    Args:
        manifest: the images.
        sha256: hash of each source file, hex.
        groups: images with equal groups stay together; None: the image is alone.
        split: the declaration; None: all images are test images.

    Raises:
        DataError: a class cannot have an image in each subset, or the images are not those of the file.
    """
    match split:
        case None:
            return ["test"] * len(manifest), {}
        case schema.HoldoutSplit():
            return holdout.holdout(manifest.image_ids, manifest.labels, groups, split), {}
        case schema.KFoldSplit():
            return kfold.kfold(manifest.image_ids, manifest.labels, groups, split), {}
        case schema.ColumnSplit():
            return column.by_column(manifest, groups, split), {}
        case schema.FileSplit():
            return file.by_file(manifest, sha256, split)


def without_draw(split: schema.Split) -> schema.Split:
    """The same for all splits that `restrict` gives the same images: their seeds and folds do not matter to it."""
    match split:
        case schema.KFoldSplit():
            return replace(split, seed=0, fold=0)
        case schema.FileSplit():
            return split
        case _:
            return replace(split, seed=0)


def seed_of(split: schema.Split | None) -> int:
    """The seed that is drawn from besides the split itself; one that is read from a file, or none, has none."""
    return 0 if split is None or isinstance(split, schema.FileSplit) else split.seed
