"""Images inside one file (zip, tar, npz, HDF5, Parquet) as files in the cache folder: written once, then read.

What is unpacked is data from elsewhere: names stay inside the folder, links and devices are refused, and sizes are
bounded while they are written, not only as declared.
"""

import contextlib
import hashlib
import logging
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from skinlab import paths
from skinlab.data import locks
from skinlab.data.cache_entries import CONTENTS, UNPACKED, touch
from skinlab.data.cache_room import make_room
from skinlab.data.decoding import HEAD, looks_like_image
from skinlab.data.hashes import sha256_of_files
from skinlab.data.sources.arrays import is_npz, write_arrays
from skinlab.data.sources.bounds import MOST_FILES, check_size, is_of_disk
from skinlab.data.sources.hdf5 import is_hdf5, write_images
from skinlab.data.sources.parquet import images
from skinlab.data.storage import cache_access, new_folder, remove_folder
from skinlab.data.wording import brief
from skinlab.errors import DataError

WORKBOOKS = (".xlsx", ".xlsm", ".ods")
_PIECE = 1 << 20
_VERSION = 1
_SAFE = re.compile(r"\w[\w. -]{0,199}")
"""Names that a file in the cache folder may have."""
_log = logging.getLogger(__name__)

_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    NotImplementedError,  # a method of compression that zipfile does not know
    RuntimeError,  # a password is needed
    ValueError,
    OSError,
)


@dataclass(frozen=True)
class Member:
    """A file inside another.

    Attributes:
        name: its path, with `/` between the parts.
        size: bytes that it says it has.
        open: gives its content.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, packed or not, by its content; a workbook of Excel is a table."""
    if not path.is_file() or path.suffix.lower() in WORKBOOKS:
        return False
    return zipfile.is_zipfile(path) or _is_tar(path)


def is_container(path: Path) -> bool:
    """Whether a file holds images, as an archive or as arrays."""
    return is_archive(path) or is_hdf5(path)


def folder_of(path: Path) -> Path:
    """A folder as it is; of an archive, npz or HDF5 file, the folder that it was unpacked into.

    Raises:
        DataError: the file is damaged, unpacks to too much, or holds what has no place in it.
        SetupError: an HDF5 file, and h5py is not installed.
        OutputError: the cache folder cannot be written, or may not hold so much.
    """
    if not is_container(path):
        return path
    if is_npz(path):
        return unpacked(path, "arrays", partial(write_arrays, path))
    if is_hdf5(path):
        return unpacked(path, "HDF5", partial(write_images, path))
    return unpacked(path, "archive", partial(_write_members, path))


def _write_members(path: Path, folder: Path) -> None:
    with _members(path) as members:
        make_room(_checked(path, members, path.stat().st_size))
        for member in members:
            _copy(path, member, folder)


def unpacked(path: Path, how: str, write: Callable[[Path], None]) -> Path:
    """The folder that `write` filled with what is inside a file, from the cache where it is in it.

    It is in use while this process lives: nobody deletes it to make room.

    Args:
        path: the file; its content names the folder.
        how: what else the folder's content depends on.
        write: fills an empty folder.

    Raises:
        DataError: the file cannot be read.
        OutputError: the cache folder cannot be written.
    """
    hashes, problems = sha256_of_files([str(path.absolute())])
    if problems:
        raise DataError(f"{path} {problems[0][1]}")
    name = hashlib.sha256(f"{_VERSION}\0{how}\0{hashes[0]}".encode()).hexdigest()[:40]
    folder = paths.cache() / UNPACKED / name
    with cache_access(folder.parent):
        if locks.hold(folder / CONTENTS) and _is_whole(folder):
            touch(folder)
            return folder / "files"
        _log.info("unpacking %s", path)
        if folder.exists():
            remove_folder(folder)
        with new_folder(folder) as temporary:
            (temporary / "files").mkdir()
            write(temporary / "files")
            (temporary / CONTENTS).write_text(f"{_count(temporary / 'files')}\n", encoding="ascii")
        locks.hold(folder / CONTENTS)
    return folder / "files"


def _is_whole(folder: Path) -> bool:
    """Whether as many files are there as were written: somebody may have deleted some."""
    return (folder / CONTENTS).read_text(encoding="ascii").strip() == str(_count(folder / "files"))


def _count(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error):
        return False


@contextlib.contextmanager
def _members(path: Path) -> Iterator[list[Member]]:
    """The files inside an archive; whatever is wrong with it is one line."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                yield _of_zip(path, packed)
        else:
            with tarfile.open(path) as packed_tar:
                yield _of_tar(path, packed_tar)
    except _DAMAGE as error:
        if is_of_disk(error):
            raise
        raise DataError(f"{path} cannot be unpacked: {brief(error)}") from error


def _of_zip(path: Path, packed: zipfile.ZipFile) -> list[Member]:
    members = []
    for info in packed.infolist():
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DataError(f"{path} holds a link, {info.filename}; links are not followed: pack the files themselves")
        if not info.is_dir():
            name = info.filename.replace("\\", "/")  # as some programs of Windows write it
            members.append(Member(name, info.file_size, partial(packed.open, info)))
    return members


def _of_tar(path: Path, packed: tarfile.TarFile) -> list[Member]:
    members = []
    for info in packed:
        if not (info.isfile() or info.isdir()):
            raise DataError(f"{path} holds a link or device, {info.name}; pack the files themselves")
        if info.isfile():
            members.append(Member(info.name.removeprefix("./"), info.size, partial(_extracted, packed, info)))
        if len(members) > MOST_FILES:
            break
    return members


def _extracted(packed: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = packed.extractfile(info)
    if stream is None:
        raise tarfile.TarError(f"{info.name} has no content")
    return stream


def _checked(path: Path, members: list[Member], packed: int) -> int:
    """How many bytes the members have together, after their names and sizes were found to be sound."""
    total, seen = 0, set()
    for member in members:
        parts = PurePosixPath(member.name).parts
        bad = ".." in parts or member.name.startswith("/") or "\0" in member.name or not parts
        if bad or any(":" in part for part in parts[:1]):
            raise DataError(f"{path} holds {member.name!a}, which would lie outside of its folder: it is not unpacked")
        if parts in seen:
            raise DataError(f"{path} holds {member.name} twice: which is meant cannot be known")
        seen.add(parts)
        total += member.size
    check_size(path, len(members), total, packed)
    return total


def _copy(path: Path, member: Member, folder: Path) -> None:
    """Write a member, never more than it says it has."""
    target = folder.joinpath(*PurePosixPath(member.name).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    with member.open() as source, target.open("xb") as out:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                break
            out.write(piece)
    if left:
        raise DataError(f"{path}: {member.name} has not the {member.size} bytes that it should have")


def images_of_column(path: Path, column: str) -> tuple[Path, list[str]]:
    """The images that a Parquet file holds in a column: the folder they were written to, and the file of each row.

    The file of a row without an image is empty.

    Raises:
        DataError: the column holds other bytes than images, or cannot be read.
        OutputError: the cache folder cannot be written.
    """
    folder = unpacked(path, f"column {column}", partial(_write_column, path, column))
    names = (folder / ".names").read_text(encoding="utf-8").split("\n")
    return folder, names


def _write_column(path: Path, column: str, folder: Path) -> None:
    names: list[str] = []
    for row, (name, content) in enumerate(images(path, column), start=1):
        if not content:
            names.append("")
            continue
        if not looks_like_image(content[:HEAD]):
            raise DataError(
                f"{path}, row {row}: column {column} holds bytes that are no image; set dataset.image_column to a "
                "column of images or of their file names"
            )
        safe = name if _SAFE.fullmatch(name) and not (folder / name).exists() else f"row_{row:07}"
        (folder / safe).write_bytes(content)
        names.append(safe)
    (folder / ".names").write_text("\n".join(names), encoding="utf-8")
