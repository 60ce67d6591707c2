"""A folder or archive with one sub-folder of images per class, perhaps below the subsets of a given split."""

import logging
from pathlib import Path

from skinlab.data.classes import labels_of
from skinlab.data.manifest import GIVEN_SPLIT, Manifest
from skinlab.data.sources.files import absolute, find_images, image_ids
from skinlab.data.sources.layout import understood
from skinlab.data.sources.unpacked import folder_of
from skinlab.errors import DataError
from skinlab.schema import FolderDataset

_log = logging.getLogger(__name__)


def load(dataset: FolderDataset) -> Manifest:
    """The images of PATH/<class>/** or PATH/<subset>/<class>/**; groups are not known.

    An image beside the class folders has no label.

    Raises:
        DataError: no such folder, no class folders, or folders with two readings.
    """
    declared = Path(dataset.path).expanduser()
    root = folder_of(declared)
    found, aside = find_images(root)
    if not found:
        also = f"; there are {aside}" if aside.kinds else ""
        raise DataError(f"no images in {declared}: {declared} needs one sub-folder of images per class{also}")
    layout = understood(str(declared), found, labels_of(dataset.classes))
    if layout.said:
        _log.info("%s: %s", declared, layout.said)
    return Manifest(
        image_ids=image_ids(found),
        paths=[absolute(root, path) for path in found],
        labels=layout.labels,
        groups=[None] * len(found),
        attributes={} if layout.subsets is None else {GIVEN_SPLIT: layout.subsets},
        given_split=layout.subsets is not None,
        left_aside=aside,
    ).by_id()
