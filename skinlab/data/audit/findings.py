"""Everything an audit found, as one typed record: what audit.json and the audit page are made of. Finds nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from skinlab.data.label_log.apply import Corrections


@dataclass(frozen=True)
class Corrupt:
    """An image that could not be read."""

    image_id: str
    reason: str


@dataclass(frozen=True)
class NearDuplicate:
    """Two images that show the same photograph.

    Attributes:
        images: their ids.
        labels: their classes, before any shuffle.
        similarity: 0 to 1, see `skinlab.data.audit.alignment.similarity`.
    """

    images: list[str]
    labels: list[str]
    similarity: float


@dataclass(frozen=True)
class LeakFound:
    """Two images that must be in one subset and are not: ids, subsets, and why (see `leaks.Reason`)."""

    images: list[str]
    subsets: list[str]
    reason: str
    similarity: float | None


@dataclass(frozen=True)
class SmallClass:
    """A class with so few images in a subset that its numbers say little.

    Attributes:
        label: the class.
        subset: validation or test.
        images: how many it has there.
        half_width: of the widest 95 % interval of a proportion from so many images (Wilson, at one half).
    """

    label: str
    subset: str
    images: int
    half_width: float


@dataclass(frozen=True)
class OutlierFound:
    """An image that stands out in a measure: brightness, contrast (grey levels) or file_size (bytes)."""

    image_id: str
    measure: str
    value: float
    z: float


@dataclass(frozen=True)
class LargeGroup:
    """A group that holds far more images than the others.

    Attributes:
        group: its id.
        images: how many it has.
        share: of all images with a known group.
    """

    group: str
    images: int
    share: float


@dataclass(frozen=True)
class Findings:
    """What was found in a data set; the order of the fields is that of audit.json.

    Attributes:
        images: how many can be used.
        corrupt: files that cannot be read.
        label_log: the revision of the label log and what it corrected.
        classes: which labels each class was made of, with their counts.
        left_out_labels: images of labels that are not among the classes, by label.
        without_image: rows of the table that have no image file, as it calls them.
        ignored_files: files beside the images that are not read, by kind.
        unread_pictures: those of them that look like pictures.
        large_groups: groups that hold an implausible share of the images: perhaps a code for "unknown".
        images_without_group: images whose lesion or patient is not known.
        split: what there is to say of the split, e.g. images that it leaves out; empty where there is nothing.
        counts: images by class and subset.
        duplicates: ids with the same content.
        duplicates_with_conflicting_labels: those of more than one class.
        duplicates_across_subsets: those in more than one subset.
        near_duplicates: pairs; None: not searched (audit.near_duplicates=false).
        near_duplicates_with_conflicting_labels: those of two classes.
        known_duplicates: images that published lists call copies (audit.known_duplicates).
        known_errors: ids that are left out because published lists call them wrong (audit.known_errors).
        absent_in_lists: rows of these lists that name none, or no two, of the images, by the list's path.
        leaks: pairs across subsets, as the split was given.
        on_leak: the rule about them: fail, drop or warn; None: the audit was by content alone.
        left_out: ids that are in no subset because of a leak.
        small_classes: classes too small for narrow intervals.
        outliers: images that stand out.
        assumed_positive: the class that is taken as the positive one though nothing says so; None where that is known.
    """

    images: int
    corrupt: list[Corrupt]
    label_log: Corrections
    classes: dict[str, dict[str, int]]
    left_out_labels: dict[str, int]
    without_image: list[str]
    ignored_files: dict[str, int]
    unread_pictures: list[str]
    large_groups: list[LargeGroup]
    images_without_group: int
    split: dict[str, Any]
    counts: dict[str, dict[str, int]]
    duplicates: list[list[str]]
    duplicates_with_conflicting_labels: list[list[str]]
    duplicates_across_subsets: list[list[str]]
    near_duplicates: list[NearDuplicate] | None
    near_duplicates_with_conflicting_labels: list[NearDuplicate]
    known_duplicates: list[list[str]]
    known_errors: list[str]
    absent_in_lists: dict[str, int]
    leaks: list[LeakFound]
    on_leak: str | None
    left_out: list[str]
    small_classes: list[SmallClass]
    outliers: list[OutlierFound]
    assumed_positive: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The content of audit.json: keys in the order of the fields."""
        return asdict(self)
