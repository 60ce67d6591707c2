"""Which images an epoch is made of, and in which order. Pure functions of (seed, epoch); looks at no pixels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skinlab.randomness import stream

Draws = NDArray[np.int64]
"""int64 [n, 3], a line for each image of an epoch: its row in the data set; which of its fixed copies, 0 for itself;
how often this epoch has had it before."""


def epoch_images(images: int, copies: int) -> int:
    """How many images an epoch has: each of `images` training images, and so many fixed copies of each."""
    return images * (1 + copies)


@dataclass(frozen=True)
class Sampler:
    """Draws from a training subset; each image and each of its fixed copies is one of the pictures that there are.

    Attributes:
        rows: int64 [n], the training images.
        labels: int64 [n], their classes.
        copies: fixed copies of each.
        balanced: whether the classes are drawn equally often; else each picture once an epoch.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    copies: int
    balanced: bool

    @property
    def size(self) -> int:
        """Images of an epoch."""
        return epoch_images(len(self.rows), self.copies)

    def epoch(self, seed: int, epoch: int) -> Draws:
        """The images of an epoch in their order."""
        drawn = np.arange(self.size)
        if self.balanced:
            drawn = _balanced(self._classes, self.size, stream(seed, "sample", epoch))
        order = stream(seed, "order", epoch).permutation(drawn)
        return self._draws(order, _times_before(order))

    def one(self, generator: np.random.Generator) -> Draws:
        """Any image, as likely as in an epoch: int64 [1, 3]."""
        if self.balanced:
            among = self._classes[generator.integers(len(self._classes))]
            picture = among[generator.integers(len(among), size=1)]
        else:
            picture = generator.integers(self.size, size=1)
        return self._draws(picture, np.zeros(1, dtype=np.int64))

    @cached_property
    def _classes(self) -> list[NDArray[np.int64]]:
        """The pictures of each class that there is, by number: all images, then all first copies, and so on."""
        labels = np.tile(self.labels, 1 + self.copies)
        return [np.flatnonzero(labels == label) for label in np.unique(self.labels)]

    def _draws(self, pictures: NDArray[np.int64], before: NDArray[np.int64]) -> Draws:
        copy, image = np.divmod(pictures, len(self.rows))
        return np.stack([self.rows[image], copy, before], axis=1)


def _balanced(classes: list[NDArray[np.int64]], size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`size` pictures, equally many of each class; which classes have one more, if that does not come out, is drawn."""
    each, rest = divmod(size, len(classes))
    one_more = generator.permutation(len(classes)) < rest
    return np.concatenate(
        [_spread(pictures, each + int(more), generator) for pictures, more in zip(classes, one_more, strict=True)]
    )


def _spread(pictures: NDArray[np.int64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`count` of these pictures, each as often as any other, give or take one: repeated only where they are too few."""
    times, rest = divmod(count, len(pictures))
    return np.concatenate([np.tile(pictures, times), generator.permutation(pictures)[:rest]])


def _times_before(pictures: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each entry has come earlier in the list.

    >>> _times_before(np.array([7, 5, 7, 7, 5])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(pictures, kind="stable")
    _, starts, counts = np.unique(pictures[order], return_index=True, return_counts=True)
    before = np.empty(len(pictures), dtype=np.int64)
    before[order] = np.arange(len(pictures)) - np.repeat(starts, counts)
    return before
