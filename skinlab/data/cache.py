"""Decoded images in one memory-mapped file, shared by all runs that use the same images at the same size.

The file is named by the content of the source files, so it never has to be brought up to date; what it holds is what
`skinlab.data.images.decode` gives. Labels, splits and augmentation are not its business.
"""

import contextlib
import hashlib
import io
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from skinlab import paths
from skinlab.data import locks
from skinlab.data.cache_entries import ARRAY, IMAGES, NOTES, touch
from skinlab.data.cache_room import reserved
from skinlab.data.decoding import optional_readers
from skinlab.data.hashes import memory_path
from skinlab.data.images import CONVERT, PIXEL_LIMIT, ImageError, decode, decode_settings, read_bytes
from skinlab.data.parallel import usable_cpus
from skinlab.data.storage import TEMPORARY, cache_access, new_file
from skinlab.errors import DataError

Report = Callable[[int, int], None]

_BLOCK = 128
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decoded:
    """What became of a list of image files.

    Attributes:
        images: uint8 [readable, size, size, 3], RGB, read-only, memory-mapped; the readable files in their order. As
            long as it lives, no process deletes them to make room.
        unreadable: (row, reason) of each file that is not an image or not a whole one.
    """

    images: npt.NDArray[np.uint8]
    unreadable: list[tuple[int, str]]


def decoded(
    files: Sequence[str],
    sha256: Sequence[str],
    size: int,
    report: Report | None = None,
    colour_profile: str = CONVERT,
) -> Decoded:
    """The images of these files, from the cache where they are in it.

    Safe when several processes ask for the same images at once (one decodes, the others wait), and when one is killed
    (its temporary file is never taken for a result). A file of the wrong length or shape is made again.

    Args:
        files: paths of image files.
        sha256: hash of each file's content, see `skinlab.data.hashes`.
        size: width and height of the decoded images, in pixels.
        report: called with (images done, images in all) while images are decoded; not called when all are cached.
        colour_profile: as in `decode`.

    Raises:
        OutputError: the cache folder cannot be written, or may not hold so much.
        DataError: a file's content is not what its hash says.
    """
    folder = paths.cache() / IMAGES
    key = cache_key(sha256, size, colour_profile)
    array, notes = folder / f"{key}{ARRAY}", folder / f"{key}{NOTES}"
    with cache_access(folder):
        found = _open(array, notes, len(files), size)
        if found is None:
            found = _filled(array, notes, files, sha256, size, report, colour_profile)
    if found is None:
        raise DataError(f"the cached images {array} were damaged while they were written: run again")
    return found


def _filled(
    array: Path,
    notes: Path,
    files: Sequence[str],
    sha256: Sequence[str],
    size: int,
    report: Report | None,
    colour_profile: str,
) -> Decoded | None:
    """The images, decoded into the cache; by another process where one was doing so."""
    lock = array.with_name(f"{TEMPORARY}lock-{array.stem}")
    with (
        locks.alone(lock, "another process decodes the same images: waiting for it"),
        contextlib.ExitStack() as writing,
    ):
        writing.callback(lock.unlink, missing_ok=True)
        found = _open(array, notes, len(files), size)
        if found is not None:
            return found
        if array.exists():
            _log.warning("the cached images %s are damaged: decoding again", array)
        with new_file(array) as temporary:  # the array last: its name says that all is there
            most = len(_header((len(files), size, size, 3))) + len(files) * size * size * 3
            stream = writing.enter_context(reserved(temporary, most))  # in use until it is open for reading
            content = _write(stream, files, _decode_all(files, sha256, size, report, colour_profile), size)
            with new_file(notes) as temporary_notes:
                temporary_notes.write_text(json.dumps(content), encoding="utf-8")
        return _open(array, notes, len(files), size)


def cache_key(sha256: Sequence[str], size: int, colour_profile: str = CONVERT) -> str:
    """Names the decoded images: a function of the content of the files, decode settings, size, and what can be read.

    The last, since a format that is not read for want of a package is read once that is installed.
    """
    how = [decode_settings(colour_profile), size, optional_readers()]
    digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
    for one in sha256:
        digest.update(b"\n" + one.encode())
    return digest.hexdigest()[:40]


def _open(array: Path, notes: Path, rows: int, size: int) -> Decoded | None:
    """The cached images if they are there and whole; the map of them keeps the lock that says that they are used."""
    try:
        content = json.loads(notes.read_text(encoding="utf-8"))
        unreadable = [(int(row), str(reason)) for row, reason in content["unreadable"]]
        shape = (rows - len(unreadable), size, size, 3)
        with array.open("rb") as stream:
            header = _header(shape)
            used = locks.share(stream.fileno(), array)
            whole = array.stat().st_size == len(header) + np.prod(shape, dtype=np.int64)
            if not (used and whole and stream.read(len(header)) == header):
                return None
            images: npt.NDArray[np.uint8] = np.memmap(stream, np.uint8, "r", len(header), shape)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    touch(array)
    return Decoded(images, unreadable)


def _write(
    stream: BinaryIO, files: Sequence[str], results: Iterator[npt.NDArray[np.uint8] | str], size: int
) -> dict[str, object]:
    """Decodes the readable files, in their order, into a .npy file; gives its notes."""
    # Plain writes and not a writable memory map: on a full disk a write fails, a map kills the process.
    unreadable: list[tuple[int, str]] = []
    digest = hashlib.sha256()
    stream.write(_header((len(files), size, size, 3)))
    for row, result in enumerate(results):
        if isinstance(result, str):
            unreadable.append((row, result))
        else:
            stream.write(result.data)
            digest.update(result.data)
    stream.truncate()
    stream.seek(0)
    stream.write(_header((len(files) - len(unreadable), size, size, 3)))
    stream.flush()
    return {"unreadable": unreadable, "sha256": digest.hexdigest()}


def _header(shape: tuple[int, ...]) -> bytes:
    """The head of a .npy file of uint8; as long for fewer rows as for more (numpy leaves room for an axis to grow)."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _decode_all(
    files: Sequence[str], sha256: Sequence[str], size: int, report: Report | None, colour_profile: str
) -> Iterator[npt.NDArray[np.uint8] | str]:
    """The image of each file, or the reason why there is none; in order, with a bounded number in memory."""

    def one(row: int) -> npt.NDArray[np.uint8] | str:
        return _decode_one(files[row], sha256[row], size, colour_profile)

    with ThreadPoolExecutor(usable_cpus()) as pool:
        for start in range(0, len(files), _BLOCK):
            stop = min(start + _BLOCK, len(files))
            yield from pool.map(one, range(start, stop))
            if report is not None:
                report(stop, len(files))


def _decode_one(file: str, sha256: str, size: int, colour_profile: str) -> npt.NDArray[np.uint8] | str:
    try:
        data = read_bytes(file)
    except ImageError as error:
        raise DataError(f"{file} {error}, though a moment ago it could be: run again") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DataError(f"{file} has changed since it was hashed: run again; if this persists, delete {memory_path()}")
    try:
        return decode(data, size, PIXEL_LIMIT, colour_profile)
    except ImageError as error:
        return str(error)
