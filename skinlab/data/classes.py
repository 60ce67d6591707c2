"""From the labels as a source gives them to the classes of an experiment: merged, left out, or refused.

Which class is positive, and in which order the outputs come, is decided in `skinlab.data.labels`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from skinlab.data.manifest import Manifest
from skinlab.data.sources.layout import subset_of
from skinlab.data.spellings import OnSpelling, composed, unified, variants
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError

Classes = Sequence[str] | Mapping[str, Sequence[str]]
"""As declared: names of labels, each a class; or for each class the labels that it is made of."""

ORIGINAL = "original_label"
"""Attribute that keeps the label of the source where classes are merged."""


@dataclass(frozen=True)
class Labelled:
    """The images of the classes, and what became of the others.

    Attributes:
        manifest: its labels are classes; where classes are merged, attribute `original_label` is the source's label.
        names: the classes in declared order; None: not declared, all labels are classes.
        left_out: how many images have each label that is in no class; "" is no label.
        mapping: for the audit: each class with how many images each of its labels gave.
    """

    manifest: Manifest
    names: list[str] | None
    left_out: dict[str, int]
    mapping: dict[str, dict[str, int]]

    def audit(self) -> dict[str, Any]:
        """The part of the audit that this is about."""
        return {"classes": self.mapping, "left_out_labels": self.left_out}


def labels_of(classes: Classes | None) -> list[str]:
    """All labels that a declaration of classes names.

    >>> labels_of({"malignant": ["mel", "bcc"], "benign": ["nv"]}), labels_of(["mel", "nv"]), labels_of(None)
    (['mel', 'bcc', 'nv'], ['mel', 'nv'], [])
    """
    return [label for labels in _as_mapping(classes).values() for label in labels]


def choose_classes(
    manifest: Manifest,
    classes: Classes | None,
    on_other_label: Literal["drop", "fail"],
    on_spelling: OnSpelling = "fail",
    on_missing: Literal["drop", "fail"] = "drop",
) -> Labelled:
    """Map labels to classes; images with any other label, or none, are left out and counted, or refused.

    Two spellings of a label are taken for a mistake, unless all of them are put into one class of a mapping, or none of
    them is in a class. Labels are compared in Unicode's composed form.

    Args:
        manifest: images with the labels of the source; "" is no label.
        classes: as declared; None: every label is a class.
        on_other_label: what becomes of images whose label is in no class.
        on_spelling: what becomes of two spellings of one label.
        on_missing: what becomes of images without a label.

    Raises:
        DataError: two spellings of a label, a declared label that no image has, classes that are the names of subsets,
            or labels that are refused.

    Example:
        >>> found = Manifest(image_ids=["a", "b"], paths=["", ""], labels=["mel", "df"], groups=[None, None])
        >>> chosen = choose_classes(found, {"malignant": ["mel"]}, "drop")
        >>> chosen.manifest.labels, chosen.left_out
        (['malignant'], {'df': 1})
    """
    _check_missing(manifest, on_missing)
    labels = [composed(label) for label in manifest.labels]
    declared = None if classes is None else _composed(_as_mapping(classes))
    settled = _settled(labels, declared)
    manifest = replace(manifest, labels=unified(labels, on_spelling, "labels", settled))
    count = Counter(manifest.labels)
    mapping = declared if declared is not None else {label: [label] for label in sorted(count) if label}
    class_of = {label: name for name, labels in mapping.items() for label in labels}
    _check_declared(class_of, count)
    _check_no_subsets(mapping)
    left_out = {label: number for label, number in sorted(count.items()) if label not in class_of}
    others = {label: number for label, number in left_out.items() if label}
    if others and on_other_label == "fail":
        _refuse(manifest, others, classes)
    return Labelled(
        manifest=_mapped(manifest, class_of, keep_original=isinstance(classes, Mapping), complete=not left_out),
        names=None if classes is None else list(mapping),
        left_out=left_out,
        mapping={name: {label: count[label] for label in labels} for name, labels in mapping.items()},
    )


def _check_missing(manifest: Manifest, on_missing: str) -> None:
    if on_missing == "fail" and "" in manifest.labels:
        names = [name for name, label in zip(manifest.image_ids, manifest.labels, strict=True) if not label]
        raise DataError(
            f"{len(names)} images have no label: {listed(names)}; label them, or set dataset.on_missing=drop"
        )


def _composed(mapping: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {composed(name): [composed(label) for label in labels] for name, labels in mapping.items()}


def _settled(labels: Sequence[str], declared: Mapping[str, Sequence[str]] | None) -> list[frozenset[str]]:
    """The sets of spellings that a declaration puts into one class, or into none."""
    if declared is None:
        return []
    class_of = {label: name for name, labels in declared.items() for label in labels}
    return [frozenset(same) for same in variants(set(labels)) if len({class_of.get(label) for label in same}) == 1]


def _check_no_subsets(mapping: Mapping[str, Sequence[str]]) -> None:
    """Refuses a set of classes that are the names of subsets."""
    if len(mapping) > 1 and all(map(subset_of, mapping)):
        raise DataError(
            f"the classes would be {listed(list(mapping))}, which are names of subsets: set dataset.path to the folder "
            "whose sub-folders are the classes, or dataset.label_column to the column of the classes"
        )


def _as_mapping(classes: Classes | None) -> dict[str, list[str]]:
    if isinstance(classes, Mapping):
        return {name: list(labels) for name, labels in classes.items()}
    return {name: [name] for name in classes or ()}


def _mapped(manifest: Manifest, class_of: Mapping[str, str], *, keep_original: bool, complete: bool) -> Manifest:
    if not complete:
        manifest = manifest.take([row for row, label in enumerate(manifest.labels) if label in class_of])
    if not keep_original:
        return manifest
    return replace(
        manifest,
        labels=[class_of[label] for label in manifest.labels],
        attributes={**manifest.attributes, ORIGINAL: manifest.labels},
    )


def _check_declared(class_of: Mapping[str, str], count: Mapping[str, int]) -> None:
    found = sorted(label for label in count if label)
    for label in class_of:
        if label not in count:
            hint = nearest(label, found)
            raise DataError(f"no image has the label {label}{hint}; dataset.classes may name: {listed(found)}")


def _refuse(manifest: Manifest, left_out: Mapping[str, int], classes: Classes | None) -> None:
    counted = ", ".join(f"{label} ({count})" for label, count in left_out.items())
    images = [
        image_id for image_id, label in zip(manifest.image_ids, manifest.labels, strict=True) if label in left_out
    ]
    known = "all that are found" if classes is None else ", ".join(labels_of(classes))
    raise DataError(
        f"{len(images)} images have a label outside of dataset.classes ({known}): {counted}; {listed(images)}; "
        "add their labels to dataset.classes, or set dataset.on_other_label=drop"
    )
