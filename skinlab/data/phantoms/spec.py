"""Which phantom shows which lesion, and of which class: counts and chances, no drawing."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

DRAWING_VERSION = 1
"""Raised with every change that alters a phantom, so that drawn files of older code are not taken for new ones."""

CLASSES = ("benign", "malignant")


class Stream(IntEnum):
    """Independent sources of chance, all children of one seed; a number is never reused for something else."""

    CLASS = 1
    LABEL_NOISE = 2
    LESION = 3
    SCENE = 4


@dataclass(frozen=True, kw_only=True)
class PhantomSpec:
    """The keys of a synthetic data set that phantoms depend on; see `skinlab.schema.SyntheticDataset`."""

    seed: int
    images: int
    draw_size: int
    malignant_fraction: float
    difficulty: float
    images_per_lesion: float

    @property
    def key(self) -> str:
        """Names the drawn phantoms: equal for equal phantoms, another with other drawing code."""
        content = json.dumps([DRAWING_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Plan:
    """Who is what.

    Attributes:
        lesion: int64 [images], the lesion that each phantom shows; ascending.
        malignant: bool [lesions].
    """

    lesion: npt.NDArray[np.int64]
    malignant: npt.NDArray[np.bool_]


def generator(seed: int, stream: Stream, index: int = 0) -> np.random.Generator:
    """The source of chance of one lesion or scene: the same whatever was drawn before, and by whom."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, index])))


@lru_cache(maxsize=4)
def plan(spec: PhantomSpec) -> Plan:
    """The lesions of a data set and their classes.

    Lesions have equally many phantoms, up to one; the fraction of malignant ones is met as closely as whole lesions
    allow, with at least one lesion of each class.

    Example:
        >>> spec = PhantomSpec(seed=0, images=10, draw_size=64, malignant_fraction=0.4, difficulty=0.2,
        ...                    images_per_lesion=2.0)
        >>> plan(spec).lesion.tolist(), int(plan(spec).malignant.sum())
        ([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], 2)
    """
    lesions = max(2, round(spec.images / spec.images_per_lesion))
    count = min(max(1, round(spec.malignant_fraction * lesions)), lesions - 1)
    malignant = np.zeros(lesions, dtype=np.bool_)
    malignant[generator(spec.seed, Stream.CLASS).permutation(lesions)[:count]] = True
    return Plan(np.arange(spec.images, dtype=np.int64) * lesions // spec.images, malignant)


def flipped(seed: int, images: int, fraction: float) -> npt.NDArray[np.bool_]:
    """Which labels are recorded wrongly: bool [images], exactly round(fraction * images) of them.

    With more noise, those that were wrong with less stay wrong.
    """
    wrong = np.zeros(images, dtype=np.bool_)
    wrong[generator(seed, Stream.LABEL_NOISE).permutation(images)[: round(fraction * images)]] = True
    return wrong
