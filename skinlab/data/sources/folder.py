"""A folder with one sub-folder of images per class."""

from pathlib import Path

from skinlab.data.manifest import Manifest
from skinlab.data.sources.files import absolute, find_images, image_ids
from skinlab.errors import DataError
from skinlab.schema import FolderDataset


def load(dataset: FolderDataset) -> Manifest:
    """The images of PATH/<class>/**; groups are not known.

    Raises:
        DataError: no such folder, or fewer than two of its sub-folders hold images.
    """
    root = Path(dataset.path).expanduser()
    found, ignored = find_images(root)
    paths = [path for path in found if "/" in path]  # an image beside the class folders has no label
    labels = [path.split("/", 1)[0] for path in paths]
    _check(root, found, labels)
    names = image_ids(paths)
    rows = sorted(range(len(names)), key=names.__getitem__)
    return Manifest(
        image_ids=[names[i] for i in rows],
        paths=[absolute(root, paths[i]) for i in rows],
        labels=[labels[i] for i in rows],
        groups=[None] * len(rows),
        ignored_files=ignored + len(found) - len(paths),
    )


def _check(root: Path, found: list[str], labels: list[str]) -> None:
    wanted = f"{root} needs one sub-folder of images per class"
    if not found:
        raise DataError(f"no images in {root}: {wanted}")
    if not labels:
        raise DataError(f"no class folders: {len(found)} images lie directly in {root}; {wanted}")
