"""From a declared data set to labelled, decoded, split images, with a record of what was found on the way.

The one entry for training and evaluation; each step is a module of its own. `survey` is the part that reads no image.
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
from skinlab.data.classes import Labelled, choose_classes
from skinlab.data.collection import without_collection
from skinlab.data.duplicates import merge_groups
from skinlab.data.hashes import sha256_of_files
from skinlab.data.images import CONVERT, decode_settings
from skinlab.data.label_log.apply import Corrections, corrected
from skinlab.data.labels import LEARNABLE, assumed_positive, resolve_classes, shuffle_labels
from skinlab.data.manifest import Manifest
from skinlab.data.sources import load
from skinlab.data.split import SUBSETS, split_hash
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import Audit, Dataset, Split

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Survey:
    """What is known of a data set before an image is read.

    Attributes:
        dataset: the declaration.
        manifest: the images of the classes that the split has a subset for; `labels` are classes.
        labelled: how labels became classes, with all images of the classes.
        corrections: what the label log did.
        split: what decides on the subsets: the split that the data set comes with, or the declared one.
        notes: what there is to say of the images that the split leaves out.
        classes: class names in the order of the outputs.
        positive: index of the class that sensitivity and specificity are about; None: of more than two, none is.
        known_errors: ids of images that published lists call wrong, left out.
        absent_in_lists: rows of these lists that name no image, by the list's path.
    """

    dataset: Dataset
    manifest: Manifest
    labelled: Labelled
    corrections: Corrections
    split: Split | None
    notes: splits.Notes
    classes: list[str]
    positive: int | None
    known_errors: list[str]
    absent_in_lists: dict[str, int]


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
        colour_profile: what was done with those of the files, as in `dataset.colour_profile`.
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
    colour_profile: str

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


def survey(
    dataset: Dataset, split: Split | None, known_errors: Sequence[str] = (), *, least_classes: int = LEARNABLE
) -> Survey:
    """Loads, corrects and labels a data set, and leaves out what the split has no subset for. Decodes nothing.

    Args:
        dataset: what to load.
        split: which image comes into which subset; None: all of them are test images.
        known_errors: published lists of images to leave out.
        least_classes: that there must be; images that are only scored may be of one.

    Raises:
        DataError: the data cannot be used as declared; see the steps.
        SetupError: a package that reads this kind of file is not installed.
        OutputError: the cache folder cannot be written.
    """
    with without_collection():
        found, corrections = corrected(load(dataset), dataset)
        found, wrong, absent = without_errors(found, known_errors)
        labelled = choose_classes(
            found, dataset.classes, dataset.on_other_label, dataset.on_spelling, dataset.on_missing
        )
        split = splits.effective(labelled.manifest, split)
        chosen, notes = splits.restrict(labelled.manifest, split, labelled.names)
        classes, positive = resolve_classes(chosen.labels, labelled.names, dataset.positive_class, least_classes)
    return Survey(dataset, chosen, labelled, corrections, split, notes, classes, positive, wrong, absent)


def prepare(
    dataset: Dataset,
    split: Split | None,
    image_size: int,
    report: Report | None = None,
    audit: Audit | None = None,
    *,
    least_classes: int = LEARNABLE,
) -> Prepared:
    """Loads, corrects, hashes, decodes, audits, labels and splits a data set: `survey`, then `prepare_surveyed`.

    Raises:
        DataError: the data cannot be used as declared, or the split leaks; see the steps.
        OutputError: the cache folder cannot be written.
    """
    known_errors = audit.known_errors if audit else ()
    return prepare_surveyed(
        survey(dataset, split, known_errors, least_classes=least_classes), image_size, report, audit
    )


def prepare_surveyed(
    found: Survey, image_size: int, report: Report | None = None, audit: Audit | None = None
) -> Prepared:
    """Hashes, decodes, audits and splits the images of a survey.

    Files with the same content, and near-duplicates where they are searched, are kept in one subset where the split is
    drawn. With `dataset.shuffle_labels` the permutation is drawn from the seed of the split, after unreadable images
    are left out.

    Args:
        found: the survey.
        image_size: width and height of the decoded images, in pixels.
        report: called with (images done, images in all) while images are decoded.
        audit: what is looked for and what is done about leaks; None: files with the same content are found, no pixels
            are looked at, and leaks are recorded only.

    Raises:
        DataError: too few images can be read, or the split cannot be drawn or leaks.
        OutputError: the cache folder cannot be written.
    """
    dataset, split, classes = found.dataset, found.split, found.classes
    manifest, images, sha256, corrupt = _read(found.manifest, image_size, report, dataset.colour_profile)
    _check_corrupt(corrupt, len(found.manifest), dataset)
    _check_classes_left(manifest, classes, corrupt)
    seen = look(manifest, images, sha256, audit, dataset.colour_profile)
    if dataset.shuffle_labels:
        manifest = _shuffled(manifest, splits.seed_of(split))
    with without_collection():
        groups = merge_groups(manifest.image_ids, manifest.groups, seen.together)
        given, notes = splits.assign(manifest, sha256, groups, split)
        subsets, leaks = judge(seen, manifest, groups, given, audit)
    findings = record(seen, manifest, found.labelled, given, subsets, leaks, audit, corrupt, classes)
    index = {name: i for i, name in enumerate(classes)}
    return Prepared(
        manifest=manifest,
        images=images,
        sha256=sha256,
        targets=np.array([index[label] for label in manifest.labels], dtype=np.int64),
        classes=classes,
        positive=found.positive,
        subsets=subsets,
        fingerprint=fingerprint(manifest.image_ids, sha256, manifest.labels, dataset.colour_profile),
        split_hash=split_hash(manifest.image_ids, sha256, manifest.labels, manifest.groups, subsets),
        findings=replace(
            findings,
            label_log=found.corrections,
            split={**found.notes, **notes},
            known_errors=found.known_errors,
            absent_in_lists={**findings.absent_in_lists, **found.absent_in_lists},
            assumed_positive=assumed_positive(classes, dataset.positive_class),
        ),
        colour_profile=dataset.colour_profile,
    )


def _read(
    manifest: Manifest, image_size: int, report: Report | None, colour_profile: str
) -> tuple[Manifest, npt.NDArray[np.uint8], list[str], list[tuple[str, str]]]:
    """The readable rows with their images and hashes, and (image_id, reason) of the others in manifest order."""
    hashes, unreadable = sha256_of_files(manifest.paths)
    rows = [row for row, digest in enumerate(hashes) if digest is not None]
    known = [digest for digest in hashes if digest is not None]
    result = decoded([manifest.paths[row] for row in rows], known, image_size, report, colour_profile)
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


def fingerprint(
    image_ids: Sequence[str], sha256: Sequence[str], labels: Sequence[str], colour_profile: str = CONVERT
) -> str:
    """Identifies a data set by ids, contents, labels and decoding."""
    digest = hashlib.sha256(json.dumps(decode_settings(colour_profile), sort_keys=True).encode())
    for row in zip(image_ids, sha256, labels, strict=True):
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()
