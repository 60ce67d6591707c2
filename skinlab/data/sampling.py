"""Which images an epoch is made of, and in which order. Pure functions of (seed, epoch); looks at no pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinlab.randomness import stream

Draws = NDArray[np.int64]
"""int64 [n, 2], a line for each image of an epoch: its row in the data set; which of its fixed copies, 0 for itself."""


def epoch_images(images: int, copies: int) -> int:
    """How many images an epoch has: each of `images` training images, and so many fixed copies of each."""
    return images * (1 + copies)


@dataclass(frozen=True)
class Sampler:
    """Draws from a training subset; each image and each of its fixed copies is one of the pictures that there are.

    Attributes:
        rows: int64 [n], the training images.
        copies: fixed copies of each.
    """

    rows: NDArray[np.int64]
    copies: int

    @property
    def size(self) -> int:
        """Images of an epoch."""
        return epoch_images(len(self.rows), self.copies)

    def epoch(self, seed: int, epoch: int) -> Draws:
        """The images of an epoch in their order."""
        return self._pictures(stream(seed, "order", epoch).permutation(self.size))

    def one(self, generator: np.random.Generator) -> Draws:
        """Any image, drawn as those of an epoch are: int64 [1, 2]."""
        return self._pictures(generator.integers(self.size, size=1))

    def _pictures(self, numbers: NDArray[np.int64]) -> Draws:
        """Pictures by number, 0 to size - 1: all images, then all first copies, and so on."""
        copy, image = np.divmod(numbers, len(self.rows))
        return np.stack([self.rows[image], copy], axis=1)
