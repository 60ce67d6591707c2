"""HDF5 files with one dataset per image that holds the bytes of its file, as ISIC 2024's train-image.hdf5 does.

The only module that needs h5py. Links are not followed, values outside of the file are not read, and of the filters
only those that HDF5 itself brings are used.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.data.cache_room import make_room
from skinlab.data.decoding import HEAD, looks_like_image
from skinlab.data.sources.bounds import check_size, is_of_disk
from skinlab.data.wording import brief, listed
from skinlab.errors import DataError, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SAFE = re.compile(r"\w[\w. -]{0,199}")
_KINDS = "VSu"
"""Of numpy's types: opaque, bytes, whole numbers without sign."""
_FILTERS = (1, 2, 3)
"""deflate, shuffle, fletcher32."""


def is_hdf5(path: Path) -> bool:
    """Whether a file is an HDF5 file, by its content."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def write_images(path: Path, folder: Path) -> None:
    """The images as files with the names of their datasets.

    Args:
        path: the HDF5 file.
        folder: where they are written.

    Raises:
        DataError: it holds something else, is damaged, or unpacks to too much.
        SetupError: h5py is not installed.
        OutputError: there is no room for it.
    """
    try:
        import h5py
    except ImportError as error:
        raise SetupError(f"{path}: HDF5 files are read with h5py; pip install skinlab[formats]") from error
    try:
        with h5py.File(path, "r") as file:
            sizes = dict(_sizes(path, file))
            total = sum(sizes.values())
            check_size(path, len(sizes), total, path.stat().st_size)
            make_room(total)
            for name in sizes:
                content = file[name][()].tobytes()
                if not looks_like_image(content[:HEAD]):
                    raise DataError(f"{path}: dataset {name} holds bytes that are no image")
                suffix = ".jpg" if content.startswith(b"\xff\xd8") else ""
                (folder / f"{name}{suffix}").write_bytes(content)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        if is_of_disk(error):
            raise
        raise DataError(f"{path} cannot be read: {brief(error)}") from error


def _sizes(path: Path, file: "h5py.File") -> "Iterator[tuple[str, int]]":
    """Names and bytes of what lies at the top of the file, checked, nothing read."""
    import h5py

    links: list[str] = []
    for name in file:
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            links.append(name)
            continue
        one = file[name]
        if not isinstance(one, h5py.Dataset) or not _holds_bytes(one):
            raise DataError(f"{path}: {name!a} is no dataset of the bytes of an image; one per image is needed")
        if not _SAFE.fullmatch(name):
            raise DataError(f"{path} holds {name!a}, which cannot be the name of a file")
        yield name, one.nbytes
    if links:
        raise DataError(f"{path} holds links, which are not followed: {listed(links)}")


def _holds_bytes(dataset: "h5py.Dataset") -> bool:
    """Whether the values are bytes within the file, packed by nothing that would have to be loaded."""
    plan = dataset.id.get_create_plist()
    filters = [plan.get_filter(place)[0] for place in range(plan.get_nfilters())]
    inside = not dataset.external and not dataset.is_virtual
    plain = dataset.dtype.kind in _KINDS and (dataset.dtype.kind != "u" or dataset.dtype.itemsize == 1)
    return inside and plain and set(filters).issubset(_FILTERS)
