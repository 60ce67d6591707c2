"""Deterministic minibatches: order, augmentation and dropout masks from (seed, epoch, image_id) alone.

The number of workers, their timing and a resume in the middle of an epoch change nothing of what comes out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from skinlab.data.prefetch import Prefetcher
from skinlab.engines.base import Batch
from skinlab.randomness import stream, stream_key


@dataclass(frozen=True)
class Loader:
    """Minibatches of a training subset. As a context manager it starts its workers on entry and ends them on exit.

    Attributes:
        images: uint8 [N, S, S, 3], all images.
        image_ids: name of each of the N images.
        targets: int64 [N], class indices.
        rows: which of the N images are trained on.
        class_weights: float32 [classes], factor in the loss of each class.
        augment: (uint8 [S, S, 3], key) to the changed image; with workers, something that can be pickled.
        seed: of order, augmentation and dropout.
        minibatch_size: images a step; the last minibatch of an epoch may be smaller.
        dropout: probability that a feature is dropped.
        features: length of a dropout mask.
        workers: processes that prepare minibatches ahead; 0 prepares each when it is asked for.
    """

    images: NDArray[np.uint8]
    image_ids: Sequence[str]
    targets: NDArray[np.int64]
    rows: NDArray[np.int64]
    class_weights: NDArray[np.float32]
    augment: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]
    seed: int
    minibatch_size: int
    dropout: float
    features: int
    workers: int

    @property
    def steps(self) -> int:
        """Minibatches an epoch."""
        return -(-len(self.rows) // self.minibatch_size)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """The minibatches of an epoch, from step `first_step` on."""
        order = stream(self.seed, "order", epoch).permutation(self.rows)
        parts = [order[step * self.minibatch_size :][: self.minibatch_size] for step in range(first_step, self.steps)]
        if self.workers == 0:
            yield from (self.batch(part, epoch) for part in parts)
        else:
            yield from self._ahead.batches([(part, epoch) for part in parts])

    def batch(self, rows: NDArray[np.int64], epoch: int) -> Batch:
        """The minibatch of these images as it is in this epoch."""
        ids = [self.image_ids[row] for row in rows]
        images = [
            self.augment(self.images[row], stream_key(self.seed, "augmentation", epoch, name))
            for row, name in zip(rows, ids, strict=True)
        ]
        labels = self.targets[rows]
        return Batch(
            images=np.stack(images),
            labels=labels,
            weights=self.class_weights[labels],
            dropout_mask=np.stack([self._mask(epoch, name) for name in ids]),
        )

    def _mask(self, epoch: int, image_id: str) -> NDArray[np.float32]:
        """Inverted dropout (Srivastava et al., JMLR 2014): kept features are scaled so that the mean stays."""
        if self.dropout == 0:
            return np.ones(self.features, dtype=np.float32)
        kept = stream(self.seed, "dropout", epoch, image_id).random(self.features) >= self.dropout
        return (kept / (1 - self.dropout)).astype(np.float32)

    @cached_property
    def _ahead(self) -> Prefetcher:
        return Prefetcher(self, self.batch(self.rows[:1], 0))

    def __enter__(self) -> Self:
        if self.workers > 0:
            self._ahead.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if "_ahead" in vars(self):
            vars(self).pop("_ahead").close()


def class_weights(targets: NDArray[np.int64], classes: int, *, balanced: bool) -> NDArray[np.float32]:
    """Factor of each class in the loss; the mean over `targets` is 1.

    Args:
        targets: int64 [N], labels of the training subset.
        classes: number of classes.
        balanced: by the inverse of the frequency, as in scikit-learn's "balanced"; else all ones.

    >>> class_weights(np.array([0, 0, 0, 1]), 2, balanced=True)
    array([0.6666667, 2.       ], dtype=float32)
    """
    if not balanced:
        return np.ones(classes, dtype=np.float32)
    counts = np.bincount(targets, minlength=classes)
    return (len(targets) / (classes * counts)).astype(np.float32)
