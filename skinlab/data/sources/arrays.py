"""MedMNIST's files of arrays, as images and a table: dermamnist.npz and what has its layout at other sizes.

An npz file is a zip of `train_images.npy` (uint8 [N, H, W] or [N, H, W, 3]) and `train_labels.npy` (whole numbers
[N] or [N, 1]), and the same for val and test (https://github.com/MedMNIST/MedMNIST). Read image by image, so that a
header which lies costs nothing; what is pickled is never read.
"""

import csv
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image

from skinlab.data.cache_room import make_room
from skinlab.data.decoding import PIXEL_LIMIT
from skinlab.data.sources.bounds import check_size, is_of_disk
from skinlab.data.wording import brief
from skinlab.errors import DataError

TABLE = "arrays.csv"
"""The table that is made: image, label, split."""
_SUBSETS = ("train", "val", "test")
_SHAPES = (3, 4)
_COLOURS = 3
_DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    SyntaxError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class _Array:
    """An array inside the file, not read yet; the stream stands at its first value."""

    stream: IO[bytes]
    shape: tuple[int, ...]
    dtype: "np.dtype[np.generic]"

    def rows(self) -> Iterator[npt.NDArray[np.generic]]:
        """Its first axis, one by one."""
        size = math.prod(self.shape[1:]) * self.dtype.itemsize
        for _ in range(self.shape[0]):
            content = self.stream.read(size)
            if len(content) < size:
                raise EOFError("it ends within an array")
            yield np.frombuffer(content, self.dtype).reshape(self.shape[1:])


def is_npz(path: Path) -> bool:
    """Whether a file is a zip of arrays and nothing else."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except _DAMAGE:
        return False  # what unpacks archives says what is wrong with it
    return bool(names) and all(name.endswith(".npy") for name in names)


def write_arrays(path: Path, folder: Path) -> None:
    """The images as PNG files, and the table of them.

    Args:
        path: the npz file.
        folder: where they are written.

    Raises:
        DataError: it has another layout, is damaged, or unpacks to too much.
        OutputError: there is no room for it.
    """
    try:
        with zipfile.ZipFile(path) as packed, (folder / TABLE).open("w", newline="", encoding="utf-8") as out:
            _check(path, packed)
            table = csv.writer(out, lineterminator="\n")
            table.writerow(("image", "label", "split"))
            for subset in _SUBSETS:
                images, labels = (_opened(path, packed, f"{subset}_{name}") for name in ("images", "labels"))
                _check_shapes(path, subset, images, labels)
                for row, (image, label) in enumerate(zip(images.rows(), labels.rows(), strict=True)):
                    name = f"{subset}_{row:07}.png"
                    Image.fromarray(image.astype(np.uint8)).save(folder / name, compress_level=1)
                    table.writerow((name, int(label.reshape(-1)[0]), subset))
    except _DAMAGE as error:
        if is_of_disk(error):
            raise
        raise DataError(f"{path} cannot be read: {brief(error)}") from error


def _check(path: Path, packed: zipfile.ZipFile) -> None:
    names = set(packed.namelist())
    if missing := [f"{subset}_images" for subset in _SUBSETS if f"{subset}_images.npy" not in names]:
        raise DataError(
            f"{path} has no array {', '.join(missing)}, but: {', '.join(sorted(names))}; an npz file is read as "
            "MedMNIST's are laid out"
        )
    total = sum(info.file_size for info in packed.infolist())
    check_size(path, 1, total, path.stat().st_size)
    make_room(total)


def _opened(path: Path, packed: zipfile.ZipFile, name: str) -> _Array:
    """An array whose header was read and agrees with the size of its file."""
    try:
        info = packed.getinfo(f"{name}.npy")
    except KeyError:
        raise DataError(f"{path} has no array {name}") from None
    stream = packed.open(info)
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise DataError(f"{path}: array {name} is of an unknown version {version}")
    shape, columns_first, dtype = read(stream)
    if dtype.hasobject:
        raise DataError(f"{path}: array {name} holds pickled objects, which are never read")
    if columns_first and len(shape) > 1:
        raise DataError(f"{path}: array {name} is stored column by column; save it in C order")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != info.file_size - stream.tell():
        raise DataError(f"{path}: array {name} says that it is {list(shape)}, and its size is another")
    return _Array(stream, shape, dtype)


def _check_shapes(path: Path, subset: str, images: _Array, labels: _Array) -> None:
    colours = images.shape[3:] in ((), (_COLOURS,))
    if images.dtype != np.uint8 or len(images.shape) not in _SHAPES or not colours or 0 in images.shape[1:]:
        raise DataError(f"{path}: array {subset}_images is {images.dtype} {list(images.shape)}, not uint8 [N, H, W, 3]")
    check_size(path, images.shape[0], 0, 0)
    if math.prod(images.shape[1:3]) > PIXEL_LIMIT:
        raise DataError(f"{path}: array {subset}_images has images of {list(images.shape[1:3])} pixels: refused")
    if labels.dtype.kind not in "iu" or labels.shape not in ((images.shape[0],), (images.shape[0], 1)):
        wanted = f"whole numbers [{images.shape[0]}, 1]"
        raise DataError(f"{path}: array {subset}_labels is {labels.dtype} {list(labels.shape)}, not {wanted}")
