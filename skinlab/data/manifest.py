"""The table that every data source yields and everything after it works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Manifest:
    """Labelled images by column; row i of every column is the same image. Rows are sorted by `image_ids`.

    Attributes:
        image_ids: unique names, stable across machines (no absolute paths).
        paths: absolute path of each image file.
        labels: class name of each image.
        groups: patient or lesion id, or None where it is not known. Images of one group never cross subsets.
        attributes: further columns by name (age, sex, site, ...), as text; empty where not known.
        ignored_files: files found beside these images and left aside: not images, or without a label.
    """

    image_ids: Sequence[str]
    paths: Sequence[str]
    labels: Sequence[str]
    groups: Sequence[str | None]
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignored_files: int = 0

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, rows: Sequence[int]) -> "Manifest":
        """The manifest of these rows, in the order given."""
        return Manifest(
            image_ids=[self.image_ids[i] for i in rows],
            paths=[self.paths[i] for i in rows],
            labels=[self.labels[i] for i in rows],
            groups=[self.groups[i] for i in rows],
            attributes={name: [column[i] for i in rows] for name, column in self.attributes.items()},
            ignored_files=self.ignored_files,
        )

    def by_id(self) -> "Manifest":
        """The same images sorted by id, as sources yield them."""
        return self.take(sorted(range(len(self)), key=self.image_ids.__getitem__))
