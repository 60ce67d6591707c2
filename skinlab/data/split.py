"""What a split is: a subset for each image, frozen as a table and identified by its hash.

How the subsets come about is decided in `skinlab.data.splits`.
"""

import csv
import hashlib
import io
from collections.abc import Sequence

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
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    named = [group or "" for group in groups]
    writer.writerows(sorted(zip(image_ids, sha256, labels, named, subsets, strict=True)))
    return text.getvalue()


def split_hash(
    image_ids: Sequence[str],
    sha256: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | None],
    subsets: Sequence[str],
) -> str:
    """Identifies a split: the SHA-256 of `split_csv_text`, which is what `sha256sum split.csv` prints."""
    return hashlib.sha256(split_csv_text(image_ids, sha256, labels, groups, subsets).encode()).hexdigest()
