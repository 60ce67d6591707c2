"""From the labels as a source gives them to the classes of an experiment: merged, left out, or refused.

Which class is positive, and in which order the outputs come, is decided in `skinlab.data.labels`.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from skinlab.data.manifest import Manifest
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


def choose_classes(manifest: Manifest, classes: Classes | None, on_other_label: Literal["drop", "fail"]) -> Labelled:
    """Map labels to classes; images with any other label are left out and counted, or refused.

    Labels that differ only in case or blanks are taken for a mistake, unless all of them are put into one class of a
    mapping, or none of them is in a class.

    Args:
        manifest: images with the labels of the source; "" is no label.
        classes: as declared; None: every label is a class.
        on_other_label: what becomes of images whose label is in no class.

    Raises:
        DataError: two spellings of a label, a declared label that no image has, or other labels that are refused.

    Example:
        >>> found = Manifest(image_ids=["a", "b"], paths=["", ""], labels=["mel", "df"], groups=[None, None])
        >>> chosen = choose_classes(found, {"malignant": ["mel"]}, "drop")
        >>> chosen.manifest.labels, chosen.left_out
        (['malignant'], {'df': 1})
    """
    count = Counter(manifest.labels)
    declared = _as_mapping(classes if classes is not None else sorted(label for label in count if label))
    class_of = {label: name for name, labels in declared.items() for label in labels}
    _check_spelling(manifest, count, class_of)
    _check_declared(class_of, count)
    left_out = {label: number for label, number in sorted(count.items()) if label not in class_of}
    if left_out and on_other_label == "fail":
        _refuse(manifest, left_out, classes)
    return Labelled(
        manifest=_mapped(manifest, class_of, keep_original=isinstance(classes, Mapping), complete=not left_out),
        names=None if classes is None else list(declared),
        left_out=left_out,
        mapping={name: {label: count[label] for label in labels} for name, labels in declared.items()},
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


def _check_spelling(manifest: Manifest, count: Mapping[str, int], class_of: Mapping[str, str]) -> None:
    by_key: dict[str, list[str]] = {}
    for label in sorted(count):
        by_key.setdefault(_spelling_key(label), []).append(label)
    doubtful = [same for same in by_key.values() if len(same) > 1 and not _settled(same, class_of)]
    if not doubtful:
        return
    named = "; ".join(" and ".join(_with_images(manifest, label, count[label]) for label in same) for same in doubtful)
    same = doubtful[0]
    common = max(same, key=lambda label: (count[label], label))
    merged = f"{{{common.strip()}: [{', '.join(map(repr, same))}], ...}}"
    raise DataError(
        f"labels differ only in case or blanks: {named}; correct them, or say that they are one class: "
        f"dataset.classes={merged}"
    )


def _spelling_key(label: str) -> str:
    """Equal for labels that differ only in case, blanks or the Unicode form of a letter.

    >>> _spelling_key(" Basal  Cell Carcinoma") == _spelling_key("basal cell carcinoma")
    True
    """
    return " ".join(unicodedata.normalize("NFC", label).casefold().split())


def _settled(same: Sequence[str], class_of: Mapping[str, str]) -> bool:
    """Whether the declaration says that these spellings mean the same: one merged class, or none."""
    return len({class_of.get(label) for label in same}) == 1


def _with_images(manifest: Manifest, label: str, count: int) -> str:
    named = [manifest.image_ids[row] for row, other in enumerate(manifest.labels) if other == label]
    return f"{label!r} ({count} images: {listed(named)})"


def _refuse(manifest: Manifest, left_out: Mapping[str, int], classes: Classes | None) -> None:
    counted = ", ".join(f"{label or '(no label)'} ({count})" for label, count in left_out.items())
    images = [
        image_id for image_id, label in zip(manifest.image_ids, manifest.labels, strict=True) if label in left_out
    ]
    known = "all that are found" if classes is None else ", ".join(labels_of(classes))
    raise DataError(
        f"{len(images)} images have a label outside of dataset.classes ({known}): {counted}; {listed(images)}; "
        "add their labels to dataset.classes, or set dataset.on_other_label=drop"
    )
