"""The table that every data source yields and everything after it works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from skinlab.data.wording import listed

GIVEN_SPLIT = "given_split"
"""Attribute with the subset of each image (train, validation, test) in the split that a data set comes with."""
WITHOUT_ROW = "image without a row in the table"
"""Kind of a file that is left aside."""


@dataclass(frozen=True)
class LeftAside:
    """Files beside the images that are not read.

    Attributes:
        kinds: how many there are of each kind: extension in lower case, `hidden`, `no extension`.
        pictures: paths of those that look like pictures, by extension or content.
    """

    kinds: Mapping[str, int] = field(default_factory=dict)
    pictures: Sequence[str] = ()

    def __str__(self) -> str:
        """In words, empty where there are none.

        Example:
            >>> str(LeftAside({".txt": 2, ".cr2": 1}, ["a/b.cr2"]))
            '1 .cr2, 2 .txt; of these look like pictures: a/b.cr2'
        """
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        return counted + (f"; of these look like pictures: {listed(self.pictures)}" if self.pictures else "")


@dataclass(frozen=True)
class Manifest:
    """Labelled images by column; row i of every column is the same image. Rows are sorted by `image_ids`.

    Attributes:
        image_ids: unique names, stable across machines (no absolute paths).
        paths: absolute path of each image file.
        labels: class name of each image; empty where it is not known.
        groups: patient or lesion id, or None where it is not known. Images of one group never cross subsets.
        attributes: further columns by name (age, sex, site, ...), as text; empty where not known.
        given_split: whether the data set comes with a split: attribute `given_split`.
        left_aside: files found beside these images that are not read.
        without_image: what the rows of the table that have no image file call it, each with what is near.
    """

    image_ids: Sequence[str]
    paths: Sequence[str]
    labels: Sequence[str]
    groups: Sequence[str | None]
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    given_split: bool = False
    left_aside: LeftAside = field(default_factory=LeftAside)
    without_image: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, rows: Sequence[int]) -> "Manifest":
        """The manifest of these rows, in the order given."""
        return replace(
            self,
            image_ids=[self.image_ids[i] for i in rows],
            paths=[self.paths[i] for i in rows],
            labels=[self.labels[i] for i in rows],
            groups=[self.groups[i] for i in rows],
            attributes={name: [column[i] for i in rows] for name, column in self.attributes.items()},
        )

    def by_id(self) -> "Manifest":
        """The same images sorted by id, as sources yield them."""
        return self.take(sorted(range(len(self)), key=self.image_ids.__getitem__))
