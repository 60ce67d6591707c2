"""The labels of a data set as they are at a revision of its log. Changes nothing on the disk."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from skinlab.data.hashes import sha256_of_files
from skinlab.data.label_log.entries import NONE, SHORT, Entry, last_by_image, revision_of, until
from skinlab.data.label_log.place import log_path
from skinlab.data.label_log.store import LabelLog
from skinlab.data.manifest import Manifest
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import Dataset


@dataclass(frozen=True)
class Correction:
    """An image whose label is not that of the source."""

    image_id: str
    source_label: str
    label: str


@dataclass(frozen=True)
class Corrections:
    """What the log did to a data set.

    Attributes:
        revision: hash of the last entry that counts; None: there is none.
        applied: the corrected images, by id.
        absent: ids of corrections without an image in the data set.
    """

    revision: str | None = None
    applied: list[Correction] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def corrected(manifest: Manifest, dataset: Dataset) -> tuple[Manifest, Corrections]:
    """The manifest with the labels of the declared revision of its log.

    Args:
        manifest: with the labels of the source, before classes are chosen.
        dataset: where the log lies, and which revision.

    Raises:
        DataError: no such log or revision; the log is damaged; or an image to be corrected is not the file, or not of
            the label, that its correction was made for.
    """
    entries = declared_entries(dataset)
    wanted = {name: entry for name, entry in sorted(last_by_image(entries).items()) if entry.corrects}
    if not wanted:
        return manifest, Corrections(revision_of(entries))
    rows = {name: row for row, name in enumerate(manifest.image_ids) if name in wanted}
    differing = [row for name, row in rows.items() if manifest.labels[row] != wanted[name].new_label]
    _check(manifest, differing, wanted, dataset)
    labels = list(manifest.labels)
    for row in differing:
        labels[row] = wanted[manifest.image_ids[row]].new_label
    applied = [Correction(manifest.image_ids[row], manifest.labels[row], labels[row]) for row in differing]
    absent = [name for name in wanted if name not in rows]
    return replace(manifest, labels=labels), Corrections(revision_of(entries), applied, absent)


def declared_entries(dataset: Dataset) -> list[Entry]:
    """The entries up to the declared revision.

    Raises:
        DataError: no such log or revision, or the log is damaged.
    """
    path, revision = log_path(dataset), dataset.label_revision
    if revision == NONE or (path is None and revision is None):
        return []
    if path is None:
        raise DataError(
            f"dataset.label_revision={revision}: dataset={dataset.name} has no label log unless dataset.label_log=PATH"
        )
    entries = LabelLog(path).read()
    if not entries and revision is not None:
        raise DataError(f"revision {revision[:SHORT]} of the labels is not available: there is no label log {path}")
    if not entries and dataset.label_log is not None:
        raise DataError(f"dataset.label_log={path}: there is none; the first `skinlab data labels set` makes it")
    return until(entries, revision, path)


def is_outdated(entry: Entry, source_label: str, sha256: str | None) -> bool:
    """Whether a correction was made for another file or another label than there is now.

    What cannot be read is not judged: it is left out or refused as corrupt.
    """
    return entry.source_label != source_label or (sha256 is not None and entry.sha256 != sha256)


def _check(manifest: Manifest, rows: Sequence[int], wanted: dict[str, Entry], dataset: Dataset) -> None:
    """Refuses corrections that were made for something else."""
    hashes, _ = sha256_of_files([manifest.paths[row] for row in rows])
    faults = []
    for row, sha256 in zip(rows, hashes, strict=True):
        name, label = manifest.image_ids[row], manifest.labels[row]
        if is_outdated(wanted[name], label, sha256):
            was = wanted[name].source_label
            faults.append(f"{name} ({'another file' if label == was else f'now {label}, was {was}'})")
    if faults:
        raise DataError(
            f"{log_path(dataset)}: corrections of another file or label than there is now ({len(faults)}): "
            f"{listed(faults)}; look again and set these labels anew (skinlab data labels set), or undo the corrections"
        )
