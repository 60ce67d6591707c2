"""A perceptual hash of each image that copies keep: resized, recompressed, flipped or cropped by a few per cent.

The hash says which pairs are worth a look; `skinlab.data.audit.alignment` says whether they are copies. Each image is
hashed by itself, so that nothing depends on its neighbours or on the number of threads.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from skinlab.data.parallel import usable_cpus

VERSION = 1
"""Any change of the numbers raises it: signatures are cached."""

THUMBNAIL = 64
"""Width and height that images are compared at, in pixels."""

BITS = 128

# The lowest even frequencies are a dark blob on skin, which all dermoscopy images show: they tell nothing apart.
_COMMON = frozenset({(0, 0), (0, 2), (2, 0), (2, 2)})
_HIGHEST = 16

# What is cut off before the low side and after the high side of each axis: the whole image, then crops that every crop
# to 95 % is close to.
_WHOLE, _LOW, _HIGH = (0.0, 0.0), (0.0425, 0.0075), (0.0075, 0.0425)
_VARIANTS = ((_WHOLE, _WHOLE), (_LOW, _LOW), (_LOW, _HIGH), (_HIGH, _LOW), (_HIGH, _HIGH))
VARIANTS = len(_VARIANTS)


@dataclass(frozen=True)
class Signatures:
    """Signatures of N images.

    Attributes:
        hashes: uint64 [N, VARIANTS, 2], of the whole image and of its crops; bit i is the sign of `frequencies()[i]`.
        brightness: float32 [N], mean grey level, 0 to 255.
        contrast: float32 [N], standard deviation of the grey levels.
    """

    hashes: npt.NDArray[np.uint64]
    brightness: npt.NDArray[np.float32]
    contrast: npt.NDArray[np.float32]


def signatures(images: npt.NDArray[np.uint8], workers: int | None = None) -> Signatures:
    """Signatures of images.

    Args:
        images: uint8 [N, H, W, 3], RGB; may be memory-mapped, is read once and in order.
        workers: threads; None: one per processor. Never changes the result.
    """
    found = Signatures(
        np.zeros((len(images), VARIANTS, BITS // 64), np.uint64),
        np.zeros(len(images), np.float32),
        np.zeros(len(images), np.float32),
    )

    def sign(row: int) -> None:
        grey = thumbnail(images[row])
        found.hashes[row] = _hashes(grey)
        found.brightness[row], found.contrast[row] = grey.mean(), grey.std()

    with ThreadPoolExecutor(workers or usable_cpus()) as pool:
        for _ in pool.map(sign, range(len(images))):
            pass
    return found


def thumbnail(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The grey levels of an image at the size of comparison: float32 [64, 64], 0 to 255."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
    larger = max(grey.shape) > THUMBNAIL
    method = cv2.INTER_AREA if larger else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=method), np.float32)


@cache
def frequencies() -> npt.NDArray[np.int64]:
    """The (vertical, horizontal) frequency of each bit, in half cycles an image, lowest first: int64 [BITS, 2]."""
    pairs = [(u, v) for u in range(_HIGHEST) for v in range(_HIGHEST) if (u, v) not in _COMMON]
    return np.array(sorted(pairs, key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))[:BITS])


def flip_masks() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Which bits an upside-down and a left-right flip change: a flip negates the odd frequencies along its axis."""
    odd = frequencies() % 2 == 1
    return _packed(odd[:, 0]), _packed(odd[:, 1])


def _hashes(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """The hash of a thumbnail and of its crops: uint64 [VARIANTS, 2]."""
    down, across = _bases()
    chosen = frequencies()
    spectra = down @ grey.astype(np.float64) @ across
    return _packed(spectra[:, chosen[:, 0], chosen[:, 1]] > 0)


@cache
def _bases() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Cosine transforms of each variant's rows [VARIANTS, frequencies, 64] and columns [VARIANTS, 64, frequencies]."""
    places = (np.arange(THUMBNAIL) + 0.5) / THUMBNAIL
    cosines = np.cos(np.pi * np.outer(np.arange(_HIGHEST), places))
    down = [cosines @ _resampling(rows) for rows, _ in _VARIANTS]
    across = [(cosines @ _resampling(columns)).T for _, columns in _VARIANTS]
    return np.stack(down), np.stack(across)


def _resampling(cut: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Linear interpolation along an axis with its ends cut off, stretched to full length: [64, 64]."""
    low, high = cut
    centres = (np.arange(THUMBNAIL) + 0.5) * (1 - low - high) + low * THUMBNAIL - 0.5
    away = np.abs(np.clip(centres, 0, THUMBNAIL - 1)[:, None] - np.arange(THUMBNAIL))
    weights: npt.NDArray[np.float64] = np.maximum(0, 1 - away)
    return weights


def _packed(bits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Bits [..., BITS] as words [..., BITS // 64], the first bit lowest, on machines of either byte order."""
    packed = np.ascontiguousarray(np.packbits(bits, axis=-1, bitorder="little"))
    return packed.view("<u8").astype(np.uint64)
