"""From a declared data set to labelled, decoded, split images, with a record of what was found on the way.

The one entry for training and evaluation; each step is a module of its own.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from skinlab.data import splits
from skinlab.data.audit.findings import Findings
from skinlab.data.audit.judge import judge, look, record
from skinlab.data.audit.known import without_errors
from skinlab.data.cache import decoded
from skinlab.data.classes import choose_classes
from skinlab.data.collection import without_collection
from skinlab.data.duplicates import merge_groups
from skinlab.data.hashes import sha256_of_files
from skinlab.data.images import DECODE_SETTINGS
from skinlab.data.label_log.apply import corrected
from skinlab.data.labels import LEARNABLE, assumed_positive, resolve_classes, shuffle_labels
from skinlab.data.manifest import Manifest
from skinlab.data.sources import load
from skinlab.data.split import SUBSETS, split_hash
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import Audit, Dataset, Split

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Prepared:
    """Images that can be trained on and evaluated; row i of everything is the same image.

    Attributes:
        manifest: the readable images of the classes; `labels` are those that are trained on (after a shuffle).
        images: uint8 [N, size, size, 3], RGB, read-only and memory-mapped.
        sha256: hash of each source file, hex.
        targets: int64 [N], index into `classes`.
        classes: class names in the order of the outputs.
        positive: index of the class that sensitivity and specificity are about; None: of more than two, none is.
        subsets: "train", "validation" or "test" for each image, "left_out" where `audit.on_leak=drop` left it out.
        fingerprint: identifies ids, contents, labels and decoding; not the size, the split or where the files lie.
        split_hash: SHA-256 of the split as written by `skinlab.data.split.split_csv_text`.
        findings: what the audit found.
    """

    manifest: Manifest
    images: npt.NDArray[np.uint8]
    sha256: list[str]
    targets: npt.NDArray[np.int64]
    classes: list[str]
    positive: int | None
    subsets: list[str]
    fingerprint: str
    split_hash: str
    findings: Findings

    @property
    def audit(self) -> dict[str, Any]:
        """The findings, ready for JSON."""
        return self.findings.as_json()

    @property
    def label_revision(self) -> str | None:
        """Of the label log: identifies the corrections of labels; None: there are none."""
        return self.findings.label_log.revision

    def rows(self, subset: str) -> npt.NDArray[np.int64]:
        """The rows of a subset, ascending: int64 [n]."""
        if subset not in SUBSETS:
            raise ValueError(f"no subset {subset}: {', '.join(SUBSETS)}")
        return np.array([row for row, name in enumerate(self.subsets) if name == subset], dtype=np.int64)

    def known(self, subset: str) -> tuple[list[str], npt.NDArray[np.int64], list[str | None]]:
        """Image ids, class indices and groups of a subset, in the order of `rows`."""
        rows, manifest = self.rows(subset), self.manifest
        return [manifest.image_ids[row] for row in rows], self.targets[rows], [manifest.groups[row] for row in rows]


def prepare(
    dataset: Dataset,
    split: Split | None,
    image_size: int,
    report: Report | None = None,
    audit: Audit | None = None,
    *,
    least_classes: int = LEARNABLE,
) -> Prepared:
    """Loads, corrects, hashes, decodes, audits, labels and splits a data set.

    Files with the same content, and near-duplicates where they are searched, are kept in one subset where the split is
    drawn. With `dataset.shuffle_labels` the permutation is drawn from the seed of the split, after unreadable images
    are left out.

    Args:
        dataset: what to load.
        split: which image comes into which subset; None: all of them are test images.
        image_size: width and height of the decoded images, in pixels.
        report: called with (images done, images in all) while images are decoded.
        audit: what is looked for and what is done about leaks; None: files with the same content are found, no pixels
            are looked at, and leaks are recorded only.
        least_classes: that there must be; images that are only scored may be of one.

    Raises:
        DataError: the data cannot be used as declared, or the split leaks; see the steps.
        OutputError: the cache folder cannot be written.
    """
    with without_collection():
        found, corrections = corrected(load(dataset), dataset)
        found, wrong, unnamed = without_errors(found, audit.known_errors if audit else ())
        labelled = choose_classes(
            found, dataset.classes, dataset.on_other_label, dataset.on_spelling, dataset.on_missing
        )
        split = splits.effective(labelled.manifest, split)
        chosen, left_out_by_split = splits.restrict(labelled.manifest, split, labelled.names)
        classes, positive = resolve_classes(chosen.labels, labelled.names, dataset.positive_class, least_classes)
    manifest, images, sha256, corrupt = _read(chosen, image_size, report)
    _check_corrupt(corrupt, len(chosen), dataset)
    _check_classes_left(manifest, classes, corrupt)
    seen = look(manifest, images, sha256, audit)
    if dataset.shuffle_labels:
        manifest = _shuffled(manifest, splits.seed_of(split))
    with without_collection():
        groups = merge_groups(manifest.image_ids, manifest.groups, seen.together)
        given, split_notes = splits.assign(manifest, sha256, groups, split)
        subsets, leaks = judge(seen, manifest, groups, given, audit)
    findings = record(seen, manifest, labelled, given, subsets, leaks, audit, corrupt, classes)
    index = {name: i for i, name in enumerate(classes)}
    return Prepared(
        manifest=manifest,
        images=images,
        sha256=sha256,
        targets=np.array([index[label] for label in manifest.labels], dtype=np.int64),
        classes=classes,
        positive=positive,
        subsets=subsets,
        fingerprint=fingerprint(manifest.image_ids, sha256, manifest.labels),
        split_hash=split_hash(manifest.image_ids, sha256, manifest.labels, manifest.groups, subsets),
        findings=replace(
            findings,
            label_log=corrections,
            split={**left_out_by_split, **split_notes},
            known_errors=wrong,
            absent_in_lists={**findings.absent_in_lists, **unnamed},
            assumed_positive=assumed_positive(classes, dataset.positive_class),
        ),
    )


def _read(
    manifest: Manifest, image_size: int, report: Report | None
) -> tuple[Manifest, npt.NDArray[np.uint8], list[str], list[tuple[str, str]]]:
    """The readable rows with their images and hashes, and (image_id, reason) of the others in manifest order."""
    hashes, unreadable = sha256_of_files(manifest.paths)
    rows = [row for row, digest in enumerate(hashes) if digest is not None]
    known = [digest for digest in hashes if digest is not None]
    result = decoded([manifest.paths[row] for row in rows], known, image_size, report)
    problems = sorted([*unreadable, *((rows[i], reason) for i, reason in result.unreadable)])
    broken = {row for row, _ in problems}
    kept = [i for i, row in enumerate(rows) if row not in broken]
    corrupt = [(manifest.image_ids[row], reason) for row, reason in problems]
    readable = manifest.take([rows[i] for i in kept]) if problems else manifest
    return readable, result.images, [known[i] for i in kept], corrupt


def _check_corrupt(corrupt: Sequence[tuple[str, str]], total: int, dataset: Dataset) -> None:
    named = listed([f"{image_id} ({reason})" for image_id, reason in corrupt])
    if len(corrupt) == total:
        raise DataError(f"none of the {total} images can be read: {named}")
    if corrupt and dataset.on_corrupt == "fail":
        raise DataError(
            f"{len(corrupt)} of {total} images cannot be read: {named}; repair them, or set dataset.on_corrupt=drop"
        )


def _check_classes_left(manifest: Manifest, classes: Sequence[str], corrupt: Sequence[tuple[str, str]]) -> None:
    left = set(manifest.labels)
    for name in classes:
        if name not in left:
            raise DataError(f"no image of class {name} can be read: {listed([image_id for image_id, _ in corrupt])}")


def _shuffled(manifest: Manifest, seed: int) -> Manifest:
    return replace(manifest, labels=shuffle_labels(manifest.image_ids, manifest.labels, seed))


def fingerprint(image_ids: Sequence[str], sha256: Sequence[str], labels: Sequence[str]) -> str:
    """Identifies a data set by ids, contents, labels and decoding."""
    digest = hashlib.sha256(json.dumps(DECODE_SETTINGS, sort_keys=True).encode())
    for row in zip(image_ids, sha256, labels, strict=True):
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()
