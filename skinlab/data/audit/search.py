"""Pairs of images with similar hashes among a million, without comparing each with each.

Bit sampling (Indyk and Motwani, STOC 1998): in each of some tables a few bits of the hash are the key, and only images
with the same key are compared. Copies differ in few bits, so that some table shows them the same key. Flips need no
more work: they change known bits, and each table turns all hashes the same way up by two of their own bits.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from skinlab.data.audit.signature import flip_masks, frequencies
from skinlab.data.parallel import usable_cpus

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.int64]
"""Pairs of images in one number each, so that sorting is fast: (first * images + second) * 256 + distance."""

DISTANCE = 24
"""Most bits, of 128, that the hashes of a pair worth a look differ in."""

NEAREST = 4
"""A pair is kept where it is among the closest of its first image or of its second, as copies are."""

TABLES = 24
_KEY_BITS = (16, 24)
_SPARE_BITS = 2
_WINDOW = 8
_MIXER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = 8


@dataclass(frozen=True)
class _Table:
    """Which bits are the key, and which two say whether a hash is turned."""

    key: np.uint64
    upside_down: np.uint64
    mirrored: np.uint64


def similar_pairs(hashes: Words, workers: int | None = None) -> npt.NDArray[np.int64]:
    """Pairs of images whose hashes are close in some orientation.

    Which pairs of a crowd of similar hashes are found depends on the order of the images, on nothing else.

    Args:
        hashes: uint64 [N, variants, 2], from `skinlab.data.audit.signature`.
        workers: threads; None: one per processor, at most 2 since each takes memory. Never changes the result.

    Returns:
        int64 [pairs, 2], rows, first < second, sorted.

    Example:
        >>> hashes = np.random.default_rng(0).integers(0, 2**64, (1000, 1, 2), dtype=np.uint64)
        >>> hashes[7] = hashes[3] ^ np.uint64(0b1001)
        >>> similar_pairs(hashes).tolist()
        [[3, 7]]
    """
    images, variants, _ = hashes.shape
    if images < 2:  # noqa: PLR2004 - a pair
        return np.empty((0, 2), np.int64)
    flat = np.ascontiguousarray(hashes.transpose(1, 0, 2)).reshape(variants * images, -1)  # whole images come first
    tables = list(_tables(len(flat)))
    workers = workers or min(2, usable_cpus())
    found = np.empty(0, np.int64)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(tables), workers):
            block = tables[start : start + workers]
            parts = list(pool.map(lambda table: _neighbours(flat, table, images), block))
            for part in parts:  # one by one, so that what is kept does not depend on the number of threads
                found = _closest(_each_once([found, part]), images)
    return np.stack(np.divmod(found >> _SHIFT, images), axis=1)


def _tables(entries: int) -> Iterator[_Table]:
    """Tables whose keys have bits enough that few of so many entries meet by chance."""
    odd = frequencies() % 2 == 1
    least, most = _KEY_BITS
    length = min(max(entries.bit_length() + _SPARE_BITS, least), most)
    for number in range(TABLES):
        order = sorted(range(64), key=lambda bit: blake2b(f"{number}\0{bit}".encode(), digest_size=8).digest())
        down = next(bit for bit in order if odd[bit, 0] and not odd[bit, 1])
        across = next(bit for bit in order if odd[bit, 1] and not odd[bit, 0])
        key = sum(1 << bit for bit in order[:length])
        yield _Table(np.uint64(key), np.uint64(down), np.uint64(across))


def _turned(flat: Words, table: _Table) -> Words:
    """The hashes as those of flipped images, so that the two bits of the table are 0."""
    one = np.uint64(1)
    turned = flat.copy()
    for bit, mask in zip((table.upside_down, table.mirrored), flip_masks(), strict=True):
        turned ^= ((flat[:, 0] >> bit) & one)[:, None] * mask
    return turned


def _neighbours(flat: Words, table: _Table, images: int) -> Pairs:
    """Close pairs among the entries that share a key; of a long run each is compared with the next few."""
    turned = _turned(flat, table)
    low = (np.uint64(1) << np.uint64(len(flat).bit_length())) - np.uint64(1)
    # Key and entry in one word, so that one sort of plain numbers brings equal keys together, in a fixed order. Keys
    # that lose their difference by it only cost a comparison.
    mixed = (turned[:, 0] & table.key) * _MIXER
    entries = np.sort((mixed & ~low) | np.arange(len(flat), dtype=np.uint64))
    order = (entries & low).astype(np.int64)
    owner = order % images
    found = []
    for step in range(1, min(_WINDOW, len(flat) - 1) + 1):
        met = np.flatnonzero(((entries[step:] ^ entries[:-step]) <= low) & (owner[step:] != owner[:-step]))
        distance = _ones(turned[order[met]] ^ turned[order[met + step]]).sum(axis=1).astype(np.int64)
        near = distance <= DISTANCE
        one, other = owner[met[near]], owner[met[near] + step]
        code = np.minimum(one, other) * images + np.maximum(one, other)
        found.append((code << _SHIFT) | distance[near])
    return _each_once(found)


def _each_once(parts: list[Pairs]) -> Pairs:
    """Each pair once, with its least distance; sorted."""
    pairs = np.sort(np.concatenate(parts))
    first = np.ones(len(pairs), bool)
    first[1:] = (pairs[1:] >> _SHIFT) != (pairs[:-1] >> _SHIFT)
    return pairs[first]


def _closest(pairs: Pairs, images: int) -> Pairs:
    """The pairs among the closest of their first or of their second image; keeps memory linear in the images."""
    distance = pairs & ((1 << _SHIFT) - 1)
    places = np.arange(len(pairs))
    width = len(pairs).bit_length()
    kept = np.zeros(len(pairs), bool)
    for image in np.divmod(pairs >> _SHIFT, images):
        ranked = np.sort((((image << _SHIFT) | distance) << width) | places)  # by image, then distance, then pair
        owner = ranked >> (width + _SHIFT)
        first = np.ones(len(ranked), bool)
        first[1:] = owner[1:] != owner[:-1]
        start = np.maximum.accumulate(np.where(first, places, 0))
        kept[ranked[places - start < NEAREST] & ((1 << width) - 1)] = True
    return pairs[kept]


def _ones(words: Words) -> Words:
    """The number of ones in each word (numpy counts them from its version 2 on)."""
    words = words - ((words >> np.uint64(1)) & np.uint64(0x5555555555555555))
    words = (words & np.uint64(0x3333333333333333)) + ((words >> np.uint64(2)) & np.uint64(0x3333333333333333))
    words = (words + (words >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (words * np.uint64(0x0101010101010101)) >> np.uint64(56)
