"""What a split is: a subset for each image, frozen as a table and identified by its hash.

How the subsets come about is decided in `skinlab.data.splits`.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

SUBSETS = ("train", "validation", "test")
LEFT_OUT = "left_out"
"""In split.csv, of an image that is in no subset because a copy of it is in a later one."""
COLUMNS = ("image_id", "sha256", "label", "group", "subset")
"""Of split.csv."""


def split_csv_text(
    image_ids: Sequence[str],
    sha256: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    subsets: Sequence[str],
) -> str:
    r"""The split as a CSV table, rows by image id, an empty group where it is not known.

    Example:
        >>> split_csv_text(["b", "a"], ["01", "02"], ["nevus", "nevus"], [None, "L1"], ["train", "test"])
        'image_id,sha256,label,group,subset\na,02,nevus,L1,test\nb,01,nevus,,train\n'
    """
    text = io.StringIO()
    _write(text, image_ids, sha256, labels, groups, subsets)
    return text.getvalue()


def split_hash(
    image_ids: Sequence[str],
    sha256: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    subsets: Sequence[str],
) -> str:
    """Identifies a split: the SHA-256 of `split_csv_text`, which is what `sha256sum split.csv` prints."""
    digest = _Digest()
    _write(digest, image_ids, sha256, labels, groups, subsets)
    return digest.sha256.hexdigest()


class _Digest:
    """Takes text as a file does and keeps its hash alone: a million rows are 150 MB of text."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, text: str) -> None:
        self.sha256.update(text.encode())


def _write(
    stream: "SupportsWrite[str]",
    image_ids: Sequence[str],
    sha256: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    subsets: Sequence[str],
) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = sorted(range(len(image_ids)), key=image_ids.__getitem__)
    writer.writerows((image_ids[i], sha256[i], labels[i], groups[i] or "", subsets[i]) for i in rows)
