"""What training sees of a few images: which ones are shown, and each as the loader gives it epoch by epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinlab.data.loader import Loader
from skinlab.engines.base import Batch
from skinlab.randomness import stream


@dataclass(frozen=True)
class Shown:
    """An image as training sees it.

    Attributes:
        caption: which epoch, or which fixed copy.
        image: uint8 [S, S, 3].
        target: float32 [classes].
    """

    caption: str
    image: NDArray[np.uint8]
    target: NDArray[np.float32]


def choose(loader: Loader, each: int) -> list[NDArray[np.int64]]:
    """Training images of each class, drawn by the loader's seed: up to `each` rows per class, ascending."""
    labels = loader.targets[loader.rows]
    orders = [
        stream(loader.seed, "preview", label).permutation(loader.rows[labels == label])
        for label in range(len(loader.class_weights))
    ]
    return [np.sort(order[:each]) for order in orders]


def changes(loader: Loader, row: int, count: int) -> list[Shown]:
    """An image as it is in the first `count` epochs; where there are fixed copies, its first `count` copies."""
    if loader.copies:
        numbers = range(1, min(count, loader.copies) + 1)
        return [_shown(f"copy {number}", loader.batch(_draw(row, number), 0)) for number in numbers]
    return [_shown(f"epoch {epoch + 1}", loader.batch(_draw(row, 0), epoch)) for epoch in range(count)]


def _draw(row: int, copy: int) -> NDArray[np.int64]:
    """The image or its copy, for the first time in an epoch."""
    return np.array([[row, copy, 0]])


def _shown(caption: str, batch: Batch) -> Shown:
    return Shown(caption, batch.images[0], batch.targets[0])


def describe_target(target: NDArray[np.float32], classes: Sequence[str]) -> str:
    """The class that has the largest part of a target, and how much.

    >>> describe_target(np.array([0.25, 0.75]), ["benign", "malignant"])
    '75 % malignant'
    """
    largest = int(target.argmax())
    return f"{target[largest]:.0%} {classes[largest]}".replace("%", " %", 1)
