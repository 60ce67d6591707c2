"""What the pixels of a data set say: pairs that are near-duplicates, brightness and contrast. Cached by content.

Judges nothing: which pairs are leaks and which values are outliers is said elsewhere.
"""

import hashlib
import json
import logging
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinlab import paths
from skinlab.data.audit import alignment, signature
from skinlab.data.audit.search import similar_pairs
from skinlab.data.cache_entries import AUDIT, touch
from skinlab.data.cache_room import make_room
from skinlab.data.images import CONVERT, decode_settings
from skinlab.data.parallel import usable_cpus
from skinlab.data.storage import cache_access, new_file

LEAST_SIMILARITY = 0.5
"""Pairs below are not kept, so `audit.similarity` may be anything from here to 1."""

_VERSIONS = [1, signature.VERSION, alignment.VERSION]
_FLAT = 1.0
_BLOCK = 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examined:
    """What N images look like.

    Attributes:
        pairs: int64 [pairs, 2], rows of images that resemble each other, first < second, sorted; each row is the first
            of its content.
        similarity: float64 [pairs], from `LEAST_SIMILARITY` to 1.
        brightness: float32 [N], mean grey level, 0 to 255.
        contrast: float32 [N], standard deviation of the grey levels.
    """

    pairs: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]
    brightness: npt.NDArray[np.float32]
    contrast: npt.NDArray[np.float32]


def examined(
    images: npt.NDArray[np.uint8], sha256: Sequence[str], *, near: bool, colour_profile: str = CONVERT
) -> Examined:
    """`examine`, remembered in the cache folder by the files' content and how it was decoded.

    Raises:
        OutputError: the cache folder cannot be written, or may not hold so much.
    """
    folder = paths.cache() / AUDIT
    path = folder / f"{_key(sha256, images.shape, near, colour_profile)}.npz"
    with cache_access(folder):
        found = _read(path, len(images))
        if found is None:
            found = examine(images, sha256, near=near)
            make_room(sum(array.nbytes for array in vars(found).values()))
            with new_file(path) as temporary, temporary.open("wb") as stream:
                np.savez(stream, **vars(found))
        touch(path)
    return found


def examine(
    images: npt.NDArray[np.uint8], sha256: Sequence[str], *, near: bool, workers: int | None = None
) -> Examined:
    """Looks at every image once, and at each pair that might be near-duplicates.

    Args:
        images: uint8 [N, S, S, 3], RGB; may be memory-mapped.
        sha256: hash of each image's file; of images with the same content only the first is paired.
        near: whether near-duplicates are searched.
        workers: threads; None: one per processor. Never changes the result.
    """
    signed = signature.signatures(images, workers)
    pairs = _candidates(signed, sha256, workers) if near else np.empty((0, 2), np.int64)
    similarity = _similarities(images, pairs, workers or usable_cpus())
    kept = similarity >= LEAST_SIMILARITY
    return Examined(pairs[kept], similarity[kept], signed.brightness, signed.contrast)


def _candidates(signed: signature.Signatures, sha256: Sequence[str], workers: int | None) -> npt.NDArray[np.int64]:
    """Pairs worth a look, among the first images of each content that show anything at all."""
    _, firsts = np.unique(np.asarray(sha256), return_index=True)
    rows = np.sort(firsts)
    rows = rows[signed.contrast[rows] >= _FLAT]
    return rows[similar_pairs(signed.hashes[rows], workers)]


def _similarities(images: npt.NDArray[np.uint8], pairs: npt.NDArray[np.int64], workers: int) -> npt.NDArray[np.float64]:
    similarity = np.zeros(len(pairs))

    def compare(place: int) -> None:
        one, other = (signature.thumbnail(images[row]) for row in pairs[place])
        similarity[place] = alignment.similarity(one, other)

    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(pairs), _BLOCK):
            for _ in pool.map(compare, range(start, min(start + _BLOCK, len(pairs)))):
                pass
    return similarity


def _key(sha256: Sequence[str], shape: tuple[int, ...], near: bool, colour_profile: str) -> str:
    how = [_VERSIONS, decode_settings(colour_profile), shape, near]
    digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
    for one in sha256:
        digest.update(b"\n" + one.encode())
    return digest.hexdigest()[:40]


def _read(path: Path, images: int) -> Examined | None:
    """What is remembered, if it is there and whole."""
    if not path.exists():
        return None
    try:
        with np.load(path) as stored:
            found = Examined(**{name: stored[name] for name in Examined.__annotations__})
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("the cached audit %s is damaged (%s): examining the images again", path, error)
        return None
    return found if len(found.brightness) == images else None
