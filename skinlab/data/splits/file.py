"""The subsets of an earlier run, from its split.csv: images are matched by id and content."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinlab.data.hashes import sha256_of_files
from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import check_unique, read_table
from skinlab.data.split import COLUMNS, LEFT_OUT, SUBSETS
from skinlab.data.splits.dealing import check_subsets
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import FileSplit

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Entry:
    """What a split.csv says of an image."""

    sha256: str
    label: str
    subset: str


def restrict(manifest: Manifest, split: FileSplit) -> tuple[Manifest, dict[str, Any]]:
    """With `on_mismatch=drop`, the images that are in the file with the same content; else all, to be checked later.

    Raises:
        DataError: no such file, or it is not a split.csv.
    """
    entries = _read(Path(split.path).expanduser())
    gone = [name for name in manifest.image_ids if name in entries and entries[name].subset == LEFT_OUT]
    if gone:
        left_out = set(gone)
        manifest = manifest.take([row for row, name in enumerate(manifest.image_ids) if name not in left_out])
    notes = {"left_out_in_file": gone} if gone else {}
    if split.on_mismatch == "fail":
        return manifest, notes  # a file that cannot be decoded is in no split.csv, and that is not known yet
    extra = [name for name in manifest.image_ids if name not in entries]
    known = manifest.take([row for row, name in enumerate(manifest.image_ids) if name in entries])
    hashes, _ = sha256_of_files(known.paths)
    changed = _changed(known.image_ids, hashes, entries)
    for what, names in ("are not in the file", extra), ("have changed since", changed):
        if names:
            _log.warning("%s: left out are %d images that %s: %s", split.path, len(names), what, listed(names))
    dropped = set(changed)
    left = known.take([row for row, name in enumerate(known.image_ids) if name not in dropped])
    return left, notes | {"not_in_file": extra, "changed_since": changed}


def by_file(manifest: Manifest, sha256: Sequence[str], split: FileSplit) -> tuple[list[str], dict[str, Any]]:
    """The subset of each image as in the file, and how the images differ from those of the file.

    Raises:
        DataError: the images are not those of the file and that is refused; a class has no image in a subset.
    """
    entries = _read(Path(split.path).expanduser())
    here = set(manifest.image_ids)
    differences = {
        "not in the file": [name for name in manifest.image_ids if name not in entries],
        "changed since": _changed(manifest.image_ids, sha256, entries),
        "only in the file": sorted(name for name in entries if name not in here and entries[name].subset != LEFT_OUT),
    }
    if any(differences.values()) and split.on_mismatch == "fail":
        found = "; ".join(f"{len(names)} {what}: {listed(names)}" for what, names in differences.items() if names)
        raise DataError(
            f"split.path={split.path}: the images are not those of the file: {found}; "
            "take the data set of that run, or set split.on_mismatch=drop"
        )
    unused = differences["only in the file"]
    if unused:
        _log.warning("%s: %d of its images are not used: %s", split.path, len(unused), listed(unused))
    subsets = [entries[name].subset for name in manifest.image_ids]
    check_subsets(manifest.labels, subsets, "take another split", given=True)
    relabelled = [
        name for name, label in zip(manifest.image_ids, manifest.labels, strict=True) if entries[name].label != label
    ]
    return subsets, {"not_used_of_file": unused, "label_changed_since": relabelled}


def _changed(image_ids: Sequence[str], hashes: Sequence[str | None], entries: Mapping[str, _Entry]) -> list[str]:
    """Images of the file whose content is another now; one that cannot be read is not judged here."""
    pairs = zip(image_ids, hashes, strict=True)
    return [name for name, digest in pairs if digest and name in entries and entries[name].sha256 != digest]


def _read(path: Path) -> dict[str, _Entry]:
    if not path.is_file():
        raise DataError(f"split.path={path}: no such file; it is the split.csv of a run directory")
    table = read_table(path)
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise DataError(f"{path} is not the split.csv of a run: it has no column {listed(missing)}")
    ids = table.columns["image_id"]
    check_unique(table, ids)
    subsets = table.columns["subset"]
    allowed = (*SUBSETS, LEFT_OUT)
    if wrong := [f"{name} ({subset})" for name, subset in zip(ids, subsets, strict=True) if subset not in allowed]:
        raise DataError(f"{path}: {len(wrong)} rows are in none of {', '.join(SUBSETS)}: {listed(wrong)}")
    rows = zip(ids, table.columns["sha256"], table.columns["label"], subsets, strict=True)
    return {name: _Entry(digest, label, subset) for name, digest, label, subset in rows}
